// Where a request's text went in a rendered template: the template is rendered a second time, with a request in which
// every character that could begin or end a special token looks like none. A special token that lost a character is,
// at least in part, the request's.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/chat_format.h"

namespace hadal::core {

class ChatMarks {
public:
    /// marks: texts that are special tokens where a template writes them. Outlives this.
    explicit ChatMarks(const AddedTokens &marks);

    /// What stays in the messages of assistants: templates look for the ends of reasoning there, and cut it away.
    enum class Kept { nothing, reasoning_marks };

    /// The request with its first and last characters of marks replaced by others of the same length in UTF-8, in every
    /// string but those that are members of the request itself (bos_token, date_string): these are the application's.
    /// nullopt: there is none. request: a JSON object without two members of one name.
    /// Fails: invalid_argument (it is no JSON object).
    Result<std::optional<std::string>> mask(std::string_view request, Kept kept) const;

    /// text in segments: content are the marks that lost a character in masked. nullopt: the two differ in more.
    std::optional<ChatPrompt> tell(std::string_view text, std::string_view masked) const;

private:
    const AddedTokens &marks_;
    std::set<std::string, std::less<>> ends_;  ///< code points
    std::string_view masks_[5];                ///< by length in UTF-8; none is an end
};

}  // namespace hadal::core

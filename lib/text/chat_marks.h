// Special tokens' texts inside a request's JSON, made unlike themselves: by what differs in two renderings of a
// template, the first with the request as it is and the second with it masked, one knows where they went.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/chat_format.h"

namespace hadal::core {

enum class MaskedMessages { all, all_but_assistants };

/// The request with every mark replaced by characters that no text uses, as many and as long. nullopt: there is none.
/// Members that are plain strings (bos_token, date_string) are the application's, and stay. request: a JSON object.
/// Fails: invalid_argument (an object names a key twice).
Result<std::optional<std::string>> mask_marks(std::string_view request, const AddedTokens &marks,
                                              MaskedMessages messages);

/// text in segments: content is what differs in masked. nullopt: the two are not the same text but for masked marks.
std::optional<ChatPrompt> tell_content(std::string_view text, std::string_view masked);

}  // namespace hadal::core

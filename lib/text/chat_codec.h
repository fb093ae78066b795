// A chat format as it is opened: one of those built in, by its name; or what a model's files say. Turns a request into
// a prompt, and says how the answer to it is read.
//
// A model's own template is the authority. Where it is one that a built-in format renders byte for byte, that format
// writes what it can say of a request, and the template the rest: requests it refuses, and variables it does not know.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/chat_format.h"
#include "text/chat_parser.h"
#include "text/chat_source.h"
#include "text/chat_template.h"

namespace hadal::core {

/// A prompt, and what of the request is not in it: "tools", for a template that names no tools; mostly "".
struct ChatRendering {
    ChatPrompt prompt;
    std::string left_out;
};

/// Unchangeable; const calls may run concurrently.
class ChatCodec {
public:
    /// A name of chat_formats(), or else a path as ChatSource::open takes it. Fails: not_found (neither; a model that
    /// carries no template and is of no family that has one format), as ChatSource::open and ChatTemplate::parse.
    static Result<std::shared_ptr<const ChatCodec>> open(const std::string &path_or_name);
    static Result<std::shared_ptr<const ChatCodec>> of(ChatSource source);

    /// Of the built-in format; "template" where the model's own template is none that is known. Static, NUL-terminated.
    const char *name() const { return format_ == nullptr ? "template" : format_->name.data(); }

    /// request: JSON, as parse_chat_request and ChatTemplate::render read it. marks: texts that are special tokens
    /// where the format writes them, and plain text where the request says them.
    /// Fails: as render_chat of a built-in format without a template, else as ChatTemplate::render.
    Result<ChatRendering> render(std::string_view request, const AddedTokens &marks) const;

    /// A parser of the answer to this request, which needs the codec no longer. Fails: as render.
    Result<ChatParser> parser(std::string_view request) const;
    /// The same for a request of one user's message, and tools.
    ChatParser parser() const;

private:
    ChatCodec() = default;
    const ChatGrammar &grammar() const;  ///< lives as long as the process
    Result<ChatPrompt> by_format(std::string_view request) const;

    const ChatFormat *format_ = nullptr;
    bool format_writes_ = false;  ///< false: the template alone does, since their special tokens differ
    std::optional<ChatTemplate> template_, tools_template_;  ///< the second: of requests that give tools
};

}  // namespace hadal::core

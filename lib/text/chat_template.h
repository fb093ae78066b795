// A chat request by a model's own template: whatever the template says, and where in it the request's text went.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/chat_format.h"
#include "text/jinja.h"

namespace hadal::core {

class ChatTemplate {
public:
    /// file: for messages. tokens: variables that every request has unless it gives them itself.
    /// Fails: bad_format, unsupported (as jinja::Template::parse).
    static Result<ChatTemplate> parse(const std::string &file, std::string_view source,
                                      std::vector<std::pair<std::string, std::string>> tokens);

    /// Whether the template names this variable at all.
    bool names(std::string_view variable) const { return template_.names(variable); }

    /// request: a JSON object whose members are the template's variables. add_generation_prompt is true where it is not
    /// said; thinking and enable_thinking stand for each other. strftime_now tells UTC.
    ///
    /// A mark in the text is content of the prompt where a part of it comes from messages, tools or another member that
    /// is no plain string; all else is markup (chat_marks.h).
    /// Fails: invalid_argument (request is no JSON object; the template's raise_exception), bad_format (as
    /// jinja::Template::render), unsupported (the request's text cannot be told from the template's own).
    Result<ChatPrompt> render(std::string_view request, const AddedTokens &marks) const;

private:
    ChatTemplate(std::string file, jinja::Template parsed, std::vector<std::pair<std::string, std::string>> tokens)
        : file_(std::move(file)), template_(std::move(parsed)), tokens_(std::move(tokens)) {}
    Result<std::string> write(std::string_view request, const jinja::ClockTime &now) const;

    std::string file_;
    jinja::Template template_;
    std::vector<std::pair<std::string, std::string>> tokens_;
};

}  // namespace hadal::core

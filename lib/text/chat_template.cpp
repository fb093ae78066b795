#include "text/chat_template.h"

#include <chrono>
#include <optional>
#include <set>

#include "base/utf8.h"
#include "text/chat_json.h"
#include "text/chat_marks.h"

namespace hadal::core {
namespace {

/// The clock in UTC: which zone is here only the environment knows, and that is not read.
jinja::ClockTime utc_now() {
    using namespace std::chrono;
    const auto now = floor<seconds>(system_clock::now());
    const auto today = floor<days>(now);
    const year_month_day date(today);
    const hh_mm_ss time(now - today);
    return {int{date.year()},
            static_cast<int32_t>(unsigned{date.month()}),
            static_cast<int32_t>(unsigned{date.day()}),
            static_cast<int32_t>(time.hours().count()),
            static_cast<int32_t>(time.minutes().count()),
            static_cast<int32_t>(time.seconds().count())};
}

void add_member(std::string_view name, std::string_view json, std::string &members) {
    members += members.empty() ? '{' : ',';
    append_json_string(name, members);
    members += ':';
    members += json;
}

/// What thinking or enable_thinking says, whichever is there; templates read either.
Result<std::optional<bool>> thinking_of(JsonObject request) {
    for (const char *name : {"thinking", "enable_thinking"}) {
        JsonElement given;
        if (request.at_key(name).get(given) != simdjson::SUCCESS || given.is_null()) continue;
        bool is_on = false;
        JsonObject described;
        std::string_view type;
        if (given.get(described) == simdjson::SUCCESS && described.at_key("type").get(type) == simdjson::SUCCESS) {
            return std::optional(type == "enabled");
        }
        if (given.get(is_on) == simdjson::SUCCESS) return std::optional(is_on);
        return error(Status::invalid_argument, name, " is neither true nor false");
    }
    return std::optional<bool>();
}

/// The request, with what it does not say. Fails: invalid_argument (no JSON object; an object that names a key twice).
Result<std::string> whole_request(std::string_view request,
                                  const std::vector<std::pair<std::string, std::string>> &tokens) {
    HeaderMemory memory("chat request");
    auto parsed = JsonText::parse("chat request", request, memory);
    if (!parsed && parsed.error().status == Status::bad_format) parsed.error().status = Status::invalid_argument;
    if (!parsed) return std::move(parsed.error());
    HADAL_TRY(const std::optional<bool> thinking, thinking_of(parsed->root()));
    std::string members;
    std::set<std::string_view> said;
    for (const auto [key, value] : parsed->root()) {
        if (!said.insert(key).second)
            return error(Status::invalid_argument, "the request names ", quoted(key), " twice");
        const bool is_thinking = key == "thinking" || key == "enable_thinking";
        if ((thinking && is_thinking) || (key == "add_generation_prompt" && value.is_null())) {
            said.erase(key);
            continue;
        }
        std::string json;
        HADAL_CHECK(append_json(value, std::string(key), json));
        add_member(key, json, members);
    }
    for (const auto &[variable, text] : tokens) {
        std::string json;
        append_json_string(text, json);
        if (!said.contains(variable)) add_member(variable, json, members);
    }
    for (const char *variable : {"tools", "documents"}) {  // transformers defines them always
        if (!said.contains(variable)) add_member(variable, "null", members);
    }
    if (!said.contains("add_generation_prompt")) add_member("add_generation_prompt", "true", members);
    if (thinking) {
        add_member("thinking", *thinking ? "true" : "false", members);
        add_member("enable_thinking", *thinking ? "true" : "false", members);
    }
    return members + "}";
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(const std::string &file, std::string_view source,
                                         std::vector<std::pair<std::string, std::string>> tokens) {
    auto parsed = jinja::Template::parse(source);
    if (!parsed) return error(parsed.error().status, file, ": chat template: ", parsed.error().message);
    return ChatTemplate(file, *std::move(parsed), std::move(tokens));
}

Result<std::string> ChatTemplate::write(std::string_view request, const jinja::ClockTime &now) const {
    auto context = jinja::Context::from_json(request);
    if (!context) return error(Status::invalid_argument, "chat request: ", context.error().message);
    jinja::RenderOptions options;
    options.now = now;
    auto text = template_.render(*context, options);
    if (!text) return error(text.error().status, file_, ": chat template: ", text.error().message);
    return text;
}

Result<ChatPrompt> ChatTemplate::render(std::string_view request, const AddedTokens &marks) const {
    HADAL_TRY(const std::string whole, whole_request(request, tokens_));
    const jinja::ClockTime now = utc_now();  // one for all renderings
    HADAL_TRY(const std::string text, write(whole, now));
    ChatPrompt prompt;
    if (marks.tokens().empty()) {
        prompt.markup(text);
        return prompt;
    }
    const ChatMarks chat_marks(marks);
    for (const auto kept : {ChatMarks::Kept::nothing, ChatMarks::Kept::reasoning_marks}) {
        HADAL_TRY(const auto masked, chat_marks.mask(whole, kept));
        if (!masked) {
            prompt.markup(text);
            return prompt;
        }
        const Result<std::string> masked_text = write(*masked, now);
        if (!masked_text) continue;
        if (auto told = chat_marks.tell(text, *masked_text)) return *std::move(told);
    }
    return error(Status::unsupported, file_, ": chat template: what it writes depends on signs in the request that ",
                 "special tokens are made of, so that the two cannot be told apart");
}

}  // namespace hadal::core

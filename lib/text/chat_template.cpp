#include "text/chat_template.h"

#include <chrono>
#include <optional>

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
    append_json_string(name, members);
    members += ':';
    members += json;
    members += ',';
}

/// thinking and enable_thinking, as true or false, where the request says one of them. Templates read either.
Result<void> add_thinking(JsonObject request, std::string &members) {
    for (const char *name : {"thinking", "enable_thinking"}) {
        JsonElement given;
        if (request.at_key(name).get(given) != simdjson::SUCCESS || given.is_null()) continue;
        bool is_on = false;
        JsonObject described;
        std::string_view type;
        if (given.get(described) == simdjson::SUCCESS && described.at_key("type").get(type) == simdjson::SUCCESS) {
            is_on = type == "enabled";
        } else if (given.get(is_on) != simdjson::SUCCESS) {
            return error(Status::invalid_argument, name, " is neither true nor false");
        }
        add_member("thinking", is_on ? "true" : "false", members);
        add_member("enable_thinking", is_on ? "true" : "false", members);
        return {};
    }
    return {};
}

/// The request with what it does not say put beside what it says: of two members of one name the last counts.
Result<std::string> whole_request(std::string_view request,
                                  const std::vector<std::pair<std::string, std::string>> &tokens) {
    HeaderMemory memory("chat request");
    auto parsed = JsonText::parse("chat request", request, memory);
    if (!parsed) {
        if (parsed.error().status == Status::bad_format) parsed.error().status = Status::invalid_argument;
        return std::move(parsed.error());
    }
    std::string members = "{";
    for (const auto &[variable, text] : tokens) {
        std::string json;
        append_json_string(text, json);
        add_member(variable, json, members);
    }
    add_member("add_generation_prompt", "true", members);
    std::string thinking;
    HADAL_CHECK(add_thinking(parsed->root(), thinking));
    const bool is_empty = parsed->root().size() == 0;
    const size_t first = request.find('{') + 1, last = request.rfind('}');
    members += request.substr(first, last - first);
    if (!thinking.empty()) {
        thinking.pop_back();
        members += "," + thinking;
    } else if (is_empty) {
        members.pop_back();
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

Result<std::string> ChatTemplate::write(std::string_view request) const {
    auto context = jinja::Context::from_json(request);
    if (!context) return error(Status::invalid_argument, "chat request: ", context.error().message);
    jinja::RenderOptions options;
    options.now = utc_now();
    auto text = template_.render(*context, options);
    if (!text) return error(text.error().status, file_, ": chat template: ", text.error().message);
    return text;
}

Result<ChatPrompt> ChatTemplate::render(std::string_view request, const AddedTokens &marks) const {
    HADAL_TRY(const std::string whole, whole_request(request, tokens_));
    HADAL_TRY(const std::string text, write(whole));
    for (const MaskedMessages messages : {MaskedMessages::all, MaskedMessages::all_but_assistants}) {
        HADAL_TRY(const auto masked, mask_marks(whole, marks, messages));
        if (!masked) {
            ChatPrompt prompt;
            prompt.markup(text);
            return prompt;
        }
        const Result<std::string> masked_text = write(*masked);
        if (!masked_text) continue;
        if (auto prompt = tell_content(text, *masked_text)) return *std::move(prompt);
    }
    return error(Status::unsupported, file_, ": chat template: it looks for special tokens in messages, and these ",
                 "hold some that cannot be told from its own");
}

}  // namespace hadal::core

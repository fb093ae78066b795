// Walks the JSON with the path of each value at hand, so that every refusal can name it.
#include "text/chat_request.h"

#include <utility>

#include "base/utf8.h"
#include "text/chat_json.h"

namespace hadal::core {
namespace {

/// A value of the request and where it is.
struct Place {
    JsonElement element;
    std::string path;

    Error refusal(std::string_view what) const { return error(Status::invalid_argument, path, " ", what); }
};

bool is_null(const std::optional<Place> &place) {
    return !place || place->element.is_null();
}

/// The member of that name: nothing where the object has none. Fails: it is no object, or has the member twice.
Result<std::optional<Place>> member(const Place &place, std::string_view name) {
    JsonObject object;
    if (place.element.get(object) != simdjson::SUCCESS) return place.refusal("is not an object");
    std::optional<Place> found;
    for (const auto [key, value] : object) {
        if (key != name) continue;
        if (found) return found->refusal("is there twice");
        found = Place{value, place.path.empty() ? std::string(name) : place.path + "." + std::string(name)};
    }
    return found;
}

Result<Place> required(const Place &place, std::string_view name) {
    HADAL_TRY(auto found, member(place, name));
    if (found) return *std::move(found);
    return Place{JsonElement(), place.path.empty() ? std::string(name) : place.path + "." + std::string(name)}.refusal(
        "is missing");
}

Result<std::string> string(const Place &place) {
    std::string_view bytes;
    if (place.element.get(bytes) != simdjson::SUCCESS) return place.refusal("is not a string");
    if (const auto at = utf8_error_offset(bytes)) {
        return error(Status::invalid_argument, place.path, " escapes a lone surrogate at byte ", *at);
    }
    return std::string(bytes);
}

/// "" where the member is not there or null.
Result<std::string> optional_string(const Place &place, std::string_view name) {
    HADAL_TRY(const auto found, member(place, name));
    if (is_null(found)) return std::string();
    return string(*found);
}

Result<std::vector<Place>> elements(const Place &place) {
    JsonArray array;
    if (place.element.get(array) != simdjson::SUCCESS) return place.refusal("is not an array");
    std::vector<Place> found;
    for (const JsonElement element : array) found.push_back({element, text(place.path, "[", found.size(), "]")});
    return found;
}

/// A string, or a list of text parts.
Result<std::string> content(const Place &place) {
    if (!place.element.is_array()) {
        if (!place.element.is_string()) return place.refusal("is neither a string nor a list of text parts");
        return string(place);
    }
    HADAL_TRY(const auto parts, elements(place));
    std::string joined;
    for (const Place &part : parts) {
        HADAL_TRY(const auto type_place, required(part, "type"));
        HADAL_TRY(const auto type, string(type_place));
        if (type != "text") {
            return error(Status::invalid_argument, type_place.path, " is ", quoted(type), ", only 'text' is read");
        }
        HADAL_TRY(const auto text_place, required(part, "text"));
        HADAL_TRY(const auto text, string(text_place));
        joined += text;
    }
    return joined;
}

Result<std::string> json_of(const Place &place) {
    std::string json;
    HADAL_CHECK(append_json(place.element, place.path, json));
    if (const auto at = utf8_error_offset(json)) {
        return error(Status::invalid_argument, place.path, " escapes a lone surrogate");
    }
    return json;
}

/// The arguments' members, and their text if the request gives an object.
Result<void> read_arguments(const Place &place, ChatToolCall &call) {
    JsonObject object;
    if (place.element.get(object) != simdjson::SUCCESS) return place.refusal("is not a JSON object");
    HADAL_TRY(const auto json, json_of(place));
    for (const auto [key, value] : object) {
        ChatArgument argument{std::string(key), value.is_string(), {}};
        const Place at{value, place.path + "." + argument.name};
        HADAL_TRY(argument.value, argument.is_string ? string(at) : json_of(at));
        call.by_name.push_back(std::move(argument));
    }
    if (call.arguments.empty()) call.arguments = json;
    return {};
}

Result<void> arguments(const std::optional<Place> &place, ChatToolCall &call) {
    if (!is_null(place) && !place->element.is_string()) return read_arguments(*place, call);
    if (!is_null(place)) {
        HADAL_TRY(call.arguments, string(*place));
    }
    if (call.arguments.empty()) call.arguments = "{}";
    HeaderMemory memory("arguments");
    const auto parsed = JsonText::parse("arguments", call.arguments, memory);
    if (!parsed) {
        return error(Status::invalid_argument, place->path,
                     " is not the text of a JSON object: ", quoted(call.arguments));
    }
    return read_arguments({parsed->root_element(), place ? place->path : "arguments"}, call);
}

Result<ChatToolCall> tool_call(const Place &place) {
    ChatToolCall call;
    HADAL_TRY(call.id, optional_string(place, "id"));
    HADAL_TRY(const auto type, optional_string(place, "type"));
    if (!type.empty() && type != "function") {
        return error(Status::invalid_argument, place.path, ".type is ", quoted(type), ", only 'function' is known");
    }
    HADAL_TRY(const auto function, required(place, "function"));
    HADAL_TRY(const auto name, required(function, "name"));
    HADAL_TRY(call.name, string(name));
    if (call.name.empty()) return name.refusal("is empty");
    HADAL_TRY(const auto given, member(function, "arguments"));
    HADAL_CHECK(arguments(given, call));
    return call;
}

Result<bool> boolean(const Place &place) {
    bool value = false;
    if (place.element.get(value) != simdjson::SUCCESS) return place.refusal("is neither true nor false");
    return value;
}

/// DeepSeek's API lets the model go on with a message that says so; no format here does, and its text would differ.
Result<void> check_prefix(const Place &place) {
    HADAL_TRY(const auto given, member(place, "prefix"));
    if (is_null(given)) return {};
    HADAL_TRY(const bool goes_on, boolean(*given));
    if (goes_on) return given->refusal("is true, and a message cannot be gone on with");
    return {};
}

Result<ChatRole> role_of(const Place &place) {
    HADAL_TRY(const auto role, string(place));
    if (role == "system") return ChatRole::system;
    if (role == "user") return ChatRole::user;
    if (role == "assistant") return ChatRole::assistant;
    if (role == "tool") return ChatRole::tool;
    return error(Status::invalid_argument, place.path, " is ", quoted(role),
                 ", known are 'system', 'user', 'assistant' and 'tool'");
}

/// Reasoning and tool calls.
Result<void> read_assistant(const Place &place, ChatMessage &message) {
    for (const char *key : {"reasoning_content", "reasoning"}) {
        HADAL_TRY(const auto reasoning, member(place, key));
        if (is_null(reasoning) || message.reasoning) continue;
        HADAL_TRY(message.reasoning, string(*reasoning));
    }
    HADAL_TRY(const auto calls, member(place, "tool_calls"));
    if (is_null(calls)) return {};
    HADAL_TRY(const auto each, elements(*calls));
    for (const Place &one : each) {
        HADAL_TRY(auto call, tool_call(one));
        message.tool_calls.push_back(std::move(call));
    }
    return {};
}

Result<ChatMessage> message_of(const Place &place) {
    ChatMessage message;
    HADAL_TRY(const auto role, required(place, "role"));
    HADAL_TRY(message.role, role_of(role));
    if (message.role == ChatRole::assistant) HADAL_CHECK(read_assistant(place, message));
    if (message.role == ChatRole::tool) {
        HADAL_TRY(message.tool_call_id, optional_string(place, "tool_call_id"));
    }
    HADAL_CHECK(check_prefix(place));
    HADAL_TRY(const auto given, member(place, "content"));
    if (!is_null(given)) {
        HADAL_TRY(message.content, content(*given));
    } else if (message.tool_calls.empty()) {
        return Place{place.element, place.path + ".content"}.refusal("is missing");
    }
    return message;
}

Result<ChatTool> tool_of(const Place &place) {
    ChatTool tool;
    HADAL_TRY(const auto type_place, required(place, "type"));
    HADAL_TRY(const auto type, string(type_place));
    if (type != "function") {
        return error(Status::invalid_argument, type_place.path, " is ", quoted(type), ", only 'function' is known");
    }
    HADAL_TRY(const auto function, required(place, "function"));
    HADAL_TRY(const auto name, required(function, "name"));
    HADAL_TRY(tool.name, string(name));
    if (tool.name.empty()) return name.refusal("is empty");
    HADAL_TRY(tool.description, optional_string(function, "description"));
    HADAL_TRY(tool.json, json_of(place));
    HADAL_TRY(tool.function_json, json_of(function));
    HADAL_TRY(const auto parameters, member(function, "parameters"));
    tool.parameters_json = "{}";
    if (is_null(parameters)) return tool;
    if (!parameters->element.is_object()) return parameters->refusal("is not an object");
    HADAL_TRY(tool.parameters_json, json_of(*parameters));
    return tool;
}

Result<Thinking> thinking_of(const Place &root) {
    HADAL_TRY(auto given, member(root, "thinking"));
    if (is_null(given)) {
        HADAL_TRY(given, member(root, "enable_thinking"));
    }
    if (is_null(given)) return Thinking::as_the_format_does;
    if (given->element.is_object()) {
        HADAL_TRY(const auto type_place, required(*given, "type"));
        HADAL_TRY(const auto type, string(type_place));
        if (type == "enabled") return Thinking::on;
        if (type == "disabled") return Thinking::off;
        return error(Status::invalid_argument, type_place.path, " is ", quoted(type), ", not 'enabled' or 'disabled'");
    }
    HADAL_TRY(const bool is_on, boolean(*given));
    return is_on ? Thinking::on : Thinking::off;
}

}  // namespace

std::string ChatToolCall::arguments_json() const {
    std::string json = "{";
    for (const ChatArgument &argument : by_name) {
        if (json.size() > 1) json += ", ";
        append_json_string(argument.name, json);
        json += ": ";
        if (argument.is_string) {
            append_json_string(argument.value, json);
        } else {
            json += argument.value;
        }
    }
    return json + "}";
}

Result<ChatRequest> parse_chat_request(std::string_view json) {
    if (json.size() > kMaxChatRequestBytes) {
        return error(Status::invalid_argument, "the chat request has ", json.size(), " bytes, at most ",
                     kMaxChatRequestBytes, " are read");
    }
    HeaderMemory memory("chat request");
    auto parsed = JsonText::parse("chat request", json, memory);
    if (!parsed && parsed.error().status == Status::bad_format) parsed.error().status = Status::invalid_argument;
    if (!parsed) return std::move(parsed.error());
    const Place root{parsed->root_element(), ""};

    ChatRequest request;
    HADAL_TRY(const auto messages, required(root, "messages"));
    HADAL_TRY(const auto each, elements(messages));
    if (each.empty()) return messages.refusal("is empty");
    for (const Place &one : each) {
        HADAL_TRY(auto message, message_of(one));
        request.messages.push_back(std::move(message));
    }
    HADAL_TRY(const auto tools, member(root, "tools"));
    if (!is_null(tools)) {
        HADAL_TRY(const auto listed, elements(*tools));
        for (const Place &one : listed) {
            HADAL_TRY(auto tool, tool_of(one));
            request.tools.push_back(std::move(tool));
        }
    }
    HADAL_TRY(request.thinking, thinking_of(root));
    HADAL_TRY(request.reasoning_effort, optional_string(root, "reasoning_effort"));
    HADAL_TRY(const auto prompt, member(root, "add_generation_prompt"));
    if (!is_null(prompt)) {
        HADAL_TRY(const bool is_added, boolean(*prompt));
        request.generation_prompt = is_added ? GenerationPrompt::added : GenerationPrompt::left_out;
    }
    return request;
}

}  // namespace hadal::core

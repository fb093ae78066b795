// A chat request as plain data: what an HTTP API's JSON says, checked, before any format has made text of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hadal::core {

enum class ChatRole { system, user, assistant, tool };

/// One argument of a call: a string as it is, anything else as JSON the way chat templates write it.
struct ChatArgument {
    std::string name;
    bool is_string = false;
    std::string value;
};

struct ChatToolCall {
    std::string id;  ///< "" where the request gives none
    std::string name;
    std::string arguments;              ///< a JSON object: as the request writes it, if it writes text
    std::vector<ChatArgument> by_name;  ///< the same, read; in the request's order

    /// The arguments as Python's json.dumps writes them, whatever the request's spacing.
    std::string arguments_json() const;
};

struct ChatMessage {
    ChatRole role = ChatRole::user;
    std::string content;
    std::optional<std::string> reasoning;  ///< assistant only
    std::vector<ChatToolCall> tool_calls;  ///< assistant only
    std::string tool_call_id;              ///< tool only: the call this is the result of; "" where it is not said
};

/// A function the model may call. The JSON is as Python's json.dumps writes it.
struct ChatTool {
    std::string json;  ///< the whole entry of `tools`: {"type": "function", "function": ...}
    std::string function_json;
    std::string name;
    std::string description;      ///< "" where there is none
    std::string parameters_json;  ///< {} where there are none
};

enum class Thinking { as_the_format_does, on, off };
enum class GenerationPrompt { added, left_out };

struct ChatRequest {
    std::vector<ChatMessage> messages;  ///< at least one
    std::vector<ChatTool> tools;
    Thinking thinking = Thinking::as_the_format_does;
    std::string reasoning_effort;  ///< "" where it is not said
    GenerationPrompt generation_prompt = GenerationPrompt::added;
};

/// Requests in use have at most some hundred messages and a few MB of text.
inline constexpr size_t kMaxChatRequestBytes = size_t{64} << 20;

/// Reads {"messages": [...], "tools": [...], "thinking": ..., ...}:
/// - messages: at least one {role, content, ...}. content: a string, or a list of {"type": "text", "text": ...}, whose
///   texts are joined. null or none at all is for assistants that call tools. Assistants may carry reasoning_content
///   (or reasoning) and tool_calls: {id, type, function: {name, arguments}}, arguments an object or its JSON as a
///   string; "" is no arguments. Tools may carry tool_call_id. Messages to go on with (prefix: true) are refused.
/// - tools: {"type": "function", "function": {name, description, parameters}}.
/// - thinking (or enable_thinking): true or false; {"type": "enabled"} or {"type": "disabled"}; null: not said.
/// - reasoning_effort: a string. add_generation_prompt: true where it is not said.
/// Every other key of a request is about something else than its text, and is not read.
/// Fails: invalid_argument (names the path: "messages[3].tool_calls[0].function.name").
Result<ChatRequest> parse_chat_request(std::string_view json);

}  // namespace hadal::core

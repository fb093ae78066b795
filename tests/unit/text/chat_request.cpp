// Requests as the HTTP APIs write them, and every refusal by its path.
#include "text/chat_request.h"

#include <doctest/doctest.h>

#include <string>

using namespace hadal::core;

namespace {

std::string refusal(std::string_view json) {
    const auto request = parse_chat_request(json);
    if (request) return "accepted";
    return request.error().status == Status::invalid_argument ? request.error().message : "another status";
}

/// A request whose second message is this.
std::string after_hello(const std::string &message) {
    return R"({"messages": [{"role": "user", "content": "Hello"}, )" + message + "]}";
}

std::string with_call(const std::string &call) {
    return after_hello(R"({"role": "assistant", "tool_calls": [)" + call + "]}");
}

std::string with_tool(const std::string &tool) {
    return R"({"messages": [{"role": "user", "content": ""}], "tools": [)" + tool + "]}";
}

}  // namespace

TEST_CASE("a request is read") {
    const auto request = parse_chat_request(R"({"model": "x", "stream": true, "thinking": true,
        "reasoning_effort": "max", "add_generation_prompt": false, "messages": [
        {"role": "system", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "\u00e9"}]},
        {"role": "user", "content": "", "name": "ignored"},
        {"role": "assistant", "content": null, "reasoning_content": "R", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1,\"b\":\"x\"}"}},
            {"function": {"name": "g", "arguments": {"l": [1, {}]}}},
            {"function": {"name": "h", "arguments": ""}}, {"function": {"name": "i"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "T"},
        {"role": "assistant", "content": "C", "reasoning": "S", "tool_calls": []}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a":1}}}]})");
    REQUIRE(request);
    CHECK(request->thinking == Thinking::on);
    CHECK(request->reasoning_effort == "max");
    CHECK(request->generation_prompt == GenerationPrompt::left_out);
    REQUIRE(request->messages.size() == 5);
    CHECK(request->messages[0].role == ChatRole::system);
    CHECK(request->messages[0].content == "A\xC3\xA9");
    const ChatMessage &calling = request->messages[2];
    CHECK(calling.content.empty());
    CHECK(*calling.reasoning == "R");
    REQUIRE(calling.tool_calls.size() == 4);
    CHECK(calling.tool_calls[0].id == "c1");
    CHECK(calling.tool_calls[0].arguments == R"({"a":1,"b":"x"})");
    CHECK(calling.tool_calls[0].arguments_json() == R"({"a": 1, "b": "x"})");
    REQUIRE(calling.tool_calls[0].by_name.size() == 2);
    CHECK_FALSE(calling.tool_calls[0].by_name[0].is_string);
    CHECK(calling.tool_calls[0].by_name[1].value == "x");
    CHECK(calling.tool_calls[1].arguments == R"({"l": [1, {}]})");
    CHECK(calling.tool_calls[2].arguments == "{}");
    CHECK(calling.tool_calls[3].arguments == "{}");
    CHECK(request->messages[3].tool_call_id == "c1");
    CHECK(*request->messages[4].reasoning == "S");
    CHECK(request->tools[0].json == R"({"type": "function", "function": {"name": "f", "parameters": {"a": 1}}})");
    CHECK(request->tools[0].function_json == R"({"name": "f", "parameters": {"a": 1}})");
    CHECK(request->tools[0].parameters_json == R"({"a": 1})");
}

TEST_CASE("what a request does not say") {
    const auto request = parse_chat_request(R"({"messages": [{"role": "user", "content": "x"}], "tools": null})");
    REQUIRE(request);
    CHECK(request->thinking == Thinking::as_the_format_does);
    CHECK(request->generation_prompt == GenerationPrompt::added);
    CHECK(request->tools.empty());
    const auto disabled = parse_chat_request(
        R"({"messages": [{"role": "user", "content": "x"}], "thinking": {"type": "disabled"},
            "enable_thinking": true})");
    REQUIRE(disabled);
    CHECK(disabled->thinking == Thinking::off);
    const auto enabled =
        parse_chat_request(R"({"messages": [{"role": "user", "content": "x"}], "enable_thinking": true})");
    REQUIRE(enabled);
    CHECK(enabled->thinking == Thinking::on);
}

TEST_CASE("every refusal names the path") {
    CHECK(refusal("{}") == "messages is missing");
    CHECK(refusal("[]") == "chat request: JSON is not an object");
    CHECK(refusal("{\"messages\": 1").find("chat request: JSON: ") == 0);
    CHECK(refusal(R"({"messages": {}})") == "messages is not an array");
    CHECK(refusal(R"({"messages": []})") == "messages is empty");
    CHECK(refusal(R"({"messages": [], "messages": []})") == "messages is there twice");
    CHECK(refusal(after_hello("7")) == "messages[1] is not an object");
    CHECK(refusal(after_hello(R"({"role": "assistant", "content": "a", "prefix": true})")) ==
          "messages[1].prefix is true, and a message cannot be gone on with");
    CHECK(refusal(after_hello(R"({"role": "assistant", "content": "a", "prefix": false})")) == "accepted");
    CHECK(refusal(after_hello(R"({"content": "x"})")) == "messages[1].role is missing");
    CHECK(refusal(after_hello(R"({"role": "developer", "content": "x"})")) ==
          "messages[1].role is 'developer', known are 'system', 'user', 'assistant' and 'tool'");
    CHECK(refusal(after_hello(R"({"role": "user"})")) == "messages[1].content is missing");
    CHECK(refusal(after_hello(R"({"role": "assistant", "content": null})")) == "messages[1].content is missing");
    CHECK(refusal(after_hello(R"({"role": "user", "content": 1})")) ==
          "messages[1].content is neither a string nor a list of text parts");
    CHECK(refusal(after_hello(R"({"role": "user", "content": [{"type": "image_url"}]})")) ==
          "messages[1].content[0].type is 'image_url', only 'text' is read");
    CHECK(refusal(after_hello(R"({"role": "user", "content": [{"type": "text"}]})")) ==
          "messages[1].content[0].text is missing");
    CHECK(refusal(after_hello(R"({"role": "user", "content": "\udc00"})")) != "accepted");
    CHECK(refusal(with_call("{}")) == "messages[1].tool_calls[0].function is missing");
    CHECK(refusal(with_call(R"({"function": {}})")) == "messages[1].tool_calls[0].function.name is missing");
    CHECK(refusal(with_call(R"({"function": {"name": ""}})")) == "messages[1].tool_calls[0].function.name is empty");
    CHECK(refusal(with_call(R"({"type": "x", "function": {"name": "f"}})")) ==
          "messages[1].tool_calls[0].type is 'x', only 'function' is known");
    CHECK(refusal(with_call(R"({"function": {"name": "f", "arguments": [1]}})")) ==
          "messages[1].tool_calls[0].function.arguments is not a JSON object");
    CHECK(refusal(with_call(R"({"function": {"name": "f", "arguments": "{\"a\": "}})")) ==
          "messages[1].tool_calls[0].function.arguments is not the text of a JSON object: '{\"a\": '");
    CHECK(refusal(with_call(R"({"function": {"name": "f", "arguments": {"a": 1, "a": 2}}})")) ==
          "messages[1].tool_calls[0].function.arguments: an object has the key 'a' twice");
    CHECK(refusal(with_tool(R"({"type": "web"})")) == "tools[0].type is 'web', only 'function' is known");
    CHECK(refusal(with_tool(R"({"type": "function", "function": {"name": "f", "parameters": 1}})")) ==
          "tools[0].function.parameters is not an object");
    CHECK(refusal(R"({"messages": [{"role": "user", "content": ""}], "thinking": "on"})") ==
          "thinking is neither true nor false");
}

TEST_CASE("hostile requests end in an error") {
    CHECK(refusal("{\"messages\": " + std::string(100000, '[') + "}").find("chat request: ") == 0);
    std::string deep;
    for (int i = 0; i < 70; ++i) deep += "{\"a\":";
    CHECK(refusal(with_tool(R"({"type": "function", "function": {"name": "f", "parameters": )" + deep)) != "accepted");
    CHECK(refusal("") != "accepted");
}

// Which characters of a rendered template are the request's: its special tokens are masked, and looked for in the text.
#include "text/chat_marks.h"

#include <doctest/doctest.h>

using namespace hadal::core;

namespace {

const AddedTokens kMarks({{0, "<s>", true, false, false, false, false},
                          {1, "[\uFF5CUser\uFF5D", true, false, false, false, false}});
const ChatMarks kChatMarks(kMarks);

std::string masked(std::string_view request, ChatMarks::Kept kept = ChatMarks::Kept::nothing) {
    const auto result = kChatMarks.mask(request, kept);
    REQUIRE(result);
    return result->value_or("none");
}

std::string shown(const std::optional<ChatPrompt> &prompt) {
    if (!prompt) return "none";
    std::string out;
    for (const ChatSegment &segment : prompt->segments()) {
        const bool is_content = segment.kind == SegmentKind::content;
        out += (is_content ? "(" : "") + segment.text + (is_content ? ")" : "");
    }
    return out;
}

}  // namespace

TEST_CASE("what could begin or end a mark becomes another character of its length") {
    CHECK(masked(R"({"messages": ["a<s>b"]})") == "{\"messages\":[\"a~s~b\"]}");
    CHECK(masked(R"({"messages": ["[\uFF5CUser\uff5d"]})") == "{\"messages\":[\"~\uFF5CUser\u2021\"]}");
    CHECK(masked(R"({"messages": [{"<": [1, 2.5, null, true, "\"\n"]}]})") ==
          "{\"messages\":[{\"~\":[1,2.5,null,true,\"\\\"\\n\"]}]}");
    CHECK(masked(R"({"messages": ["s"], "b": ""})") == "none");
}

TEST_CASE("what the application says of itself stays") {
    CHECK(masked(R"({"bos_token": "<s>", "messages": []})") == "none");
    CHECK(masked(R"({"bos_token": "<s>", "tools": ["<s>"]})") == R"({"bos_token":"<s>","tools":["~s~"]})");
}

TEST_CASE("marks of reasoning can stay in assistants' messages, and only there") {
    constexpr auto kKept = ChatMarks::Kept::reasoning_marks;
    CHECK(masked(R"({"messages":[{"role":"user","content":"</think>"},{"role":"assistant","content":"</think><s>"}]})",
                 kKept) ==
          R"({"messages":[{"role":"user","content":"~/think~"},{"role":"assistant","content":"</think>~s~"}]})");
    CHECK(masked(R"({"messages":[{"role":"assistant","content":"<think>"}]})", kKept) == "none");
    CHECK(masked(R"({"tools":[{"role":"assistant","content":"<think>"}],"messages":[]})", kKept) ==
          R"({"tools":[{"role":"assistant","content":"~think~"}],"messages":[]})");
}

TEST_CASE("no JSON object is refused") {
    CHECK_FALSE(kChatMarks.mask("[]", ChatMarks::Kept::nothing));
    CHECK_FALSE(kChatMarks.mask("{", ChatMarks::Kept::nothing));
}

TEST_CASE("content are the marks that lost a character") {
    CHECK(shown(kChatMarks.tell("<s>a<s>", "<s>a~s~")) == "<s>a(<s>)");
    CHECK(shown(kChatMarks.tell("<s><s>", "~s><s>")) == "(<s>)<s>");  // a mark of both is not the template's
    CHECK(shown(kChatMarks.tell("a<b", "a~b")) == "a<b");             // no mark
    CHECK(shown(kChatMarks.tell("~", "~")) == "~");                   // the request had it itself
    CHECK(shown(kChatMarks.tell("", "")).empty());
}

TEST_CASE("what a mark begins or ends with is no mask") {
    const AddedTokens marks({{0, "~x^", true, false, false, false, false}});
    const auto hidden = ChatMarks(marks).mask(R"({"messages": ["~x^"]})", ChatMarks::Kept::nothing);
    REQUIRE(hidden);
    CHECK(hidden->value_or("none") == R"({"messages":["`x`"]})");
    CHECK(shown(ChatMarks(marks).tell("~x^~x^", "~x^`x`")) == "~x^(~x^)");
}

TEST_CASE("texts that differ in more than masks are not told apart") {
    CHECK(shown(kChatMarks.tell("abc", "ab")) == "none");
    CHECK(shown(kChatMarks.tell("abc", "abd")) == "none");
    CHECK(shown(kChatMarks.tell("abc", "ab~")) == "none");
    CHECK(shown(kChatMarks.tell("a\uFF5C", "ab~~")) == "none");
}

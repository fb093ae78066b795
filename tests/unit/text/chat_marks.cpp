// Which characters of a rendered template are the request's: its special tokens are masked, and looked for in the text.
#include "text/chat_marks.h"

#include <doctest/doctest.h>

using namespace hadal::core;

namespace {

const AddedTokens kMarks({{0, "<s>", true, false, false, false, false},
                          {1, "<\uFF5CUser\uFF5C>", true, false, false, false, false}});

std::string masked(std::string_view request, MaskedMessages messages = MaskedMessages::all) {
    const auto result = mask_marks(request, kMarks, messages);
    REQUIRE(result);
    return result->value_or("none");
}

std::string shown(const std::optional<ChatPrompt> &prompt) {
    if (!prompt) return "none";
    std::string out;
    for (const ChatSegment &segment : prompt->segments()) {
        const bool is_content = segment.kind == SegmentKind::content;
        out += (is_content ? "[" : "") + segment.text + (is_content ? "]" : "");
    }
    return out;
}

}  // namespace

TEST_CASE("marks become as many characters, as long, that look like none") {
    CHECK(masked(R"({"messages": ["a<s>b"]})") ==
          "{\"messages\":[\"a\x7F\x7F\x7F"
          "b\"]}");
    CHECK(masked(R"({"messages": ["<\uFF5CUser\uff5c>"]})") ==
          "{\"messages\":[\"\x7F\uFDD0\x7F\x7F\x7F\x7F\uFDD0\x7F\"]}");
    CHECK(masked(R"({"messages": [{"<s>": [1, 2.5, null, true, "\"\n"]}]})") ==
          "{\"messages\":[{\"\x7F\x7F\x7F\":[1,2.5,null,true,\"\\\"\\n\"]}]}");
    CHECK(masked(R"({"messages": ["a<s", "s>"], "b": ""})") == "none");
}

TEST_CASE("what the application says of itself stays") {
    CHECK(masked(R"({"bos_token": "<s>", "messages": []})") == "none");
    CHECK(masked(R"({"bos_token": "<s>", "tools": ["<s>"]})") ==
          "{\"bos_token\":\"<s>\",\"tools\":[\"\x7F\x7F\x7F\"]}");
}

TEST_CASE("assistants' messages can be left as they are") {
    constexpr std::string_view kRequest =
        R"({"messages":[{"role":"user","content":"<s>"},{"role":"assistant","content":"<s>"}]})";
    CHECK(masked(kRequest, MaskedMessages::all_but_assistants) ==
          "{\"messages\":[{\"role\":\"user\",\"content\":\"\x7F\x7F\x7F\"},"
          "{\"role\":\"assistant\",\"content\":\"<s>\"}]}");
    CHECK(masked(R"({"messages":[{"role":"assistant","content":"<s>"}]})", MaskedMessages::all_but_assistants) ==
          "none");
}

TEST_CASE("no JSON object, and an object that says a thing twice, are refused") {
    CHECK_FALSE(mask_marks("[]", kMarks, MaskedMessages::all));
    CHECK_FALSE(mask_marks("{", kMarks, MaskedMessages::all));
}

TEST_CASE("content is what differs in the masked text") {
    CHECK(shown(tell_content("<s>a<s>", "<s>a\x7F\x7F\x7F")) == "<s>a[<s>]");
    CHECK(shown(tell_content("<s><s>", "\x7F\x7F\x7F<s>")) == "[<s>]<s>");
    CHECK(shown(tell_content("\x7F", "\x7F")) == "\x7F");  // the request had it itself
    CHECK(shown(tell_content("abc", "abc")) == "abc");
    CHECK(shown(tell_content("", "")).empty());
}

TEST_CASE("texts that differ in more than masks are not told apart") {
    CHECK(shown(tell_content("abc", "ab")) == "none");
    CHECK(shown(tell_content("abc", "abd")) == "none");
    CHECK(shown(tell_content("a\uFF5C", "ab\x7F\x7F")) == "none");
}

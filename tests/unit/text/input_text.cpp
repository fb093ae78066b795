// Bytes that are no UTF-8, on their way into both kinds of tokenizer.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "support/vocabulary.h"
#include "text/input_text.h"

using namespace hadal::core;

namespace {

constexpr EncodeOptions kReplaced = {.invalid_utf8 = InvalidUtf8::replaced};

std::string replaced(std::string_view bytes) {
    std::string repaired;
    const auto text = input_text(bytes, kReplaced, repaired);
    REQUIRE(text);
    return std::string(*text);
}

std::string replacements(int n) {
    std::string text;
    while (n-- > 0) text += "\xEF\xBF\xBD";
    return text;
}

}  // namespace

TEST_CASE("input text: UTF-8 is taken where it lies, anything else refused with its place") {
    const std::string text = "caf\xC3\xA9";
    std::string repaired;
    for (const EncodeOptions &options : {EncodeOptions{}, kReplaced}) {
        CHECK(input_text(text, options, repaired)->data() == text.data());
    }
    const auto refused = input_text("caf\xC3", {}, repaired);
    REQUIRE(!refused);
    CHECK(refused.error().status == Status::invalid_argument);
    CHECK(refused.error().message == "the text is not UTF-8 at byte 3");
}

TEST_CASE("input text: one replacement for each maximal subpart, as tables 3-8 to 3-11 of Unicode have it") {
    CHECK(replaced("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == replacements(8) + "A");
    CHECK(replaced("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") == replacements(8) + "A");
    CHECK(replaced("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == replacements(5) + "A" + replacements(2) + "B");
    CHECK(replaced("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == replacements(4) + "A");
    CHECK(replaced("a\xF0\x9F\x98") == "a" + replacements(1));  // cut off at the end
    CHECK(replaced("") == "");
}

TEST_CASE("input text: every tokenizer replaces what is no UTF-8 where it is asked to") {
    const hadal::test::TempFolder folder;
    folder.write("tokenizer.json",
                 R"({"model":{"type":"BPE","vocab":{"a":0,")" + replacements(1) + R"(":1},"merges":[]}})");
    const auto from_json = Tokenizer::open(folder.path());
    const auto from_gguf = hadal::test::open_tokenizer(
        hadal::test::vocabulary_values(hadal::test::with_bytes({{"a"}, {replacements(1)}})));
    for (const auto *tokenizer : {&from_json, &from_gguf}) {
        REQUIRE(*tokenizer);
        CHECK(!(**tokenizer)->encode("a\xFF\xC3", {}));
        const auto tokens = (**tokenizer)->encode("a\xFF\xC3", kReplaced);
        REQUIRE(tokens);
        CHECK(*tokens == *(**tokenizer)->encode("a" + replacements(2), {}));
    }
}

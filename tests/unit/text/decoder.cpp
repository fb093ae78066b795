// Streams: whole code points only, nothing lost, nothing invented.
#include <doctest/doctest.h>

#include "support/vocabulary.h"
#include "text/decoder.h"

using namespace hadal::core;
using hadal::test::open_tokenizer;
using hadal::test::vocabulary_values;
using hadal::test::with_bytes;

namespace {

constexpr Token kFirst = 259;
const std::string kReplacement = "\xEF\xBF\xBD";

std::shared_ptr<const Tokenizer> bytes_and_two_words() {
    auto tokenizer = open_tokenizer(vocabulary_values(with_bytes({{"\xE2\x96\x81"
                                                                   "a"},
                                                                  {"\xE2\x96\x81"}})));
    REQUIRE(tokenizer);
    return std::move(*tokenizer);
}

Token byte(unsigned value) {
    return static_cast<Token>(3 + value);
}

/// What each token gives, then what finish gives.
std::vector<std::string> stream(const std::vector<Token> &tokens, DecodeFrom where = DecodeFrom::middle) {
    Decoder decoder(bytes_and_two_words(), where);
    std::vector<std::string> pieces;
    for (const Token token : tokens) {
        auto piece = decoder.push(token);
        REQUIRE(piece);
        pieces.emplace_back(*piece);
    }
    pieces.emplace_back(decoder.finish());
    return pieces;
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("a code point comes out once it is whole") {
    CHECK(stream({byte(0xF0), byte(0x9F), byte(0xA6), byte(0x99), byte('x')}) ==
          Pieces{"", "", "", "\xF0\x9F\xA6\x99", "x", ""});
    CHECK(stream({byte(0xC3), 1, byte(0xA9)}) == Pieces{"", "", "\xC3\xA9", ""});  // a control token gives nothing
}

TEST_CASE("what cannot become UTF-8 is replaced, by its longest ill-formed parts") {
    CHECK(stream({byte(0xFF)}) == Pieces{kReplacement, ""});
    CHECK(stream({byte(0xC3), byte('a')}) == Pieces{"", kReplacement + "a", ""});
    CHECK(stream({byte(0xE2), byte(0x96), byte('a')}) == Pieces{"", "", kReplacement + "a", ""});
    CHECK(stream({byte(0xE0), byte(0x80)}) == Pieces{"", kReplacement + kReplacement, ""});  // overlong
    CHECK(stream({byte(0xED), byte(0xA0)}) == Pieces{"", kReplacement + kReplacement, ""});  // a surrogate
    CHECK(stream({byte(0xF0), byte(0x9F), byte(0xF0), byte(0x9F)}) == Pieces{"", "", kReplacement, "", kReplacement});
    CHECK(stream({0}) == Pieces{kReplacement, ""});  // the unknown token
}

TEST_CASE("finish gives one replacement for an unfinished code point") {
    CHECK(stream({byte(0xF0), byte(0x9F), byte(0xA6)}) == Pieces{"", "", "", kReplacement});
    CHECK(stream({}) == Pieces{""});
}

TEST_CASE("only the start of a text loses the space in front") {
    CHECK(stream({kFirst, kFirst}) == Pieces{" a", " a", ""});
    CHECK(stream({kFirst, kFirst}, DecodeFrom::start) == Pieces{"a", " a", ""});
    CHECK(stream({1, kFirst, kFirst}, DecodeFrom::start) == Pieces{"", "a", " a", ""});
    CHECK(stream({kFirst + 1, kFirst}, DecodeFrom::start) == Pieces{"", " a", ""});
    CHECK(stream({byte('x'), kFirst}, DecodeFrom::start) == Pieces{"x", " a", ""});
    CHECK(stream({byte(0xC3), byte(0xA9), kFirst}, DecodeFrom::start) == Pieces{"", "\xC3\xA9", " a", ""});
}

TEST_CASE("a bad id is refused and loses nothing") {
    Decoder decoder(bytes_and_two_words(), DecodeFrom::middle);
    REQUIRE(decoder.push(byte(0xC3)));
    CHECK(decoder.push(-1).error().status == Status::invalid_argument);
    CHECK(decoder.push(kFirst + 2).error().status == Status::invalid_argument);
    auto piece = decoder.push(byte(0xA9));
    REQUIRE(piece);
    CHECK(*piece == "\xC3\xA9");
}

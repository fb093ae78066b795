// What merging, atoms, fallback and special tokens do, on vocabularies small enough to work out by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "base/utf8.h"
#include "support/vocabulary.h"

using namespace hadal::core;
using hadal::test::open_tokenizer;
using hadal::test::Piece;
using hadal::test::vocabulary_values;
using hadal::test::with_bytes;

namespace {

constexpr Token kFirst = 259;  ///< the id of the first piece after with_bytes
const std::string kSpace = "\xE2\x96\x81";

using Tokens = std::vector<Token>;

std::unique_ptr<const Tokenizer> open(const hadal::test::Values &values) {
    auto tokenizer = open_tokenizer(values);
    REQUIRE_MESSAGE(tokenizer, (tokenizer ? "" : tokenizer.error().message));
    return std::move(*tokenizer);
}

Tokens encode(const Tokenizer &tokenizer, std::string_view text, EncodeOptions options = {}) {
    auto tokens = tokenizer.encode(text, options);
    REQUIRE_MESSAGE(tokens, (tokens ? "" : tokens.error().message));
    return *tokens;
}

std::string decode(const Tokenizer &tokenizer, const Tokens &tokens, ControlText control = ControlText::left_out) {
    auto text = tokenizer.decode(tokens, control);
    REQUIRE_MESSAGE(text, (text ? "" : text.error().message));
    return *text;
}

hadal::test::Values no_space_in_front(const std::vector<Piece> &pieces) {
    auto values = vocabulary_values(pieces);
    values["tokenizer.ggml.add_space_prefix"] = false;
    return values;
}

void append_utf8(char32_t c, std::string &out) {
    const auto byte = [&](char32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | (c >> 6));
        byte(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        byte(0xE0 | (c >> 12));
        byte(0x80 | ((c >> 6) & 0x3F));
        byte(0x80 | (c & 0x3F));
    } else {
        byte(0xF0 | (c >> 18));
        byte(0x80 | ((c >> 12) & 0x3F));
        byte(0x80 | ((c >> 6) & 0x3F));
        byte(0x80 | (c & 0x3F));
    }
}

/// Any code point but surrogates and U+2581; spaces, newlines and ASCII often.
std::string random_text(std::mt19937 &random, const std::vector<std::string> &words) {
    std::string text;
    for (size_t n = random() % 24; n > 0; --n) {
        switch (random() % 5) {
            case 0:
                text += ' ';
                break;
            case 1:
                text += static_cast<char>(random() % 128);
                break;
            case 2:
                text += words[random() % words.size()];
                break;
            default: {
                const char32_t limits[] = {0x80, 0x800, 0x10000, 0x110000};
                const auto c = static_cast<char32_t>(random() % limits[random() % 4]);
                if ((c < 0xD800 || c > 0xDFFF) && c != 0x2581) append_utf8(c, text);
            }
        }
    }
    return text;
}

}  // namespace

TEST_CASE("merges the pair with the highest score, leftmost on ties") {
    const std::vector<Piece> pieces = {{"a"},      {"b"},       {"c"},        {"ab", -2}, {"bc", -1},
                                       {"aa", -3}, {"abc", -4}, {"aaaa", -5}, {"bb", -6}};
    const auto tokenizer = open(no_space_in_front(with_bytes(pieces)));
    CHECK(encode(*tokenizer, "abc") == Tokens{kFirst + 6});  // bc, then a with it
    CHECK(encode(*tokenizer, "cabb") == Tokens{kFirst + 2, kFirst + 3, kFirst + 1});
    CHECK(encode(*tokenizer, "aaa") == Tokens{kFirst + 5, kFirst + 0});
    CHECK(encode(*tokenizer, "aaaa") == Tokens{kFirst + 7});
    CHECK(encode(*tokenizer, "aaaaa") == Tokens{kFirst + 7, kFirst + 0});
    CHECK(encode(*tokenizer, "bbb") == Tokens{kFirst + 8, kFirst + 1});
}

TEST_CASE("a space goes in front of a text, never in front of nothing") {
    const std::vector<Piece> pieces = {{kSpace}, {"a"}, {kSpace + "a", -1}, {kSpace + kSpace, -2}};
    const auto with = open(vocabulary_values(with_bytes(pieces)));
    CHECK(encode(*with, "").empty());
    CHECK(encode(*with, "a") == Tokens{kFirst + 2});
    CHECK(encode(*with, " a") == Tokens{kFirst + 0, kFirst + 2});
    CHECK(encode(*with, " ") == Tokens{kFirst + 3});
    CHECK(encode(*with, "aa") == Tokens{kFirst + 2, kFirst + 1});
    CHECK(decode(*with, {kFirst + 2, kFirst + 2}) == "a a");
    CHECK(decode(*with, {kFirst + 3}) == " ");
    CHECK(decode(*with, {kFirst + 1, kFirst + 2}) == "a a");  // only the start of the text loses a space
    CHECK(decode(*with, {1, kFirst + 2, 2}) == "a");
    CHECK(decode(*with, {1, kFirst + 2, 2}, ControlText::written) == "<s>a</s>");

    const auto without = open(no_space_in_front(with_bytes(pieces)));
    CHECK(encode(*without, "a") == Tokens{kFirst + 1});
    CHECK(decode(*without, {kFirst + 2}) == " a");
}

TEST_CASE("what is no piece becomes bytes") {
    const auto tokenizer = open(no_space_in_front(with_bytes({{"a"}})));
    CHECK(encode(*tokenizer, "a\xC3\xA9\n") == Tokens{kFirst, 3 + 0xC3, 3 + 0xA9, 3 + 0x0A});
    CHECK(encode(*tokenizer, std::string(1, '\0')) == Tokens{3});
    CHECK(encode(*tokenizer, " ") == Tokens{3 + 0x20});  // not the three bytes of U+2581
    CHECK(*tokenizer->token_bytes(3 + 0xC3) == "\xC3");
    CHECK(*tokenizer->token_kind(3 + 0xC3) == TokenKind::byte);
}

TEST_CASE("without byte tokens a run of what is no piece is one unknown token") {
    const auto tokenizer = open(no_space_in_front({{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}, {"a"}}));
    CHECK(encode(*tokenizer,
                 "xy\xC3\xA9"
                 "axa") == Tokens{0, 3, 0, 3});
    CHECK(decode(*tokenizer, {3, 0}) == "a\xEF\xBF\xBD");
    CHECK(*tokenizer->token_kind(0) == TokenKind::unknown);
}

TEST_CASE("a user-defined token is an atom of the text, the longest one first") {
    const std::vector<Piece> pieces = {{"<u>", 0, 4}, {"<u>>", 0, 4}, {kSpace},  {"a"},      {"<"},
                                       {"u"},         {">"},          {"<u", 9}, {"a<", 10}, {kSpace + "a", 1}};
    const auto tokenizer = open(vocabulary_values(with_bytes(pieces)));
    CHECK(encode(*tokenizer, "a<u>a") == Tokens{kFirst + 9, kFirst + 0, kFirst + 3});
    CHECK(encode(*tokenizer, "<u>>a") == Tokens{kFirst + 2, kFirst + 1, kFirst + 3});
    CHECK(encode(*tokenizer, "<u") == Tokens{kFirst + 2, kFirst + 7});
    for (const std::string text : {"a<u>a", "<u> a", " <u><u>>", "a <u> a"}) {
        CHECK(decode(*tokenizer, encode(*tokenizer, text)) == text);
    }
}

TEST_CASE("a control token is text unless asked, and merging never makes one") {
    const std::vector<Piece> pieces = {{kSpace}, {"<"}, {"s"}, {">"}, {"<s", 1}, {"s>", 2}, {"a"}};
    const auto tokenizer = open(vocabulary_values(with_bytes(pieces)));
    CHECK(encode(*tokenizer, "<s>") == Tokens{kFirst + 0, kFirst + 1, kFirst + 5});
    EncodeOptions parse;
    parse.parse_special = true;
    CHECK(encode(*tokenizer, "<s>", parse) == Tokens{1});
    CHECK(encode(*tokenizer, "<s>a</s>a<s", parse) ==
          Tokens{1, kFirst + 0, kFirst + 6, 2, kFirst + 0, kFirst + 6, kFirst + 4});
    CHECK(decode(*tokenizer, encode(*tokenizer, "<s>a</s>", parse), ControlText::written) == "<s>a</s>");
    CHECK(encode(*tokenizer, "<0x41>", parse).size() > 1);
    CHECK(encode(*tokenizer, "<unk>", parse).size() > 1);
}

TEST_CASE("bos and eos are added as the vocabulary asks") {
    auto values = no_space_in_front(with_bytes({{"a"}}));
    EncodeOptions add;
    add.add_special = true;
    CHECK(encode(*open(values), "a", add) == Tokens{1, kFirst});
    CHECK(encode(*open(values), "", add) == Tokens{1});
    values["tokenizer.ggml.add_bos_token"] = false;
    values["tokenizer.ggml.add_eos_token"] = true;
    CHECK(encode(*open(values), "a", add) == Tokens{kFirst, 2});
    CHECK(encode(*open(values), "a") == Tokens{kFirst});
}

TEST_CASE("an unused token is never produced") {
    const auto tokenizer = open(no_space_in_front(with_bytes({{"a"}, {"aa", 1, 5}})));
    CHECK(encode(*tokenizer, "aa") == Tokens{kFirst, kFirst});
    CHECK(decode(*tokenizer, {kFirst + 1}) == "aa");
}

TEST_CASE("bad text and bad ids are refused") {
    const auto tokenizer = open(vocabulary_values(with_bytes({{"a"}})));
    auto tokens = tokenizer->encode("ab\xFF", {});
    REQUIRE_FALSE(tokens);
    CHECK(tokens.error().status == Status::invalid_argument);
    CHECK(tokens.error().message == "the text is not UTF-8 at byte 2");
    for (const Token token : {-1, kFirst + 1, INT32_MIN, INT32_MAX}) {
        CHECK(tokenizer->token_bytes(token).error().status == Status::invalid_argument);
        CHECK(tokenizer->token_kind(token).error().status == Status::invalid_argument);
        CHECK(tokenizer->decode({0, token}, ControlText::left_out).error().status == Status::invalid_argument);
    }
    CHECK(tokenizer->token_bytes(-1).error().message == "token -1 is not in the vocabulary, allowed 0 to 259");
}

TEST_CASE("decode(encode(text)) is text") {
    const std::vector<std::string> words = {"the", "then", " the", "\n",     "  ",
                                            "th",  "<u>",  "<s>",  "<0x0A>", "\xE2\x96\x80"};
    std::vector<Piece> pieces = {{kSpace, -9}, {"t", -9},
                                 {"h", -9},    {"e", -9},
                                 {"n", -9},    {"th", -1},
                                 {"the", -2},  {kSpace + "the", -3},
                                 {"then", -4}, {kSpace + kSpace, -5},
                                 {"<u>", 0, 4}};
    auto values = vocabulary_values(with_bytes(pieces));
    auto without_space_piece = vocabulary_values(with_bytes({{"a"}}));
    std::mt19937 random(1);
    for (const auto &tokenizer :
         {open(values), open(no_space_in_front(with_bytes(pieces))), open(without_space_piece)}) {
        for (int i = 0; i < 3000; ++i) {
            const std::string text = random_text(random, words);
            CAPTURE(text);
            const Tokens tokens = encode(*tokenizer, text);
            REQUIRE(decode(*tokenizer, tokens) == text);
        }
        CHECK(decode(*tokenizer, encode(*tokenizer, "a" + kSpace + "b")) == "a b");  // the one that cannot come back
    }
}

TEST_CASE("long texts of one letter are merged by a heap") {
    std::vector<Piece> pieces = {{"a"}};
    std::string run = "a";
    for (int i = 0; i < 8; ++i) pieces.push_back({run += run, -1.0 - i});
    const auto tokenizer = open(no_space_in_front(with_bytes(pieces)));
    const Tokens tokens = encode(*tokenizer, std::string((size_t{1} << 20) + 3, 'a'));
    CHECK(tokens.size() == (size_t{1} << 12) + 2);
    CHECK(std::all_of(tokens.begin(), tokens.end() - 2, [](Token token) { return token == kFirst + 8; }));
}

namespace {

/// The definition: the best of all adjacent pairs, again and again.
Tokens merge_plainly(const std::vector<Piece> &pieces, std::vector<std::string> symbols) {
    const auto piece_of = [&](const std::string &wanted) {
        return std::find_if(pieces.begin(), pieces.end(), [&](const Piece &piece) { return piece.text == wanted; });
    };
    for (;;) {
        size_t best = symbols.size();
        double best_score = 0;
        for (size_t left = 0; left + 1 < symbols.size(); ++left) {
            const auto piece = piece_of(symbols[left] + symbols[left + 1]);
            if (piece == pieces.end() || (best < symbols.size() && piece->score <= best_score)) continue;
            best = left;
            best_score = piece->score;
        }
        if (best == symbols.size()) break;
        symbols[best] += symbols[best + 1];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    Tokens tokens;
    for (const std::string &symbol : symbols) {
        tokens.push_back(kFirst + static_cast<Token>(piece_of(symbol) - pieces.begin()));
    }
    return tokens;
}

}  // namespace

TEST_CASE("merging equals the definition") {
    std::mt19937 random(2);
    const std::string letters[] = {"a", "b", kSpace};
    for (int round = 0; round < 60; ++round) {
        // Where no piece joins words, words are merged one by one: every other vocabulary has such pieces.
        const bool may_join_words = round % 2 == 0;
        std::vector<Piece> pieces = {{"a"}, {"b"}, {kSpace}};
        while (pieces.size() < 24) {
            std::string text;
            bool joins_words = false;
            for (size_t n = 2 + random() % 4; n > 0; --n) {
                const std::string &letter = letters[random() % 3];
                joins_words = joins_words || (letter == kSpace && !text.empty() && !text.ends_with(kSpace));
                text += letter;
            }
            if (joins_words && !may_join_words) continue;
            if (std::none_of(pieces.begin(), pieces.end(), [&](const Piece &piece) { return piece.text == text; })) {
                pieces.push_back({text, -static_cast<double>(random() % 6)});
            }
        }
        const auto tokenizer = open(no_space_in_front(with_bytes(pieces)));
        for (int i = 0; i < 20; ++i) {
            std::string text;
            std::vector<std::string> symbols;
            for (size_t n = random() % 30; n > 0; --n) {
                symbols.push_back(letters[random() % 3]);
                text += symbols.back() == kSpace ? " " : symbols.back();
            }
            CAPTURE(text);
            REQUIRE(encode(*tokenizer, text) == merge_plainly(pieces, symbols));
        }
    }
}

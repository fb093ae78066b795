// WordPiece and unigram out of GGUF vocabularies. The expected ids follow from the algorithms by hand.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/vocabulary.h"

using namespace hadal::core;
using hadal::test::open_tokenizer;
using hadal::test::Piece;
using hadal::test::Values;

namespace {

constexpr const char *kMark = "\xE2\x96\x81";

std::string word(const std::string &text) {
    return kMark + text;
}

Values values(const char *kind, const std::vector<Piece> &pieces) {
    Values all = hadal::test::vocabulary_values(pieces);
    all["tokenizer.ggml.model"] = std::string(kind);
    return all;
}

Values bert(std::vector<Piece> words) {
    std::vector<Piece> pieces = {{"[PAD]", 0, 3}, {"[UNK]", 0, 3}, {"[CLS]", 0, 3}, {"[SEP]", 0, 3}};
    pieces.insert(pieces.end(), words.begin(), words.end());
    Values all = values("bert", pieces);
    all["tokenizer.ggml.unknown_token_id"] = uint64_t{1};
    all["tokenizer.ggml.bos_token_id"] = uint64_t{2};
    all["tokenizer.ggml.seperator_token_id"] = uint64_t{3};
    return all;
}

Values t5(std::vector<Piece> words) {
    std::vector<Piece> pieces = {{"<pad>", 0, 3}, {"</s>", 0, 3}, {"<unk>", 0, 2}};
    pieces.insert(pieces.end(), words.begin(), words.end());
    Values all = values("t5", pieces);
    all["tokenizer.ggml.add_space_prefix"] = true;
    return all;
}

std::vector<Token> ids(const Values &given, std::string_view text, EncodeOptions options = {}) {
    const auto tokenizer = open_tokenizer(given);
    REQUIRE_MESSAGE(tokenizer, (tokenizer ? "" : tokenizer.error().message));
    auto tokens = (*tokenizer)->encode(text, options);
    REQUIRE(tokens);
    return *tokens;
}

void check_refused(const Values &given, std::string_view part) {
    const auto tokenizer = open_tokenizer(given);
    REQUIRE(!tokenizer);
    CAPTURE(tokenizer.error().message);
    CHECK(tokenizer.error().status == Status::bad_format);
    CHECK(tokenizer.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("bert: the longest tokens from the left, a word at a time") {
    const Values vocabulary =
        bert({{word("un")}, {word("una")}, {"able"}, {"ble"}, {word(",")}, {word("cafe")}, {"un"}});
    CHECK(ids(vocabulary, "unable") == std::vector<Token>{5, 7});
    CHECK(ids(vocabulary, "un able") == std::vector<Token>{4, 1});  // "able" begins no word
    CHECK(ids(vocabulary, "un,un") == std::vector<Token>{4, 8, 4});
    CHECK(ids(vocabulary, "unun  UNABLE\n") == std::vector<Token>{4, 10, 5, 7});
    CHECK(ids(vocabulary, "Caf\xC3\xA9 cafe\xCC\x81") == std::vector<Token>{9, 9});
    CHECK(ids(vocabulary, "unx") == std::vector<Token>{1});
    CHECK(ids(vocabulary, word("un")) == std::vector<Token>{1});  // the mark is not in the text's words
    CHECK(ids(vocabulary, "un", {.add_special = true}) == std::vector<Token>{2, 4, 3});
    CHECK(ids(vocabulary, "[SEP]un", {.parse_special = true}) == std::vector<Token>{3, 4});
    const auto tokenizer = open_tokenizer(vocabulary);
    CHECK(*(*tokenizer)->decode({4, 7, 8, 9}, ControlText::left_out) == "unble , cafe");
    CHECK((*tokenizer)->special().unknown == 1);
}

TEST_CASE("bert: what the keys change") {
    Values vocabulary = bert({{word("a")}, {word("A")}, {word("\xC3\xA9")}, {word("e")}});
    CHECK(ids(vocabulary, "A \xC3\xA9") == std::vector<Token>{4, 7});
    vocabulary["tokenizer.ggml.normalizer.lowercase"] = false;
    CHECK(ids(vocabulary, "A \xC3\xA9") == std::vector<Token>{5, 6});  // then accents stay as well
    vocabulary["tokenizer.ggml.normalizer.strip_accents"] = true;
    CHECK(ids(vocabulary, "A \xC3\xA9") == std::vector<Token>{5, 7});
    vocabulary["tokenizer.ggml.add_sep_token"] = false;
    vocabulary["tokenizer.ggml.add_bos_token"] = false;
    CHECK(ids(vocabulary, "A", {.add_special = true}) == std::vector<Token>{5});
}

TEST_CASE("bert: what a file may not say") {
    Values no_unknown = bert({{word("a")}});
    no_unknown.erase("tokenizer.ggml.unknown_token_id");
    check_refused(no_unknown, "unknown_token_id");
    Values no_separator = bert({{word("a")}});
    no_separator.erase("tokenizer.ggml.seperator_token_id");
    check_refused(no_separator, "seperator_token_id");
    no_separator["tokenizer.ggml.seperator_token_id"] = uint64_t{5};
    check_refused(no_separator, "seperator_token_id");
}

TEST_CASE("bert: a long word against long tokens takes no quadratic time") {
    std::vector<Piece> words;
    for (size_t length = 1; length <= 4096 - 3; length *= 2) words.push_back({word(std::string(length, 'a'))});
    words.push_back({"a"});
    words.push_back({std::string(4095, 'a') + "b"});
    CHECK(ids(bert(words), std::string(1 << 20, 'a')).size() == (1 << 20) - 2048 + 1);
}

TEST_CASE("t5: of all ways to write a text, the one with the highest score") {
    const Values vocabulary = t5({{word("a"), -1}, {"b", -3}, {word("ab"), -5}, {"bb", -4}, {kMark, -2}, {"a", -2}});
    CHECK(ids(vocabulary, "ab") == std::vector<Token>{3, 4});
    CHECK(ids(vocabulary, "abb") == std::vector<Token>{3, 6});
    CHECK(ids(vocabulary, "a  a") == std::vector<Token>{3, 7, 3});
    CHECK(ids(vocabulary, "axyb") == std::vector<Token>{3, 2, 4});  // a run of what is unknown is one
    CHECK(ids(vocabulary, "a", {.add_special = true}) == std::vector<Token>{3, 1});
    CHECK(ids(vocabulary, "").empty());
    const auto tokenizer = open_tokenizer(vocabulary);
    for (const std::string text : {"ab", " a", "a  ab ", "bb a"}) {
        CHECK(*(*tokenizer)->decode(ids(vocabulary, text), ControlText::left_out) == text);
    }
}

TEST_CASE("t5: how spaces are written") {
    Values vocabulary = t5({{kMark, -2}, {"a", -2}, {"b", -2}});
    CHECK(ids(vocabulary, " a  b ") == std::vector<Token>{3, 3, 4, 3, 3, 5, 3});
    vocabulary["tokenizer.ggml.remove_extra_whitespaces"] = true;
    CHECK(ids(vocabulary, "  a  b ") == std::vector<Token>{3, 4, 3, 5});
    vocabulary["tokenizer.ggml.add_space_prefix"] = false;
    CHECK(ids(vocabulary, "a  b ") == std::vector<Token>{3, 4, 3, 5});
    vocabulary["tokenizer.ggml.remove_extra_whitespaces"] = false;
    CHECK(ids(vocabulary, "a b") == std::vector<Token>{4, 3, 5});
    vocabulary["tokenizer.ggml.add_space_prefix"] = true;
    vocabulary["tokenizer.ggml.treat_whitespace_as_suffix"] = true;
    CHECK(ids(vocabulary, "a b") == std::vector<Token>{4, 3, 5, 3});
}

TEST_CASE("t5: user-defined tokens, and what becomes of unused ones") {
    const Values vocabulary = t5({{"a", -2}, {kMark, -2}, {"<u>", 0, 4}, {"aa", -1, 5}});
    CHECK(ids(vocabulary, "a<u>a") == std::vector<Token>{4, 3, 5, 4, 3});
    CHECK(ids(vocabulary, "aa") == std::vector<Token>{4, 6});  // found, as in llama.cpp
}

TEST_CASE("t5: a character map, the longest key first, and maps that lead nowhere") {
    // A double array by hand: "x" (120) becomes "a", "xy" becomes "b". Unit 0 is the root with its children at 256.
    std::vector<uint32_t> units(1024, 0);
    const auto inner = [](uint32_t label, uint32_t offset, bool leaf) {
        return label | offset << 10 | static_cast<uint32_t>(leaf) << 8;
    };
    units[0] = inner(0, 256, false);
    const uint32_t x = 256 ^ 'x', x_children = x ^ 512;
    units[x] = inner('x', 512, true);
    units[x_children] = 0x80000000u;  // the value at 0
    const uint32_t y = x_children ^ 'y', y_children = y ^ 256;
    units[y] = inner('y', 256, true);
    units[y_children] = 0x80000002u;  // the value at 2
    std::vector<int64_t> blob;
    const auto append = [&blob](uint32_t number) {
        for (int i = 0; i < 4; ++i) blob.push_back(number >> 8 * i & 0xFFu);
    };
    append(static_cast<uint32_t>(4 * units.size()));
    for (const uint32_t unit : units) append(unit);
    for (const char c : std::string("a\0b\0", 4)) blob.push_back(c);

    Values vocabulary = t5({{kMark, -2}, {"a", -2}, {"b", -2}, {"y", -2}});
    vocabulary["tokenizer.ggml.precompiled_charsmap"] = blob;
    CHECK(ids(vocabulary, "xxyyx") == std::vector<Token>{3, 4, 5, 6, 4});
    for (const int64_t byte : {-129, 256}) {
        vocabulary["tokenizer.ggml.precompiled_charsmap"] = std::vector<int64_t>{4, 0, byte};
        check_refused(vocabulary, "tokenizer.ggml.precompiled_charsmap[2]");
    }
    vocabulary["tokenizer.ggml.precompiled_charsmap"] = std::vector<int64_t>{4, 0, 0, 0};
    check_refused(vocabulary, "tokenizer.ggml.precompiled_charsmap");
}

TEST_CASE("t5: what a file may not say") {
    Values no_unknown = values("t5", {{"a"}, {"b"}, {"c"}});
    check_refused(no_unknown, "unknown_token_id");
    Values no_scores = t5({{"a"}});
    no_scores.erase("tokenizer.ggml.scores");
    check_refused(no_scores, "tokenizer.ggml.scores");
}

// Vocabularies that must be refused, with the sentence that says why.
#include <doctest/doctest.h>

#include <cmath>

#include "support/vocabulary.h"

using namespace hadal::core;
using hadal::test::open_tokenizer;
using hadal::test::Piece;
using hadal::test::Values;
using hadal::test::vocabulary_values;
using hadal::test::with_bytes;

namespace {

const std::vector<Piece> kPieces = {{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}, {"a"}, {"b"}, {"ab", 1}};

void check_refused(const Values &values, Status status, const std::vector<std::string> &parts) {
    auto tokenizer = open_tokenizer(values);
    REQUIRE_FALSE(tokenizer);
    CAPTURE(tokenizer.error().message);
    CHECK(tokenizer.error().status == status);
    CHECK(tokenizer.error().message.find("test.gguf") != std::string::npos);
    for (const std::string &part : parts) {
        CAPTURE(part);
        CHECK(tokenizer.error().message.find(part) != std::string::npos);
    }
}

void check_bad(const std::string &key, MetaValue value, const std::vector<std::string> &parts) {
    Values values = vocabulary_values(kPieces);
    values["tokenizer.ggml." + key] = std::move(value);
    std::vector<std::string> all = parts;
    all.push_back("tokenizer.ggml." + key);
    check_refused(values, Status::bad_format, all);
}

void check_bad_pieces(const std::vector<Piece> &pieces, const std::vector<std::string> &parts) {
    check_refused(vocabulary_values(pieces), Status::bad_format, parts);
}

}  // namespace

TEST_CASE("no vocabulary, or one of another kind") {
    check_refused({}, Status::not_found, {"tokenizer.ggml.model"});
    check_refused({{"tokenizer.ggml.model", std::string("rwkv")}}, Status::unsupported, {"'bert'", "'llama'"});
    check_refused({{"tokenizer.ggml.model", uint64_t{1}}}, Status::bad_format, {"tokenizer.ggml.model"});
}

TEST_CASE("arrays of the wrong length or type") {
    check_bad("tokens", std::vector<std::string>{}, {"0"});
    check_bad("tokens", std::vector<int64_t>{1}, {});
    check_bad("scores", std::vector<double>{0, 0, 0}, {"3", "6"});
    check_bad("scores", std::vector<double>(7), {"7", "6"});
    check_bad("scores", std::vector<std::string>(6), {});
    check_bad("scores", 1.0, {});
    check_bad("token_type", std::vector<int64_t>{2, 3}, {"2", "6"});
    check_bad("token_type", std::vector<double>(6), {});
    for (const char *key : {"tokens", "scores", "token_type"}) {
        Values values = vocabulary_values(kPieces);
        values.erase(std::string("tokenizer.ggml.") + key);
        check_refused(values, Status::bad_format, {key});
    }
}

TEST_CASE("values no vocabulary has") {
    check_bad("scores", std::vector<double>{0, 0, 0, 0, NAN, 0}, {"[4]", "nan"});
    check_bad("scores", std::vector<double>{0, 0, 0, 0, 0, INFINITY}, {"[5]", "inf"});
    check_bad("scores", std::vector<double>{0, 0, 1e39, 0, 0, 0}, {"[2]", "1e+39"});
    check_bad("token_type", std::vector<int64_t>{2, 3, 3, 0, 1, 1}, {"[3]", "0", "1 to 6"});
    check_bad("token_type", std::vector<int64_t>{2, 3, 3, 1, 1, 7}, {"[5]", "7", "1 to 6"});
    check_bad("token_type", std::vector<int64_t>{2, 3, 3, 1, 1, INT64_MIN}, {"[5]"});
    check_bad("add_bos_token", uint64_t{7}, {});
    check_bad("add_space_prefix", std::string("yes"), {});
}

TEST_CASE("special ids outside the vocabulary") {
    for (const char *key : {"bos_token_id", "eos_token_id", "unknown_token_id", "padding_token_id", "eot_token_id"}) {
        check_bad(key, uint64_t{6}, {"6", "5"});
        check_bad(key, uint64_t{1} << 32, {"4294967296", "5"});
        check_bad(key, int64_t{-1}, {"-1"});
        check_bad(key, std::string("1"), {});
    }
}

TEST_CASE("absent ids: the usual ones where they exist, else none") {
    auto usual = open_tokenizer(vocabulary_values(kPieces));
    REQUIRE(usual);
    CHECK((*usual)->special().bos == 1);
    CHECK((*usual)->special().eos == 2);
    CHECK((*usual)->special().unknown == 0);
    CHECK((*usual)->special().padding == -1);
    CHECK((*usual)->special().add_bos);
    CHECK_FALSE((*usual)->special().add_eos);
    CHECK((*usual)->special().stops == std::vector<Token>{2});

    auto tiny = open_tokenizer(vocabulary_values({{"<unk>", 0, 2}}));
    REQUIRE(tiny);
    CHECK((*tiny)->special().bos == -1);
    CHECK((*tiny)->special().eos == -1);
    CHECK_FALSE((*tiny)->special().add_bos);
    CHECK((*tiny)->special().stops.empty());

    auto other = open_tokenizer(vocabulary_values({{"<unk>", 0, 2}, {"a"}, {"b"}}));  // 1 and 2 are words
    REQUIRE(other);
    CHECK((*other)->special().bos == -1);
    CHECK((*other)->special().eos == -1);

    Values values = vocabulary_values({{"<unk>", 0, 2}, {"a"}, {"b"}});
    values["tokenizer.ggml.add_bos_token"] = true;
    check_refused(values, Status::bad_format, {"add_bos_token", "bos_token_id"});
    values = vocabulary_values({{"<unk>", 0, 2}, {"a"}, {"b"}});
    values["tokenizer.ggml.add_eos_token"] = true;
    check_refused(values, Status::bad_format, {"add_eos_token", "eos_token_id"});
}

TEST_CASE("everything that ends a turn stops") {
    Values values = vocabulary_values(kPieces);
    values["tokenizer.ggml.eot_token_id"] = uint64_t{1};
    values["tokenizer.ggml.padding_token_id"] = uint64_t{0};
    auto tokenizer = open_tokenizer(values);
    REQUIRE(tokenizer);
    CHECK((*tokenizer)->special().stops == std::vector<Token>{1, 2});
    CHECK((*tokenizer)->special().padding == 0);
}

TEST_CASE("byte tokens that are none, or not all") {
    for (const char *name : {"<0x-1>", "<0x>", "<0x1>", "<0x100>", "<0xG0>", "0x00", "", "<0x0a>"}) {
        CAPTURE(name);
        check_bad_pieces({{"<unk>", 0, 2}, {name, 0, 6}}, {"tokenizer.ggml.tokens[1]", "<0x00>"});
    }
    std::vector<Piece> pieces = with_bytes({});
    pieces.pop_back();
    check_bad_pieces(pieces, {"255", "256"});
    check_bad_pieces({{"a"}, {"b"}}, {"tokenizer.ggml.tokens", "unknown token"});
}

TEST_CASE("texts that are the same, too long or not UTF-8") {
    check_bad_pieces({{"<unk>", 0, 2}, {"a"}, {"b"}, {"a"}}, {"tokenizer.ggml.tokens[3]", "'a'", "item 1"});
    check_bad_pieces({{"<unk>", 0, 2}, {std::string(4097, 'a')}}, {"tokenizer.ggml.tokens[1]", "4097", "4096"});
    check_bad_pieces({{"<unk>", 0, 2}, {"a\xC3"}}, {"tokenizer.ggml.tokens[1]", "byte 1"});
    CHECK(open_tokenizer(vocabulary_values({{"<unk>", 0, 2}, {std::string(4096, 'a')}, {""}, {"", 0, 4}, {"", 0, 3}})));
}

TEST_CASE("more tokens than any vocabulary has") {
    Values values = vocabulary_values(kPieces);
    values["tokenizer.ggml.tokens"] = std::vector<std::string>((size_t{4} << 20) + 1);
    check_refused(values, Status::bad_format, {"tokenizer.ggml.tokens", "4194305", "4194304"});
}

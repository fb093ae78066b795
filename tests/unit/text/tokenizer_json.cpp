// tokenizer.json: small ones of every kind against the tokenizers package, and what a file may not say.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "text/tokenizer.h"

using namespace hadal::core;

namespace {

std::filesystem::path goldens() {
    return std::filesystem::path(__FILE__).parent_path() / "goldens" / "tokenizers";
}

std::vector<Token> ids_of(simdjson::dom::element ids) {
    std::vector<Token> tokens;
    for (int64_t id : ids.get_array()) tokens.push_back(static_cast<Token>(id));
    return tokens;
}

/// How many lines there are; each must encode to its ids, and back.
size_t check_lines(const Tokenizer &tokenizer, const std::filesystem::path &path) {
    simdjson::dom::parser parser;
    size_t n_lines = 0;
    for (const simdjson::dom::element line : parser.load_many(path.string())) {
        const std::string_view text = line["text"], decoded = line["decoded"];
        CAPTURE(text);
        const auto tokens = tokenizer.encode(text, {});
        REQUIRE(tokens);
        CHECK(*tokens == ids_of(line["ids"]));
        CHECK(*tokenizer.decode(*tokens, ControlText::left_out) == decoded);
        ++n_lines;
    }
    return n_lines;
}

void check_kind(const std::filesystem::path &folder) {
    const auto tokenizer = Tokenizer::open(folder.string());
    REQUIRE_MESSAGE(tokenizer, (tokenizer ? "" : tokenizer.error().message));
    CHECK(check_lines(**tokenizer, folder / "goldens.jsonl") >= 23);
    CHECK(check_lines(**tokenizer, folder / "random.jsonl") >= 100);
}

Result<std::unique_ptr<const Tokenizer>> open_text(const std::string &json, const std::string &config = "") {
    const hadal::test::TempFolder folder;
    std::ofstream(folder.path() + "/tokenizer.json") << json;
    if (!config.empty()) std::ofstream(folder.path() + "/tokenizer_config.json") << config;
    return Tokenizer::open(folder.path());
}

/// Of five letters and "ab", with one part replaced.
std::string small_json(const std::string &part = "", const std::string &model = "") {
    const std::string bpe = R"("type":"BPE","vocab":{"a":0,"b":1,"c":2,"ab":3,"<s>":4},"merges":["a b"])";
    return R"({"added_tokens":[{"id":4,"content":"<s>","special":true}],"model":{)" + (model.empty() ? bpe : model) +
           "}" + (part.empty() ? "" : "," + part) + "}";
}

void check_refused(const std::string &json, Status status, std::string_view part, const std::string &config = "") {
    CAPTURE(json);
    const auto tokenizer = open_text(json, config);
    REQUIRE(!tokenizer);
    CAPTURE(tokenizer.error().message);
    CHECK(tokenizer.error().status == status);
    CHECK(tokenizer.error().message.find(".json") != std::string::npos);
    CHECK(tokenizer.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("tokenizer.json: every kind gives the ids and the texts of the tokenizers package") {
    for (const char *kind : {"byte_level", "gpt2_with_space", "byte_fallback", "words_with_suffix", "unigram",
                             "word_piece", "word_level"}) {
        CAPTURE(kind);
        check_kind(goldens() / kind);
    }
}

TEST_CASE("tokenizer.json: NFC keeps what is no part of a syllable, and leaves alone what is too new for it") {
    const std::string model = R"("type":"WordLevel","unk_token":"u","vocab":{"u":0,"\uac00\u11a7":1,"\uac01":2,)"
                              R"("\ud804\udd35\ud804\udd30":3,"e\u1dfa\u0327":4})";
    const auto tokenizer = open_text(R"({"normalizer":{"type":"NFC"},"model":{)" + model + "}}");
    REQUIRE_MESSAGE(tokenizer, (tokenizer ? "" : tokenizer.error().message));
    CHECK(*(*tokenizer)->encode("\u1100\u1161\u11A7", {}) == std::vector<Token>{1});
    CHECK(*(*tokenizer)->encode("\u1100\u1161\u11A8", {}) == std::vector<Token>{2});
    CHECK(*(*tokenizer)->encode("e\u1DFA\u0327", {}) == std::vector<Token>{4});  // a mark since Unicode 10
}

TEST_CASE("tokenizer.json: what is put around a text") {
    const std::string post = R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},
        {"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"ids":[4]}}})";
    const auto encode = [](const std::string &json, const std::string &config) {
        const auto tokenizer = open_text(json, config);
        REQUIRE(tokenizer);
        return *(*tokenizer)->encode("ab", {.add_special = true, .parse_special = false});
    };
    CHECK(encode(small_json(), "") == std::vector<Token>{3});
    CHECK(encode(small_json(post), "") == std::vector<Token>{4, 3});
    CHECK(encode(small_json(post), R"({"bos_token":"<s>","add_bos_token":false})") == std::vector<Token>{3});
    CHECK(encode(small_json(), R"({"bos_token":{"content":"<s>"},"add_bos_token":true})") == std::vector<Token>{4, 3});
    check_refused(small_json(), Status::bad_format, "'add_bos_token'", R"({"add_bos_token":true})");
    check_refused(small_json(), Status::bad_format, "'<x>'", R"({"bos_token":"<x>"})");
}

TEST_CASE("tokenizer.json: special tokens are text unless asked for") {
    const auto tokenizer = open_text(small_json());
    REQUIRE(tokenizer);
    CHECK(*(*tokenizer)->encode("b<s>a", {}) == std::vector<Token>{1, 0});  // its characters are no tokens
    CHECK(*(*tokenizer)->encode("a<s>b", {.add_special = false, .parse_special = true}) == std::vector<Token>{0, 4, 1});
    CHECK(*(*tokenizer)->token_kind(4) == TokenKind::control);
}

TEST_CASE("tokenizer.json: what a file may not say") {
    check_refused("[]", Status::bad_format, "");
    check_refused("{}", Status::bad_format, "'model' is absent");
    check_refused(small_json(R"("normalizer":{"type":"Magic"})"), Status::unsupported, "'Magic'");
    check_refused(small_json(R"("pre_tokenizer":{"type":"UnicodeScripts"})"), Status::unsupported, "'UnicodeScripts'");
    check_refused(small_json(R"("decoder":{"type":"CTC"})"), Status::unsupported, "'CTC'");
    check_refused(small_json(R"("post_processor":{"type":"Other"})"), Status::unsupported, "'Other'");
    check_refused(small_json(R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"})"),
                  Status::unsupported, "pre_tokenizer.pattern");
    check_refused(small_json(R"("pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Odd"})"),
                  Status::unsupported, "'Odd'");
    check_refused(small_json(R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"})"),
                  Status::bad_format, "precompiled_charsmap");
    check_refused(small_json("", R"("type":"Other","vocab":{"a":0})"), Status::unsupported, "'Other'");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":0,"<s>":4},"merges":["a b"])"), Status::bad_format,
                  "merges[0]");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":0,"b":0,"<s>":4},"merges":[])"), Status::bad_format,
                  "id 0");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":0,"a":1,"<s>":4},"merges":[])"), Status::bad_format,
                  "'a'");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":4000000},"merges":[])"), Status::bad_format, "4000000");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":-1},"merges":[])"), Status::bad_format, "vocab");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":0,"<s>":4},"merges":[],"dropout":0.5)"),
                  Status::unsupported, "dropout");
    check_refused(small_json("", R"("type":"BPE","vocab":{"a":0,"<s>":4},"merges":[],"byte_fallback":true)"),
                  Status::unsupported, "byte_fallback");
    check_refused(small_json("", R"("type":"Unigram","vocab":[["a",0.5],["b"]],"unk_id":0)"), Status::bad_format,
                  "vocab[1]");
    check_refused(small_json("", R"("type":"Unigram","vocab":[["a",0.5]],"unk_id":7)"), Status::bad_format, "unk_id");
    check_refused(small_json("", R"("type":"WordPiece","vocab":{"a":0},"unk_token":"[UNK]")"), Status::bad_format,
                  "[UNK]");
    check_refused(small_json(R"("post_processor":{"type":"BertProcessing","cls":["a",9],"sep":["a",0]})"),
                  Status::bad_format, "id 9");
}

TEST_CASE("tokenizer.json: a path that has none") {
    const hadal::test::TempFolder folder;
    const auto tokenizer = Tokenizer::open(folder.path());
    REQUIRE(!tokenizer);
    CHECK(tokenizer.error().status == Status::not_found);
}

// No plain text becomes a special token, whatever the vocabulary says of its parts.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/vocabulary.h"
#include "text/byte_level.h"
#include "text/tokenizer_json.h"

using namespace hadal::core;

namespace {

std::string json(const std::string &model, const std::string &rest = "") {
    return R"({"added_tokens":[{"id":3,"content":"ab","special":true,"normalized":false}],"model":{)" + model + "}" +
           rest + "}";
}

void check(const Result<std::unique_ptr<const Tokenizer>> &tokenizer, Token special) {
    REQUIRE_MESSAGE(tokenizer, (tokenizer ? "" : tokenizer.error().message));
    const auto plain = (*tokenizer)->encode("ab", {});
    REQUIRE(plain);
    CHECK(!plain->empty());
    for (const Token token : *plain) CHECK(token != special);
    CHECK(*(*tokenizer)->encode("ab", {.parse_special = true}) == std::vector<Token>{special});
}

}  // namespace

TEST_CASE("special tokens: no model makes one of plain text") {
    const std::string map = R"("vocab":{"<unk>":0,"a":1,"b":2,"ab":3})";
    check(parse_tokenizer_json(json(R"("type":"BPE","merges":["a b"],)" + map)), 3);
    check(parse_tokenizer_json(json(R"("type":"BPE","ignore_merges":true,"merges":["a b"],)" + map)), 3);
    check(parse_tokenizer_json(json(R"("type":"WordPiece","unk_token":"<unk>",)" + map)), 3);
    check(parse_tokenizer_json(json(R"("type":"WordLevel","unk_token":"<unk>",)" + map)), 3);
    check(parse_tokenizer_json(json(R"("type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-9],["b",-9],["ab",0]])")),
          3);
}

TEST_CASE("special tokens: nor do merges of a GGUF vocabulary") {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) {
        tokens.emplace_back();
        append_letters(std::string(1, static_cast<char>(byte)), tokens.back());
    }
    tokens.emplace_back("ab");
    std::vector<int64_t> types(256, 1);
    types.push_back(3);
    const hadal::test::Values values = {{"tokenizer.ggml.model", std::string("gpt2")},
                                        {"tokenizer.ggml.pre", std::string("llama-bpe")},
                                        {"tokenizer.ggml.tokens", tokens},
                                        {"tokenizer.ggml.token_type", types},
                                        {"tokenizer.ggml.add_bos_token", false},
                                        {"tokenizer.ggml.merges", std::vector<std::string>{"a b"}}};
    check(hadal::test::open_tokenizer(values), 256);
}

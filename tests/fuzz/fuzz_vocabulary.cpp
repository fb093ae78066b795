// Vocabularies and texts made from any bytes: open refuses, or encode and decode keep their word.
//
// Runs as a test over fixed random bytes. As a libFuzzer target: compile this file and lib/{text,base,format} with
// clang++ -DHADAL_FUZZ_VOCABULARY -DDOCTEST_CONFIG_DISABLE -fsanitize=fuzzer,address,undefined.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "base/utf8.h"
#include "support/choices.h"
#include "support/vocabulary.h"
#include "text/byte_level.h"
#include "text/decoder.h"

using namespace hadal::core;
using hadal::test::Choices;

namespace {

/// Symbols that meet again and again, and now and then any byte.
std::string word(Choices &bytes, size_t most) {
    constexpr const char *kSymbols[] = {"a", "b", "c", " ", "<", ">", "\xE2\x96\x81", "\xC3\xA9"};
    std::string text;
    for (size_t n = bytes.byte() % (most + 1); n > 0; --n) {
        const uint8_t choice = bytes.byte();
        text += choice < 250 ? std::string(kSymbols[choice % 8]) : std::string(1, static_cast<char>(bytes.byte()));
    }
    return text;
}

/// Mostly a plausible number, sometimes one no file should hold.
int64_t number(Choices &bytes) {
    constexpr int64_t kStrange[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 32, 0, 7};
    const uint8_t choice = bytes.byte();
    return choice < 240 ? choice % 8 : kStrange[choice % 6];
}

/// Of byte-level BPE: the letters of all bytes, tokens that merges give, and how a text is cut.
void add_byte_level(Choices &bytes, hadal::test::Values &values) {
    constexpr const char *kSplitters[] = {"gpt-2",  "llama-bpe", "qwen2",  "deepseek-llm", "deepseek-v3",
                                          "falcon", "bloom",     "jais-2", "tekken"};
    std::vector<std::string> tokens, merges;
    for (int byte = 0; byte < 256; ++byte) {
        tokens.emplace_back();
        append_letters(std::string(1, static_cast<char>(byte)), tokens.back());
    }
    std::vector<int64_t> types(tokens.size(), 1);
    for (size_t n = bytes.byte() % 24; n > 0; --n) {
        const std::string left = tokens[bytes.byte() % tokens.size()];
        const std::string right = tokens[(bytes.byte() + size_t{97}) % tokens.size()];
        if (bytes.one_in(64)) merges.push_back(word(bytes, 4));
        if (std::find(tokens.begin(), tokens.end(), left + right) != tokens.end()) continue;
        tokens.push_back(left + right);
        types.push_back(bytes.one_in(16) ? 1 + bytes.byte() % 6 : 1);
        merges.push_back(left + " " + right);
    }
    tokens.emplace_back("<s>");
    types.push_back(3);
    values["tokenizer.ggml.pre"] = bytes.one_in(32) ? word(bytes, 3) : bytes.pick(kSplitters);
    values["tokenizer.ggml.tokens"] = tokens;
    values["tokenizer.ggml.token_type"] = types;
    values["tokenizer.ggml.merges"] = merges;
}

constexpr const char *kKinds[] = {"llama", "gpt2", "bert", "t5"};

hadal::test::Values values_from(Choices &bytes) {
    std::vector<hadal::test::Piece> pieces;
    if (!bytes.one_in(4)) pieces = hadal::test::with_bytes({});
    for (size_t n = bytes.byte() % 24; n > 0; --n) {
        const std::string text = word(bytes, 6);
        const bool is_new = std::none_of(pieces.begin(), pieces.end(),
                                         [&](const hadal::test::Piece &piece) { return piece.text == text; });
        if (!is_new && !bytes.one_in(64)) continue;
        const int64_t type = bytes.one_in(64) ? number(bytes) : bytes.one_in(4) ? 4 : 1;
        pieces.push_back({text, static_cast<double>(number(bytes) % 8), type});
    }
    if (bytes.one_in(16) && !pieces.empty()) pieces.back().score = NAN;
    auto values = hadal::test::vocabulary_values(pieces);
    const std::string kind = bytes.pick(kKinds);
    values["tokenizer.ggml.model"] = kind;
    if (kind == "gpt2") add_byte_level(bytes, values);
    if (kind == "t5" && bytes.one_in(2)) {
        std::vector<int64_t> map = {4 * (bytes.byte() % 16), 0, 0, 0};
        for (size_t n = bytes.byte(); n > 0; --n) map.push_back(bytes.byte());
        values["tokenizer.ggml.precompiled_charsmap"] = map;
    }
    for (const char *key : {"bos", "eos", "unknown", "padding", "eot", "eom", "seperator"}) {
        if (bytes.one_in(8)) values[std::string("tokenizer.ggml.") + key + "_token_id"] = number(bytes);
    }
    for (const char *key : {"add_bos_token", "add_eos_token", "add_space_prefix", "add_sep_token",
                            "remove_extra_whitespaces", "treat_whitespace_as_suffix", "normalizer.lowercase"}) {
        if (bytes.one_in(4)) values[std::string("tokenizer.ggml.") + key] = bytes.one_in(2);
    }
    if (bytes.one_in(16)) values["tokenizer.ggml.scores"] = std::vector<double>(bytes.byte());
    if (bytes.one_in(16)) values["tokenizer.ggml.token_type"] = std::vector<int64_t>(bytes.byte(), 1);
    return values;
}

/// What comes back: nothing for sure; texts without U+2581 of which nothing is unknown; every text.
enum class Promise { nothing, all_known, all };

Promise promise_of(const hadal::test::Values &values) {
    const auto &kind = std::get<std::string>(values.at("tokenizer.ggml.model"));
    return kind == "gpt2" ? Promise::all : kind == "llama" ? Promise::all_known : Promise::nothing;
}

void require(bool holds) {
    if (!holds) std::abort();
}

/// Encode gives ids of the vocabulary; decoding them whole or as a stream gives the same text, if it is UTF-8.
void check_text(const std::shared_ptr<const Tokenizer> &tokenizer, const std::string &text, EncodeOptions options,
                Promise promise) {
    const auto tokens = tokenizer->encode(text, options);
    require(static_cast<bool>(tokens) == !utf8_error_offset(text));
    if (!tokens) return;
    const auto whole = tokenizer->decode(*tokens, ControlText::left_out);
    require(static_cast<bool>(whole));
    Decoder decoder(tokenizer, DecodeFrom::start);
    std::string streamed;
    for (const Token token : *tokens) {
        const auto piece = decoder.push(token);
        require(piece && !utf8_error_offset(*piece));
        streamed += *piece;
    }
    streamed += decoder.finish();
    require(streamed == utf8_repaired(*whole));

    bool may_differ = promise == Promise::nothing || options.add_special || options.parse_special;
    if (promise == Promise::all_known) {
        may_differ = may_differ || text.find("\xE2\x96\x81") != std::string::npos;
        for (const Token token : *tokens) may_differ = may_differ || token == tokenizer->special().unknown;
    }
    require(may_differ || *whole == text);
}

/// Whether the vocabulary was opened.
bool try_input(std::string_view input) {
    Choices bytes(input);
    const hadal::test::Values values = values_from(bytes);
    auto opened = hadal::test::open_tokenizer(values);
    if (!opened) {
        require(opened.error().status == Status::bad_format || opened.error().status == Status::unsupported);
        return false;
    }
    const std::shared_ptr<const Tokenizer> tokenizer = std::move(*opened);
    while (!bytes.empty()) {
        EncodeOptions options;
        options.add_special = bytes.one_in(4);
        options.parse_special = bytes.one_in(4);
        check_text(tokenizer, word(bytes, 64), options, promise_of(values));
    }
    return true;
}

}  // namespace

#ifdef HADAL_FUZZ_VOCABULARY
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_input(std::string_view(reinterpret_cast<const char *>(data), size));
    return 0;
}
#endif

TEST_CASE("random vocabularies are refused, or encode and decode agree") {
    std::mt19937 random(7);
    int n_opened = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string input(random() % 600, '\0');
        for (char &byte : input) byte = static_cast<char>(random());
        n_opened += try_input(input) ? 1 : 0;
    }
    CHECK(n_opened > 400);
    CHECK(n_opened < 3900);
}

// Vocabularies and texts made from any bytes: open refuses, or encode and decode keep their word.
//
// Runs as a test over fixed random bytes. As a libFuzzer target: compile this file and lib/{text,base,format} with
// clang++ -DDOCTEST_CONFIG_DISABLE -fsanitize=fuzzer,address,undefined.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "base/utf8.h"
#include "support/vocabulary.h"
#include "text/decoder.h"

using namespace hadal::core;

namespace {

/// Takes small choices from the front of the input; zeros once it is used up.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}

    uint8_t byte() {
        if (rest_.empty()) return 0;
        const char first = rest_.front();
        rest_.remove_prefix(1);
        return static_cast<uint8_t>(first);
    }

    /// Symbols that meet again and again, and now and then any byte.
    std::string word(size_t most) {
        constexpr const char *kSymbols[] = {"a", "b", "c", " ", "<", ">", "\xE2\x96\x81", "\xC3\xA9"};
        std::string text;
        for (size_t n = byte() % (most + 1); n > 0; --n) {
            const uint8_t choice = byte();
            text += choice < 250 ? std::string(kSymbols[choice % 8]) : std::string(1, static_cast<char>(byte()));
        }
        return text;
    }

    /// Mostly a plausible number, sometimes one no file should hold.
    int64_t number() {
        constexpr int64_t kStrange[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 32, 0, 7};
        const uint8_t choice = byte();
        return choice < 240 ? choice % 8 : kStrange[choice % 6];
    }

    bool one_in(unsigned n) { return byte() % n == n - 1; }
    bool empty() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

hadal::test::Values values_from(Bytes &bytes) {
    std::vector<hadal::test::Piece> pieces;
    if (!bytes.one_in(4)) pieces = hadal::test::with_bytes({});
    for (size_t n = bytes.byte() % 24; n > 0; --n) {
        const std::string text = bytes.word(6);
        const bool is_new = std::none_of(pieces.begin(), pieces.end(),
                                         [&](const hadal::test::Piece &piece) { return piece.text == text; });
        if (!is_new && !bytes.one_in(64)) continue;
        const int64_t type = bytes.one_in(64) ? bytes.number() : bytes.one_in(4) ? 4 : 1;
        pieces.push_back({text, static_cast<double>(bytes.number() % 8), type});
    }
    if (bytes.one_in(16) && !pieces.empty()) pieces.back().score = NAN;
    auto values = hadal::test::vocabulary_values(pieces);
    for (const char *key : {"bos", "eos", "unknown", "padding", "eot", "eom"}) {
        if (bytes.one_in(8)) values[std::string("tokenizer.ggml.") + key + "_token_id"] = bytes.number();
    }
    for (const char *key : {"add_bos_token", "add_eos_token", "add_space_prefix"}) {
        if (bytes.one_in(4)) values[std::string("tokenizer.ggml.") + key] = bytes.one_in(2);
    }
    if (bytes.one_in(16)) values["tokenizer.ggml.scores"] = std::vector<double>(bytes.byte());
    if (bytes.one_in(16)) values["tokenizer.ggml.token_type"] = std::vector<int64_t>(bytes.byte(), 1);
    return values;
}

void require(bool holds) {
    if (!holds) std::abort();
}

/// Encode gives ids of the vocabulary; decoding them whole or as a stream gives the same text, if it is UTF-8.
void check_text(const std::shared_ptr<const Tokenizer> &tokenizer, const std::string &text, EncodeOptions options) {
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
    require(streamed == *whole);

    bool may_differ = options.add_special || options.parse_special || text.find("\xE2\x96\x81") != std::string::npos;
    for (const Token token : *tokens) may_differ = may_differ || token == tokenizer->special().unknown;
    require(may_differ || *whole == text);
}

/// Whether the vocabulary was opened.
bool try_input(std::string_view input) {
    Bytes bytes(input);
    auto opened = hadal::test::open_tokenizer(values_from(bytes));
    if (!opened) {
        require(opened.error().status == Status::bad_format);
        return false;
    }
    const std::shared_ptr<const Tokenizer> tokenizer = std::move(*opened);
    while (!bytes.empty()) {
        EncodeOptions options;
        options.add_special = bytes.one_in(4);
        options.parse_special = bytes.one_in(4);
        check_text(tokenizer, bytes.word(64), options);
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_input(std::string_view(reinterpret_cast<const char *>(data), size));
    return 0;
}

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

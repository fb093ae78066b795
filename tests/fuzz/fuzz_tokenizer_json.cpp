// tokenizer.json made of any bytes, and made of parts that fit together: open refuses with a sentence, or encode and
// decode keep their word.
//
// Runs as a test over random parts. As a libFuzzer target: compile this file and lib/{text,base,format} with
// clang++ -DHADAL_FUZZ_TOKENIZER_JSON -DDOCTEST_CONFIG_DISABLE -fsanitize=fuzzer,address,undefined. An input that
// begins with '{' is tokenizer.json, tokenizer_config.json and choices of texts, with a NUL between them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "support/choices.h"
#include "text/byte_level.h"
#include "text/decoder.h"
#include "text/tokenizer_json.h"

using namespace hadal::core;
using hadal::test::Choices;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

enum class Promise { nothing, round_trip };

/// Encode gives ids of the vocabulary; decoding them whole or as a stream gives the same text.
void check_text(const std::shared_ptr<const Tokenizer> &tokenizer, const std::string &text,
                const EncodeOptions &options, Promise promise) {
    const auto tokens = tokenizer->encode(text, options);
    const bool is_utf8 = !utf8_error_offset(text);
    if (!tokens) {
        // A regular expression may give up; what is promised to come back has none that does.
        require(tokens.error().status == Status::invalid_argument && !tokens.error().message.empty());
        require(promise == Promise::nothing || (!is_utf8 && options.invalid_utf8 == InvalidUtf8::refused));
        return;
    }
    require(is_utf8 || options.invalid_utf8 == InvalidUtf8::replaced);
    for (const Token token : *tokens) require(token >= 0 && static_cast<size_t>(token) < tokenizer->size());
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
    const bool is_text = !options.add_special && !options.parse_special;
    require(promise == Promise::nothing || !is_text || *whole == (is_utf8 ? text : utf8_repaired(text)));
}

/// Whether it was opened.
bool try_json(std::string_view json, std::optional<std::string_view> config, Choices &choices, Promise promise) {
    auto opened = parse_tokenizer_json(json, config);
    if (!opened) {
        const Status status = opened.error().status;
        require(status == Status::bad_format || status == Status::unsupported || status == Status::invalid_argument);
        require(!opened.error().message.empty() && !utf8_error_offset(opened.error().message));
        return false;
    }
    const std::shared_ptr<const Tokenizer> tokenizer = std::move(*opened);
    for (int round = 0; round < 8 && !choices.empty(); ++round) {
        EncodeOptions options;
        options.add_special = choices.one_in(4);
        options.parse_special = choices.one_in(4);
        if (choices.one_in(4)) options.invalid_utf8 = InvalidUtf8::replaced;
        constexpr const char *kParts[] = {
            "a",       "b",         "ab",           " ",    "  ",   "\xC3\xA9", "\xE2\x96\x81",
            "\n",      "1",         "12",           "'s",   "A",    "<s>",      "<u>",
            ",",       "e\xCC\x81", "##",           "\xFF", "\xF0", "a b",      " a ",
            "<0x41>x", "\t\r",      "\xE4\xB8\xAD", "x"};
        std::string text;
        for (size_t n = choices.byte() % 24; n > 0; --n) text += choices.pick(kParts);
        check_text(tokenizer, text, options, promise);
    }
    return true;
}

bool try_bytes(std::string_view input) {
    const auto take = [&input] {
        const size_t end = std::min(input.find('\0'), input.size());
        const std::string_view part = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        return part;
    };
    const std::string_view json = take(), config = take();
    Choices choices(input);
    return try_json(json, config.empty() ? std::nullopt : std::optional(config), choices, Promise::nothing);
}

constexpr const char *kNormalizers[] = {
    R"({"type":"NFC"})",
    R"({"type":"NFKD"})",
    R"({"type":"Lowercase"})",
    R"({"type":"StripAccents"})",
    R"({"type":"Nmt"})",
    R"({"type":"Prepend","prepend":"\u2581"})",
    R"({"type":"Replace","pattern":{"String":" "},"content":"\u2581"})",
    R"({"type":"Replace","pattern":{"Regex":" {2,}|b*"},"content":"a"})",
    R"({"type":"Strip","strip_left":true,"strip_right":false})",
    R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true})",
    R"({"type":"ByteLevel"})",
};
constexpr const char *kIsolating[] = {
    R"({"type":"Split","pattern":{"Regex":"\\p{N}{1,3}"},"behavior":"Isolated","invert":false})",
    R"({"type":"Split","pattern":{"Regex":"a*|\\s+(?!\\S)|\\b"},"behavior":"Isolated","invert":true})",
    R"({"type":"Split","pattern":{"String":"ab"},"behavior":"MergedWithNext","invert":false})",
    R"({"type":"Split","pattern":{"Regex":"[^a]"},"behavior":"Contiguous","invert":false})",
    R"({"type":"Digits","individual_digits":true})",
    R"({"type":"Punctuation","behavior":"MergedWithPrevious"})",
    R"({"type":"FixedLength","length":2})",
    R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})",
};
constexpr const char *kSplitters[] = {
    R"({"type":"Whitespace"})",
    R"({"type":"WhitespaceSplit"})",
    R"({"type":"BertPreTokenizer"})",
    R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true})",
    R"({"type":"CharDelimiterSplit","delimiter":"b"})",
    R"({"type":"Split","pattern":{"Regex":"(a|ab)+"},"behavior":"Removed","invert":false})",
    R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":false})",
};
constexpr const char *kDecoders[] = {
    R"({"type":"ByteLevel"})",
    R"({"type":"ByteFallback"})",
    R"({"type":"Fuse"})",
    R"({"type":"WordPiece","prefix":"##","cleanup":true})",
    R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"})",
    R"({"type":"Replace","pattern":{"String":"\u2581"},"content":" "})",
    R"({"type":"Strip","content":" ","start":1,"stop":0})",
};

std::string quoted_json(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

template <size_t n>
std::string sequence(Choices &choices, const char *key, const char *const (&parts)[n], size_t most) {
    std::string list;
    for (size_t i = choices.byte() % (most + 1); i > 0; --i) list += (list.empty() ? "" : ",") + choices.pick(parts);
    return std::string(R"({"type":"Sequence",")") + key + "\":[" + list + "]}";
}

std::string added_tokens(Choices &choices, size_t first) {
    constexpr const char *kTexts[] = {"<s>",
                                      "<u>",
                                      " ",
                                      "ab",
                                      "a b",
                                      "\xC3\xA9",
                                      "e\xCC\x81",
                                      "\xE2\x96\x81"
                                      "A",
                                      "s>"};
    std::string list;
    std::vector<std::string> seen;
    for (size_t n = choices.byte() % 5; n > 0; --n) {
        const std::string text = choices.pick(kTexts);
        if (std::find(seen.begin(), seen.end(), text) != seen.end()) continue;
        const auto flag = [&](const char *name) {
            return std::string(",\"") + name + "\":" + (choices.one_in(3) ? "true" : "false");
        };
        list += (list.empty() ? "" : ",") + std::string(R"({"id":)") + std::to_string(first + seen.size()) +
                R"(,"content":)" + quoted_json(text) + flag("special") + flag("normalized") + flag("lstrip") +
                flag("rstrip") + flag("single_word") + "}";
        seen.push_back(text);
    }
    return "[" + list + "]";
}

/// Byte-level BPE that keeps every byte, with random merges and cuts.
bool try_byte_level(Choices &choices) {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) {
        tokens.emplace_back();
        append_letters(std::string(1, static_cast<char>(byte)), tokens.back());
    }
    std::string merges;
    for (size_t n = choices.byte() % 16; n > 0; --n) {
        const std::string left = tokens[choices.byte() % tokens.size()];
        const std::string right = tokens[(choices.byte() + size_t{97}) % tokens.size()];
        if (std::find(tokens.begin(), tokens.end(), left + right) != tokens.end()) continue;
        tokens.push_back(left + right);
        merges += (merges.empty() ? "[" : ",[") + quoted_json(left) + "," + quoted_json(right) + "]";
    }
    std::string vocabulary;
    for (size_t i = 0; i < tokens.size(); ++i) {
        vocabulary += (i == 0 ? "" : ",") + quoted_json(tokens[i]) + ":" + std::to_string(i);
    }
    std::string splitters;
    for (size_t n = choices.byte() % 4; n > 0; --n) splitters += choices.pick(kIsolating) + ",";
    while (splitters.find("ByteLevel") != std::string::npos) splitters.clear();  // letters of letters are no bytes
    const std::string json =
        R"({"model":{"type":"BPE","ignore_merges":)" + std::string(choices.one_in(2) ? "true" : "false") +
        R"(,"vocab":{)" + vocabulary + R"(},"merges":[)" + merges +
        R"(]},"decoder":{"type":"ByteLevel"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[)" + splitters +
        R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":)" +
        std::string(choices.one_in(2) ? "true" : "false") + "}]}}";
    const bool opened = try_json(json, std::nullopt, choices, Promise::round_trip);
    require(opened);
    return opened;
}

/// Any parts with any others.
bool try_parts(Choices &choices) {
    constexpr const char *kTokens[] = {"a",
                                       "b",
                                       "ab",
                                       "\xE2\x96\x81",
                                       "\xE2\x96\x81"
                                       "a",
                                       "##b",
                                       "<0x41>",
                                       "\xC4\xA0",
                                       " ",
                                       "\xC3\xA9",
                                       "aab",
                                       "1",
                                       "abab"};
    const bool is_unigram = choices.one_in(3);
    std::string vocabulary;
    std::vector<std::string> tokens = {"<unk>"};
    if (choices.one_in(2)) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            char name[8];
            std::snprintf(name, sizeof name, "<0x%02X>", byte);
            tokens.emplace_back(name);
        }
    }
    for (size_t n = choices.byte() % 16; n > 0; --n) {
        const std::string token = choices.pick(kTokens);
        if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
    }
    for (size_t i = 0; i < tokens.size(); ++i) {
        const std::string entry = is_unigram ? "[" + quoted_json(tokens[i]) + ",-" + std::to_string(i % 7) + ".5]"
                                             : quoted_json(tokens[i]) + ":" + std::to_string(i);
        vocabulary += (i == 0 ? "" : ",") + entry;
    }
    const std::string falls_back = choices.one_in(2) ? "true" : "false";
    std::string model;
    if (is_unigram) {
        model = R"("type":"Unigram","unk_id":0,"byte_fallback":)" + falls_back + R"(,"vocab":[)" + vocabulary + "]";
    } else if (choices.one_in(3)) {
        model = R"("type":")" + std::string(choices.one_in(2) ? "WordPiece" : "WordLevel") +
                R"(","unk_token":"<unk>","vocab":{)" + vocabulary + "}";
    } else {
        std::string merges;
        for (const char *merge : {R"(["a","b"])", R"("a ab")", R"(["ab","ab"])", R"(["\u2581","a"])"}) {
            if (choices.one_in(3)) merges += (merges.empty() ? "" : ",") + std::string(merge);
        }
        model = R"("type":"BPE","unk_token":"<unk>","fuse_unk":)" + std::string(choices.one_in(2) ? "true" : "false") +
                R"(,"byte_fallback":)" + falls_back + R"(,"vocab":{)" + vocabulary + R"(},"merges":[)" + merges + "]";
    }
    std::string json = R"({"added_tokens":)" + added_tokens(choices, tokens.size()) + R"(,"model":{)" + model + "}";
    if (choices.one_in(2)) json += R"(,"normalizer":)" + sequence(choices, "normalizers", kNormalizers, 3);
    if (choices.one_in(2)) json += R"(,"pre_tokenizer":)" + sequence(choices, "pretokenizers", kSplitters, 2);
    if (choices.one_in(3)) json += R"(,"pre_tokenizer":)" + sequence(choices, "pretokenizers", kIsolating, 3);
    if (choices.one_in(2)) json += R"(,"decoder":)" + sequence(choices, "decoders", kDecoders, 3);
    json += "}";
    const bool has_config = choices.one_in(4);
    return try_json(
        json,
        has_config ? std::optional<std::string_view>(R"({"bos_token":"<unk>","add_bos_token":true})") : std::nullopt,
        choices, Promise::nothing);
}

bool try_input(std::string_view input) {
    if (input.starts_with('{')) return try_bytes(input);
    Choices choices(input);
    return choices.one_in(3) ? try_byte_level(choices) : try_parts(choices);
}

}  // namespace

#ifdef HADAL_FUZZ_TOKENIZER_JSON
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_input(std::string_view(reinterpret_cast<const char *>(data), size));
    return 0;
}
#endif

TEST_CASE("random parts of tokenizer.json are refused, or encode and decode agree") {
    std::mt19937 random(11);
    int n_opened = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string input(random() % 400, '\0');
        for (char &byte : input) byte = static_cast<char>(random());
        n_opened += try_input(input) ? 1 : 0;
    }
    CHECK(n_opened > 1000);
    CHECK(n_opened < 2990);
}

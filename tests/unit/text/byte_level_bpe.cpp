// Byte-level BPE out of a GGUF vocabulary: what it finds, what it refuses, and that no text makes it slow.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/vocabulary.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/gguf_splitters.h"
#include "text/regex.h"

using namespace hadal::core;
using hadal::test::open_tokenizer;
using hadal::test::Values;

namespace {

std::string letters(std::string_view bytes) {
    std::string out;
    append_letters(bytes, out);
    return out;
}

/// The 256 bytes (ids 0 to 255), "<bos>" and "<eos>" (256, 257, control), "<u>" (258, user-defined), then what the
/// merges give, from 259 on.
Values small_vocabulary(const std::vector<std::pair<std::string, std::string>> &merges) {
    std::vector<std::string> tokens, lines;
    for (int byte = 0; byte < 256; ++byte) tokens.push_back(letters(std::string(1, static_cast<char>(byte))));
    std::vector<int64_t> types(256, 1);
    for (const char *added : {"<bos>", "<eos>", "<u>"}) tokens.push_back(added);
    types.insert(types.end(), {3, 3, 4});
    for (const auto &[left, right] : merges) {
        tokens.push_back(letters(left + right));
        types.push_back(1);
        lines.push_back(letters(left) + " " + letters(right));
    }
    return {{"tokenizer.ggml.model", std::string("gpt2")},
            {"tokenizer.ggml.pre", std::string("gpt-2")},
            {"tokenizer.ggml.tokens", tokens},
            {"tokenizer.ggml.token_type", types},
            {"tokenizer.ggml.merges", lines},
            {"tokenizer.ggml.bos_token_id", uint64_t{256}},
            {"tokenizer.ggml.eos_token_id", uint64_t{257}}};
}

const std::vector<std::pair<std::string, std::string>> kMerges = {{"l", "l"}, {"e", "ll"}, {"h", "ell"}, {" ", "a"}};

std::vector<Token> encode(const Tokenizer &tokenizer, std::string_view text, EncodeOptions options = {}) {
    auto tokens = tokenizer.encode(text, options);
    REQUIRE(tokens);
    return *tokens;
}

void check_refused(const Values &values, Status status, std::string_view part) {
    const auto tokenizer = open_tokenizer(values);
    REQUIRE(!tokenizer);
    CHECK(tokenizer.error().status == status);
    CAPTURE(tokenizer.error().message);
    CHECK(tokenizer.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("byte-level BPE: the lowest rank first, and back") {
    const auto tokenizer = open_tokenizer(small_vocabulary(kMerges));
    REQUIRE(tokenizer);
    CHECK(encode(**tokenizer, "hello a") == std::vector<Token>{261, 'o', 262});
    CHECK(encode(**tokenizer, "elll") == std::vector<Token>{260, 'l'});
    CHECK(encode(**tokenizer, "").empty());
    for (const std::string text : {"hello  a\n\n", "\xF0\x9F\x8C\x8A \xE4\xB8\xAD\xE6\x96\x87\t!", "<bos><eos>", " "}) {
        CHECK(*(*tokenizer)->decode(encode(**tokenizer, text), ControlText::left_out) == text);
    }
}

TEST_CASE("byte-level BPE: special tokens are text unless asked for, user-defined ones never") {
    Values values = small_vocabulary(kMerges);
    values["tokenizer.ggml.add_bos_token"] = true;
    const auto tokenizer = open_tokenizer(values);
    REQUIRE(tokenizer);
    const EncodeOptions parse = {.add_special = false, .parse_special = true};
    CHECK(encode(**tokenizer, "<bos>").size() == 5);
    CHECK(encode(**tokenizer, "<bos><u>", parse) == std::vector<Token>{256, 258});
    CHECK(encode(**tokenizer, "a<u>").back() == 258);
    CHECK(encode(**tokenizer, "a", {.add_special = true, .parse_special = false}) == std::vector<Token>{256, 'a'});
    CHECK(*(*tokenizer)->decode({256, 'a', 258}, ControlText::left_out) == "a<u>");
    CHECK(*(*tokenizer)->decode({256, 'a'}, ControlText::written) == "<bos>a");
}

TEST_CASE("byte-level BPE: a whole piece is a token where the vocabulary says so") {
    Values values = small_vocabulary(kMerges);
    auto &tokens = std::get<std::vector<std::string>>(values["tokenizer.ggml.tokens"]);
    tokens.push_back("hall");  // no merge gives it
    std::get<std::vector<int64_t>>(values["tokenizer.ggml.token_type"]).push_back(1);
    auto tokenizer = open_tokenizer(values);
    REQUIRE(tokenizer);
    CHECK(encode(**tokenizer, "hall") == std::vector<Token>{'h', 'a', 259});
    values["tokenizer.ggml.pre"] = std::string("llama-bpe");
    tokenizer = open_tokenizer(values);
    REQUIRE(tokenizer);
    CHECK(encode(**tokenizer, "hall") == std::vector<Token>{263});
    CHECK((*tokenizer)->special().add_bos);
}

TEST_CASE("byte-level BPE: what a file may not say") {
    Values values = small_vocabulary(kMerges);
    values["tokenizer.ggml.pre"] = std::string("deepseek-v9");
    check_refused(values, Status::unsupported, "tokenizer.ggml.pre is 'deepseek-v9'");
    values.erase("tokenizer.ggml.pre");
    check_refused(values, Status::unsupported, "tokenizer.ggml.pre is absent");
    values = small_vocabulary(kMerges);
    auto &lines = std::get<std::vector<std::string>>(values["tokenizer.ggml.merges"]);
    for (const char *line : {"ab", "", " ", "x", "zz z", "z zz", "z y", "a b c"}) {
        lines[2] = line;
        check_refused(values, Status::bad_format, "test.gguf: tokenizer.ggml.merges[2] is '");
    }
}

TEST_CASE("byte-level BPE: invalid UTF-8 is refused with its place") {
    const auto tokenizer = open_tokenizer(small_vocabulary(kMerges));
    REQUIRE(tokenizer);
    const auto tokens = (*tokenizer)->encode("abc\xFF", {});
    REQUIRE(!tokens);
    CHECK(tokens.error().status == Status::invalid_argument);
    CHECK(tokens.error().message.find("byte 3") != std::string::npos);
}

TEST_CASE("byte-level BPE: long runs agree with short ones") {
    const auto tokenizer = open_tokenizer(small_vocabulary(kMerges));
    REQUIRE(tokenizer);
    // Pieces of more than 64 symbols take another way: a hundred "hell" in one word.
    std::string text;
    std::vector<Token> expected;
    for (int i = 0; i < 100; ++i) {
        text += "hell";
        expected.push_back(261);
    }
    CHECK(encode(**tokenizer, text) == expected);
    // 1 MB each; a quadratic case would take hours.
    for (const char *unit : {"l", " ", "\xF0\x9F\x98\x80", "1", "\n", " \n", "a ", "'"}) {
        std::string long_text;
        while (long_text.size() < (1u << 20)) long_text += unit;
        CHECK(*(*tokenizer)->decode(encode(**tokenizer, long_text), ControlText::left_out) == long_text);
    }
}

TEST_CASE("byte-level BPE: the work of merging one long piece is in proportion to it") {
    StringTable forms;
    std::vector<Token> members;
    for (const char *form : {"a", "aa", "aaaa", "b", "ab", "aaaaaaaa"}) {
        forms.add(form);
        members.push_back(static_cast<Token>(members.size()));
    }
    const BpeMerge merges[] = {{0, 0, 1}, {1, 1, 2}, {0, 3, 4}, {2, 2, 5}};
    const auto bpe = Bpe::make(std::move(forms), members, merges, {});
    REQUIRE(bpe);
    for (const std::string unit : {"a", "b", "ab", "aab", "aaaab"}) {
        CAPTURE(unit);
        std::string text;
        while (text.size() < (1u << 20)) text += unit;
        ModelWork work;
        std::vector<Token> tokens;
        (*bpe)->encode(text, work, tokens);
        CHECK(!tokens.empty());
        // Each pair is looked up at the start, and two more after each merge, of which there are fewer than bytes.
        CHECK(work.n_pairs < 3 * text.size());
        CHECK(work.n_pairs >= text.size() - 1);
    }
}

TEST_CASE("byte-level BPE: every splitter's expressions compile, lose nothing, and take no quadratic time") {
    // All that llama.cpp knows and we have an expression for.
    const char *names[] = {"deepseek-v3",  "hunyuan-dense", "joyai-llm",   "deepseek-llm",    "deepseek-coder",
                           "llama-bpe",    "llama3",        "llama-v3",    "falcon3",         "falcon-h1",
                           "pixtral",      "midm-2.0",      "lfm2",        "jina-v5-nano",    "dbrx",
                           "smaug-bpe",    "glm4",          "chatglm-bpe", "qwen2",           "deepseek-r1-qwen",
                           "stablelm2",    "megrez",        "hunyuan",     "solar-open",      "kormo",
                           "grok-2",       "qwen35",        "gpt-2",       "phi-2",           "mpt",
                           "olmo",         "jais",          "trillion",    "granite-docling", "exaone4",
                           "jina-es",      "jina-de",       "jina-v2-es",  "jina-v2-de",      "gigachat",
                           "a.x-4.0",      "mellum",        "modern-bert", "starcoder",       "refact",
                           "command-r",    "smollm",        "codeshell",   "exaone",          "minerva-7b",
                           "mellum2",      "falcon",        "default",     "bloom",           "poro-chat",
                           "gpt3-finnish", "viking",        "tekken",      "gpt-4o",          "llama4",
                           "kanana2",      "minimax-m2",    "bailingmoe",  "bailingmoe2",     "llada-moe",
                           "seed-coder",   "exaone-moe",    "jais-2",      "laguna",          "minicpm5"};
    std::string runs;
    for (const char *unit : {"l", "L", " ", "1", "\n", "\xE4\xB8\xAD", "\xCC\x81"}) {
        for (int i = 0; i < 10000; ++i) runs += unit;
        runs += "x";
    }
    for (const char *name : names) {
        CAPTURE(name);
        Values values = small_vocabulary(kMerges);
        values["tokenizer.ggml.pre"] = std::string(name);
        const auto tokenizer = open_tokenizer(values);
        REQUIRE(tokenizer);
        const std::string text =
            "I'll say 12345 \xE4\xB8\xAD\xE6\x96\x87 CamelCase, \xC3\xA9t\xC3\xA9!\r\n\t  end " + runs;
        CHECK(*(*tokenizer)->decode(encode(**tokenizer, text), ControlText::left_out) == text);
    }
    CHECK(find_gguf_splitter("") == nullptr);
}

TEST_CASE("byte-level BPE: threads encode at the same time") {
    const auto tokenizer = open_tokenizer(small_vocabulary(kMerges));
    REQUIRE(tokenizer);
    const std::string text = "hello a hall, hello\n";
    const std::vector<Token> expected = encode(**tokenizer, text);
    std::atomic<int> n_wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                const auto tokens = (*tokenizer)->encode(text, {});
                if (!tokens || *tokens != expected) ++n_wrong;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(n_wrong == 0);
}

TEST_CASE("regex: the classes of Oniguruma, and limits") {
    RegexWork work;
    REQUIRE(work.prepare());
    const auto matches = [&](std::string_view pattern, std::string_view subject) {
        const auto regex = Regex::compile(pattern);
        REQUIRE(regex);
        const auto match = regex->find(subject, 0, work);
        REQUIRE(match);
        return match->has_value() && (*match)->begin == 0 && (*match)->end == subject.size();
    };
    CHECK(matches(R"(\s)", "\u00A0"));
    CHECK(!matches(R"(\s)", "\u180E"));  // no white space since Unicode 6.3
    CHECK(matches(R"([\s])", "\u3000"));
    CHECK(matches(R"(\S)", "x"));
    CHECK(matches(R"(\w\w)", "e\u0301"));
    CHECK(!matches(R"(\W)", "\u0301"));
    CHECK(matches(R"(\h+)", "0aF"));
    CHECK(!matches(R"(\h)", " "));
    CHECK(matches(R"([]\]a]+)", "]a"));
    CHECK(matches(R"([[:alpha:]\d]+)", "a1"));
    for (const char *pattern : {"(", "[a", "\\", "a{2,1}", "(?<n>a)(?<n>b", "\xFF"}) {
        const auto regex = Regex::compile(pattern);
        REQUIRE(!regex);
        CHECK(regex.error().status == Status::unsupported);
    }
    CHECK(!Regex::compile(std::string(1 << 20, 'a')));
    CHECK(!Regex::compile("((((((a{1000}){1000}){1000}){1000})))"));
    // Exponential backtracking ends in an error.
    const auto bomb = Regex::compile("^(?:a+)+$|^(?:(a|a)*)*b");
    REQUIRE(bomb);
    const auto match = bomb->find(std::string(64, 'a') + "!", 0, work);
    REQUIRE(!match);
    CHECK(match.error().status == Status::invalid_argument);
}

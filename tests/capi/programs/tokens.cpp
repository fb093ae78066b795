// hadal tokenize and detokenize: the ids of other implementations, through the command, and back.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "programs/child.h"
#include "support/test_data.h"

using namespace hadal::test;
using nlohmann::json;

namespace {

/// Where a vector file says which vocabulary, and how many vectors it has of it.
struct Vocabulary {
    const char *vectors, *name, *path;
    size_t n_vectors;
    bool normalizes = false;  ///< to NFC: then ids do not tell what the text was
};

constexpr Vocabulary kVocabularies[] = {
    {"vectors/tokenize.jsonl", "deepseek-v3", "tokenizers/deepseek-v3", 178},
    {"vectors/tokenize.jsonl", "llama-3", "tokenizers/llama-3", 178},
    {"vectors/tokenize.jsonl", "qwen2.5", "tokenizers/qwen2.5", 178, true},
    {"vectors/tokenize_llamacpp.jsonl", "llama-spm", "tokenizers/llama-spm.gguf", 47},
    {"vectors/tokenize_llamacpp.jsonl", "deepseek-llm", "tokenizers/deepseek-llm.gguf", 47},
    {"vectors/tokenize_llamacpp.jsonl", "deepseek-coder", "tokenizers/deepseek-coder.gguf", 47},
    {"vectors/tokenize_llamacpp.jsonl", "gpt-2", "tokenizers/gpt-2.gguf", 47},
};

}  // namespace

TEST_CASE("tokenize --jsonl and detokenize --jsonl: every vector, to the byte") {
    for (const Vocabulary &vocabulary : kVocabularies) {
        CAPTURE(vocabulary.name);
        const auto path = test_data(vocabulary.path);
        const auto vectors = test_data(vocabulary.vectors);
        if (!path || !vectors) return;
        std::string texts, ids;
        size_t n_vectors = 0;
        std::ifstream in(*vectors);
        for (std::string line; std::getline(in, line);) {
            const json vector = json::parse(line);
            if (vector.at("tokenizer") != vocabulary.name) continue;
            texts += vector.at("text").dump() + "\n";
            ids += vector.at("ids").dump() + "\n";
            ++n_vectors;
        }
        REQUIRE(n_vectors == vocabulary.n_vectors);
        const Finished there = run({PROGRAM_HADAL_CLI, "tokenize", *path, "--jsonl"}, texts);
        CHECK(there.exit_code == 0);
        CHECK(there.out == ids);
        CHECK(there.err.empty());
        const Finished back = run({PROGRAM_HADAL_CLI, "detokenize", *path, "--jsonl"}, ids);
        CHECK(back.exit_code == 0);
        if (!vocabulary.normalizes) CHECK(back.out == texts);
    }
}

TEST_CASE("detokenize: ids that are none are named with their line") {
    const auto path = test_data("tokenizers/llama-spm.gguf");
    if (!path) return;
    for (const std::string line : {"[-1]", "[99999999999]", "[1.5]", "{}", "[", "[32000]"}) {
        CAPTURE(line);
        const Finished finished = run({PROGRAM_HADAL_CLI, "detokenize", *path, "--jsonl"}, "[15043]\n" + line + "\n");
        CHECK(finished.exit_code == 1);
        CHECK(finished.out == "\"Hello\"\n");
        CHECK(finished.err.find("line 2") != std::string::npos);
    }
    CHECK(run({PROGRAM_HADAL_CLI, "detokenize", *path}, "15043 3186\n").out == "Hello world");
    CHECK(run({PROGRAM_HADAL_CLI, "detokenize", *path}, "15043 x").exit_code == 1);
}

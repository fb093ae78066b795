// hadal tokenize: the ids of another implementation, through the command.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "programs/child.h"
#include "support/test_data.h"

using namespace hadal::test;
using nlohmann::json;

TEST_CASE("tokenize --jsonl: every llama-spm vector, to the byte") {
    const auto vocabulary = test_data("tokenizers/llama-spm.gguf");
    const auto vectors = test_data("vectors/tokenize_llamacpp.jsonl");
    if (!vocabulary || !vectors) return;
    std::string input, expected;
    size_t n_vectors = 0;
    std::ifstream in(*vectors);
    for (std::string line; std::getline(in, line);) {
        const json vector = json::parse(line);
        if (vector.at("tokenizer") != "llama-spm") continue;
        input += vector.at("text").dump() + "\n";
        expected += vector.at("ids").dump() + "\n";
        ++n_vectors;
    }
    REQUIRE(n_vectors == 47);
    const Finished finished = run({PROGRAM_HADAL_CLI, "tokenize", *vocabulary, "--jsonl"}, input);
    CHECK(finished.exit_code == 0);
    CHECK(finished.out == expected);
    CHECK(finished.err.empty());
}

// Random-weight Llama 3.1 shapes against logits that llama.cpp computed (data/vectors/tiny, f32 cache): short, and 3000
// positions, which the llama3 scaling of the rotation reaches far into.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "support/engine.h"
#include "support/test_data.h"

using namespace hadal;
using namespace hadal::test;

namespace {

constexpr size_t kVocab = 320;
constexpr double kTolerance = 2e-3;  // of the largest logit

std::vector<float> read_floats(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<float> floats(bytes.size() / sizeof(float));
    std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
    REQUIRE(!floats.empty());
    return floats;
}

std::vector<core::Token> read_tokens(const std::string &path) {
    std::ifstream file(path);
    std::vector<core::Token> tokens;
    for (core::Token token = 0; file >> token;) tokens.push_back(token);
    REQUIRE(tokens.size() == 32);
    return tokens;
}

/// The 3000 ids of the long vectors: a linear congruential generator, as data/README.md gives it.
std::vector<core::Token> long_tokens() {
    std::vector<core::Token> tokens;
    uint32_t s = 12345;
    for (int i = 0; i < 3000; ++i) {
        s = s * 1664525u + 1013904223u;
        tokens.push_back(static_cast<core::Token>((s >> 16) % kVocab));
    }
    return tokens;
}

std::vector<std::string> tiny_llama_files() {
    const char *models = std::getenv("HADAL_TINY_MODELS");
    REQUIRE_MESSAGE(models != nullptr, "HADAL_TINY_MODELS names the folder tests/support/tiny_models.sh wrote");
    return {std::string(models) + "/llama31.gguf", std::string(models) + "/llama31"};
}

}  // namespace

TEST_CASE("tiny Llama 3.1: logits of 32 tokens") {
    const auto vectors = test_data("vectors/tiny");
    if (!vectors) return;
    const std::vector<core::Token> tokens = read_tokens(*vectors + "/ids.txt");
    const std::vector<float> expected = read_floats(*vectors + "/llama31-seed1.logits.f32");
    for (const std::string &path : tiny_llama_files()) {
        for (const char *backend : {"reference", "cpu"}) {
            CAPTURE(path);
            CAPTURE(backend);
            const double difference = relative_difference(all_logits(open_model(path, backend, 2), tokens), expected);
            MESSAGE(backend << " " << path << ": " << difference);
            CHECK(difference < kTolerance);
        }
    }
}

TEST_CASE("tiny Llama 3.1: logits at the end of 3000 tokens") {
    const auto vectors = test_data("vectors/tiny");
    if (!vectors) return;
    const std::vector<core::Token> tokens = long_tokens();
    const std::vector<float> expected = read_floats(*vectors + "/llama31-seed1-long3000.logits.f32");
    REQUIRE(expected.size() == 8 * kVocab);
    for (const std::string &path : tiny_llama_files()) {
        for (const char *backend : {"reference", "cpu"}) {
            CAPTURE(path);
            CAPTURE(backend);
            const auto session = need(core::Session::create(open_model(path, backend, 2), {}));
            need(session->append(std::span(tokens).first(2992)));
            need(session->eval({.logits = core::LogitsOf::none, .chunk = 0, .watch = {}}));
            need(session->append(std::span(tokens).last(8)));
            need(session->eval({.logits = core::LogitsOf::all, .chunk = 0, .watch = {}}));
            const double difference = relative_difference(need(session->logits(2992, 8)), expected);
            MESSAGE(backend << " " << path << ": " << difference);
            CHECK(difference < kTolerance);
        }
    }
}

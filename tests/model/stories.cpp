// A real trained model, stories260K: greedy tokens equal to those of another implementation, on every backend, whatever
// the threads, the chunks and the file format.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "support/engine.h"
#include "support/test_data.h"

using namespace hadal;
using namespace hadal::test;

namespace {

constexpr core::Token kBos = 1;

/// greedy_ids of greedy200.json: 200 tokens after BOS.
std::vector<core::Token> expected_tokens(const std::string &path) {
    std::ifstream file(path);
    std::string json{std::istreambuf_iterator<char>(file), {}};
    std::istringstream numbers(json.substr(json.find('[', json.find("greedy_ids")) + 1));
    std::vector<core::Token> tokens;
    core::Token token = 0;
    for (char comma = ','; comma == ',' && numbers >> token; numbers >> comma) tokens.push_back(token);
    REQUIRE(tokens.size() == 200);
    return tokens;
}

}  // namespace

TEST_CASE("stories260K: greedy tokens are the golden ones") {
    const auto root = test_data("models/stories260K");
    if (!root) return;
    const std::vector<core::Token> expected = expected_tokens(*root + "/greedy200.json");
    for (const char *file : {"/stories260K.gguf", "/hf"}) {
        for (const char *backend : {"reference", "cpu"}) {
            for (const uint32_t n_threads : {1u, 2u}) {
                for (const uint32_t kv_dtype : {HADAL_DTYPE_F32, HADAL_DTYPE_BF16}) {
                    CAPTURE(file);
                    CAPTURE(backend);
                    CAPTURE(n_threads);
                    CAPTURE(kv_dtype);
                    const auto model = open_model(*root + file, backend, n_threads, kv_dtype);
                    CHECK(greedy(model, {kBos}, 200) == expected);
                }
            }
        }
    }
}

TEST_CASE("stories260K: the same tokens whatever the chunks of the prompt") {
    const auto root = test_data("models/stories260K");
    if (!root) return;
    const std::vector<core::Token> story = expected_tokens(*root + "/greedy200.json");
    std::vector<core::Token> prompt{kBos};
    prompt.insert(prompt.end(), story.begin(), story.begin() + 150);
    const std::vector<core::Token> rest(story.begin() + 150, story.end());
    const auto model = open_model(*root + "/stories260K.gguf", "cpu", 2);
    for (const uint32_t chunk : {1u, 7u, 64u, 150u}) {
        CAPTURE(chunk);
        CHECK(greedy(model, prompt, 50, chunk) == rest);
    }
}

TEST_CASE("stories260K: any op on the other backend, the same tokens") {
    const auto root = test_data("models/stories260K");
    if (!root) return;
    const std::vector<core::Token> story = expected_tokens(*root + "/greedy200.json");
    const std::vector<core::Token> expected(story.begin(), story.begin() + 24);
    const auto runtime = make_runtime(1);
    const std::string path = *root + "/stories260K.gguf";
    for (const auto &[most, one] : {std::pair("cpu", "reference"), std::pair("reference", "cpu")}) {
        CAPTURE(std::string(one));
        core::ModelOptions options;
        options.backend = most;
        options.kv_dtype = HADAL_DTYPE_F32;
        const size_t n_ops = need(core::Model::open(runtime, path, options))->executable().program().ops.size();
        for (size_t op_i = 0; op_i < n_ops; ++op_i) {
            CAPTURE(op_i);
            options.pins = {{op_i, one}};
            const auto model = need(core::Model::open(runtime, path, options));
            CHECK(model->executable().plan().segments.size() >= 2);
            CHECK(greedy(model, {kBos}, 24) == expected);
        }
    }
}

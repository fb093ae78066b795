// The golden tokens of a real model, through every program of examples/.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "programs/child.h"
#include "support/test_data.h"

using namespace hadal::test;

namespace {

struct Golden {
    std::string gguf, folder, ids, text;
};

std::optional<Golden> golden() {
    const auto root = test_data("models/stories260K");
    if (!root) return std::nullopt;
    std::ifstream in(*root + "/greedy200.json");
    const auto json = nlohmann::json::parse(in);
    std::string ids;
    for (const int id : json.at("greedy_ids")) ids += (ids.empty() ? "" : " ") + std::to_string(id);
    return Golden{*root + "/stories260K.gguf", *root + "/hf", ids, json.at("text")};
}

/// Without the blanks at both ends: hello writes one after each id, some texts begin with one.
std::string trimmed(const std::string &text) {
    const size_t first = text.find_first_not_of(" \n"), last = text.find_last_not_of(" \n");
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

}  // namespace

TEST_CASE("hadal run: golden ids on each backend, with 1 and 2 threads, from both formats") {
    const auto expected = golden();
    if (!expected) return;
    const TempFolder folder;
    const std::string bos = folder.write("ids", "1\n");
    for (const char *backend : {"reference", "cpu"}) {
        for (const char *threads : {"1", "2"}) {
            CAPTURE(backend);
            CAPTURE(threads);
            const std::vector<std::string> options = {"-n",        "200",   "--temp",    "0",    "--print-ids",
                                                      "--backend", backend, "--threads", threads};
            std::vector<std::string> words = {PROGRAM_HADAL_CLI, "run", expected->gguf};
            words.insert(words.end(), options.begin(), options.end());
            const Finished gguf = run(words);
            CHECK(gguf.exit_code == 0);
            CHECK(gguf.out == expected->ids + "\n");

            words = {PROGRAM_HADAL_CLI, "run", expected->folder, "--ids", bos};
            words.insert(words.end(), options.begin(), options.end());
            const Finished hugging_face = run(words);
            CHECK(hugging_face.exit_code == 0);
            CHECK(hugging_face.out == expected->ids + "\n");
        }
    }
}

TEST_CASE("hadal run: golden text, however the weights are loaded and the cache is kept") {
    const auto expected = golden();
    if (!expected) return;
    for (const std::vector<std::string> &options :
         {std::vector<std::string>{"--load", "read"}, {"--kv-type", "f32"}, {"--chunk", "1"}, {"--context", "300"}}) {
        std::vector<std::string> words = {PROGRAM_HADAL_CLI, "run", expected->gguf, "-n", "200"};
        words.insert(words.end(), options.begin(), options.end());
        const Finished finished = run(words);
        CHECK(finished.exit_code == 0);
        CHECK(trimmed(finished.out) == trimmed(expected->text));
        CHECK(finished.err.find("tokens/s") != std::string::npos);
    }
}

TEST_CASE("hello in C and in C++: golden ids from both formats, golden text") {
    const auto expected = golden();
    if (!expected) return;
    for (const char *program : {PROGRAM_HELLO_C, PROGRAM_HELLO_CPP}) {
        CAPTURE(program);
        CHECK(trimmed(run({program, expected->gguf, "--ids", "1"}).out) == expected->ids);
        CHECK(trimmed(run({program, expected->folder, "--ids", "1"}).out) == expected->ids);
        CHECK(trimmed(run({program, expected->gguf}).out) == trimmed(expected->text));
        const Finished prompted = run({program, expected->gguf, "Once upon a time"});
        CHECK(prompted.exit_code == 0);
        CHECK(prompted.out.size() > 100);
        const Finished missing = run({program, "no-such-model.gguf"});
        CHECK(missing.exit_code == 1);
        CHECK(missing.err.find("NOT_FOUND") != std::string::npos);
        CHECK(run({program, "a", "b", "c"}).exit_code == 2);
        if (HAS_SAMPLE_MODEL) {
            CHECK(run({program}).out.size() > 20);  // a story
        } else {
            CHECK(run({program}).err.find("sample model") != std::string::npos);
        }
    }
}

// What opening a model reports, how it is ended, and what it counts against its budget.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/engine.h"
#include "support/temp_folder.h"
#include "support/tiny_model.h"

using namespace hadal;
using namespace hadal::test;

namespace {

constexpr uint64_t kMiB = 1 << 20;
/// Of a tensor that no Llama has: more than two slices of what is read at a time.
constexpr uint64_t kUnusedBytes = 40 * kMiB;

/// Calls of a progress callback, and what it answers.
struct Reports {
    std::vector<std::pair<uint64_t, uint64_t>> seen;
    uint64_t end_at = UINT64_MAX;  // at this done: answer 7
    const core::StopFlag *trigger_at_first = nullptr;

    core::Watch watch(const core::StopFlag *stop = nullptr) {
        return {.report = [](void *user, uint64_t done, uint64_t total) -> int32_t {
                    auto &self = *static_cast<Reports *>(user);
                    self.seen.push_back({done, total});
                    if (self.trigger_at_first) self.trigger_at_first->trigger();
                    return done >= self.end_at ? 7 : 0;
                },
                .user = this,
                .stop = stop};
    }
};

struct Fixture {
    TempFolder folder;
    std::string path = folder.write("m.gguf", [] {
        GgufBytes file = tiny_model_file({});
        file.tensor("nobody.rotary_emb.inv_freq", {kUnusedBytes / 4}, 0, std::string(kUnusedBytes, '\0'));
        return file.bytes();
    }());
    uint64_t file_bytes = std::filesystem::file_size(path);
    std::shared_ptr<core::Runtime> runtime = make_runtime(1);

    core::Result<std::shared_ptr<const core::Model>> open(core::LoadMode load, const core::Watch &watch,
                                                          uint64_t memory_budget = 0) {
        core::ModelOptions options;
        options.load = load;
        options.watch = watch;
        options.memory_budget = memory_budget;
        return core::Model::open(runtime, path, options);
    }

    /// One rising series from 0 to a total that never changes.
    void check_series(const Reports &reports, uint64_t total) {
        REQUIRE(reports.seen.size() >= 2);
        CHECK(reports.seen.front().first == 0);
        CHECK(reports.seen.back().first == total);
        for (size_t i = 0; i < reports.seen.size(); ++i) {
            CHECK(reports.seen[i].second == total);
            if (i > 0) CHECK(reports.seen[i - 1].first < reports.seen[i].first);
        }
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "opening by read: a series of bytes read, with steps between the first and the last") {
    Reports reports;
    const auto model = need(open(core::LoadMode::read, reports.watch()));
    check_series(reports, file_bytes);
    CHECK(reports.seen.size() >= 4);
}

TEST_CASE_FIXTURE(Fixture, "opening by mmap: a series of bytes prepared, of all that the program uses") {
    Reports reports;
    const auto model = need(open(core::LoadMode::mmap, reports.watch()));
    CHECK(model->summary().weight_bytes < file_bytes - kUnusedBytes);
    check_series(reports, model->summary().weight_bytes);
}

TEST_CASE_FIXTURE(Fixture, "opening by read counts what is read, used or not") {
    const auto model = need(open(core::LoadMode::read, {}));
    const uint64_t bytes = model->summary().model_bytes;
    CHECK(bytes >= file_bytes);
    CHECK(runtime->budget()->used() == bytes);
    CHECK(need(open(core::LoadMode::mmap, {}))->summary().model_bytes == bytes - file_bytes);

    CHECK(open(core::LoadMode::read, {}, bytes));
    const auto refused = open(core::LoadMode::read, {}, bytes - 1);
    REQUIRE(!refused);
    CHECK(refused.error().status == core::Status::out_of_memory);
    CHECK(refused.error().message.find(std::to_string(bytes)) != std::string::npos);
    CHECK(refused.error().message.find(std::to_string(bytes - 1)) != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "the callback's answer or a triggered flag ends an open, and nothing stays reserved") {
    for (const core::LoadMode load : {core::LoadMode::read, core::LoadMode::mmap}) {
        for (const uint64_t end_at : {uint64_t{0}, uint64_t{1}}) {  // before the first byte, and after some
            Reports reports;
            reports.end_at = end_at;
            const auto ended = open(load, reports.watch());
            REQUIRE(!ended);
            CHECK(ended.error().status == core::Status::callback);
            CHECK(ended.error().detail == 7);
            CHECK(reports.seen.back().first >= end_at);
            CHECK(runtime->budget()->used() == 0);
        }
        const core::StopFlag stop;
        Reports reports;
        reports.trigger_at_first = &stop;
        for (const bool again : {false, true}) {  // triggered while it runs, and before
            reports.seen.clear();
            const auto cancelled = open(load, reports.watch(&stop));
            REQUIRE(!cancelled);
            CHECK(cancelled.error().status == core::Status::cancelled);
            CHECK(reports.seen.size() == (again ? 0 : 1));
            CHECK(runtime->budget()->used() == 0);
        }
    }
}

namespace {

/// tokenizer.json of one-byte tokens 0 to n_tokens - 1: 'a', 'b', ...; the last one is "<end>" and special.
std::string small_tokenizer(uint32_t n_tokens) {
    std::string vocabulary;
    for (uint32_t i = 0; i + 1 < n_tokens; ++i) {
        vocabulary +=
            (i == 0 ? "\"" : ",\"t") + (i == 0 ? std::string("a") : std::to_string(i)) + "\":" + std::to_string(i);
    }
    return R"({"added_tokens":[{"id":)" + std::to_string(n_tokens - 1) +
           R"(,"content":"<end>","special":true}],"model":{"type":"BPE","vocab":{)" + vocabulary + R"(},"merges":[]}})";
}

core::Result<std::shared_ptr<const core::Model>> open_folder(const TempFolder &folder) {
    return core::Model::open(make_runtime(), folder.path(), {});
}

}  // namespace

TEST_CASE("a folder's tokenizer.json is the model's, with a token for every row of the embedding") {
    const TempFolder folder;
    tiny_model_hf(folder);
    const auto without = need(open_folder(folder));
    CHECK(!without->summary().has_tokenizer);
    CHECK(without->tokenizer().error().status == core::Status::not_found);
    CHECK(without->stop_tokens() == std::vector<core::Token>{1, 2});

    folder.write("tokenizer.json", small_tokenizer(kTinyVocab - 6));
    folder.write("tokenizer_config.json", R"({"eos_token":"<end>"})");
    folder.write("generation_config.json", R"({"eos_token_id":[7,2]})");
    const auto model = need(open_folder(folder));
    CHECK(model->summary().has_tokenizer);
    const auto tokenizer = need(model->tokenizer());
    CHECK(tokenizer->size() == kTinyVocab);
    CHECK(need(tokenizer->encode("aa", {})) == std::vector<core::Token>{0, 0});
    CHECK(need(tokenizer->token_bytes(kTinyVocab - 1)).empty());
    CHECK(need(tokenizer->token_kind(kTinyVocab - 1)) == core::TokenKind::unused);
    CHECK(need(tokenizer->decode({0, kTinyVocab - 1, 0}, core::ControlText::written)) == "a a");
    CHECK(model->stop_tokens() == std::vector<core::Token>{1, 2, 7, kTinyVocab - 7});
}

TEST_CASE("a folder whose tokenizer is unknown is a model without one; one that contradicts itself is refused") {
    const TempFolder folder;
    tiny_model_hf(folder);
    folder.write("tokenizer.json", R"({"model":{"type":"Guess","vocab":{"a":0}}})");
    CHECK(need(open_folder(folder))->tokenizer().error().status == core::Status::unsupported);

    folder.write("tokenizer.json", small_tokenizer(kTinyVocab + 1));
    const auto larger = open_folder(folder);
    REQUIRE(!larger);
    CHECK(larger.error().status == core::Status::bad_format);
    for (const uint32_t number : {kTinyVocab + 1, kTinyVocab}) {
        CHECK(larger.error().message.find(std::to_string(number)) != std::string::npos);
    }

    folder.write("tokenizer.json", small_tokenizer(kTinyVocab));
    folder.write("generation_config.json", R"({"eos_token_id":)" + std::to_string(kTinyVocab) + "}");
    const auto beyond = open_folder(folder);
    REQUIRE(!beyond);
    CHECK(beyond.error().status == core::Status::bad_format);
    CHECK(beyond.error().message.find("generation_config.json") != std::string::npos);
}

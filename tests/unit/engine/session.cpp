// Sessions: what sync, append, truncate and eval do to a timeline, and what they leave alone when they fail.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <numeric>

#include "support/engine.h"
#include "support/temp_folder.h"
#include "support/tiny_model.h"

using namespace hadal;
using namespace hadal::test;

namespace {

std::vector<core::Token> some_tokens(size_t n, uint32_t seed = 7) {
    std::mt19937 random(seed);
    std::vector<core::Token> tokens(n);
    for (core::Token &token : tokens) token = static_cast<core::Token>(random() % kTinyVocab);
    return tokens;
}

struct Fixture {
    TempFolder folder;
    std::string path = folder.write("tiny.gguf", tiny_model_gguf());
    std::shared_ptr<const core::Model> model = open_model(path, "cpu", 2);

    std::unique_ptr<core::Session> session(core::SessionOptions options = {}) const {
        return need(core::Session::create(model, options));
    }
};

std::vector<float> last_logits(core::Session &session) {
    const auto logits = need(session.next_logits({}));
    return {logits.begin(), logits.end()};
}

bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "sync keeps what is common and computes only the rest") {
    const auto session = this->session();
    const std::vector<core::Token> first = some_tokens(100);
    CHECK(need(session->sync(first)) == 0);
    CHECK(need(session->eval({})));
    CHECK(session->computed() == 100);

    std::vector<core::Token> longer = first;
    longer.insert(longer.end(), {5, 6, 7});
    CHECK(need(session->sync(longer)) == 100);
    CHECK(session->computed() == 100);

    std::vector<core::Token> forked(first.begin(), first.begin() + 70);
    forked.push_back(first[70] == 9 ? 10 : 9);
    CHECK(need(session->sync(forked)) == 70);
    CHECK(session->tokens().size() == 71);
    const std::vector<float> reused = last_logits(*session);

    const auto fresh = this->session();
    need(fresh->sync(forked));
    CHECK(relative_difference(reused, last_logits(*fresh)) < 1e-5);
}

TEST_CASE_FIXTURE(Fixture, "chunks of a prompt change no bit of the logits' meaning") {
    const std::vector<core::Token> tokens = some_tokens(150);
    const std::vector<float> whole = all_logits(model, tokens);
    for (const uint32_t chunk : {1u, 7u, 64u}) {
        CAPTURE(chunk);
        CHECK(relative_difference(all_logits(model, tokens, chunk), whole) < 1e-5);
    }
}

TEST_CASE_FIXTURE(Fixture, "the same bits with 1, 2 and 3 threads") {
    const std::vector<core::Token> tokens = some_tokens(90);
    const std::vector<float> one = all_logits(open_model(path, "cpu", 1), tokens);
    for (const uint32_t n_threads : {2u, 3u}) {
        CAPTURE(n_threads);
        CHECK(same_bits(all_logits(open_model(path, "cpu", n_threads), tokens), one));
    }
}

TEST_CASE_FIXTURE(Fixture, "two timelines in one run give the bits of two runs") {
    const core::Executable &executable = model->executable();
    const auto budget = std::make_shared<core::MemoryBudget>("test", 0);
    const auto cache = need(core::KvCache::create(executable, 16, budget, core::PageCommit::on_use));
    const core::Limits limits{.max_rows = 128, .max_out = 8, .max_timelines = 2, .n_pages = 16, .max_context = 256};
    const auto runner = need(core::Runner::create(executable, cache, limits, core::Allocator::system()));
    const size_t n_vocab = kTinyVocab;
    const std::vector<core::Token> a_tokens = some_tokens(40, 1), b_tokens = some_tokens(75, 2);

    // Alone: a prompt, then a step of each.
    const auto alone = [&](const std::vector<core::Token> &tokens) {
        core::Timeline timeline(cache, 256);
        need(timeline.append(tokens));
        std::vector<float> logits(2 * n_vocab);
        const core::RowRequest prompt{&timeline, static_cast<uint32_t>(tokens.size()), 1};
        need(runner->run({&prompt, 1}, nullptr, std::span(logits).first(n_vocab)));
        need(timeline.append(std::vector<core::Token>{11}));
        const core::RowRequest step{&timeline, 1, 1};
        need(runner->run({&step, 1}, nullptr, std::span(logits).last(n_vocab)));
        return logits;
    };
    const std::vector<float> a_alone = alone(a_tokens), b_alone = alone(b_tokens);

    // Together: both prompts in one run; a step of one beside a step of the other.
    core::Timeline a(cache, 256), b(cache, 256);
    need(a.append(a_tokens));
    need(b.append(b_tokens));
    std::vector<float> logits(2 * n_vocab);
    const std::vector<core::RowRequest> prompts{{&a, 40, 1}, {&b, 75, 1}};
    need(runner->run(prompts, nullptr, logits));
    CHECK(std::memcmp(logits.data(), a_alone.data(), n_vocab * sizeof(float)) == 0);
    CHECK(std::memcmp(logits.data() + n_vocab, b_alone.data(), n_vocab * sizeof(float)) == 0);
    need(a.append(std::vector<core::Token>{11}));
    need(b.append(std::vector<core::Token>{11}));
    const std::vector<core::RowRequest> steps{{&b, 1, 1}, {&a, 1, 1}};
    need(runner->run(steps, nullptr, logits));
    CHECK(std::memcmp(logits.data(), b_alone.data() + n_vocab, n_vocab * sizeof(float)) == 0);
    CHECK(std::memcmp(logits.data() + n_vocab, a_alone.data() + n_vocab, n_vocab * sizeof(float)) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a prompt beside a step leaves the step's bits alone") {
    const core::Executable &executable = model->executable();
    const auto budget = std::make_shared<core::MemoryBudget>("test", 0);
    const auto cache = need(core::KvCache::create(executable, 16, budget, core::PageCommit::on_use));
    const core::Limits limits{.max_rows = 128, .max_out = 8, .max_timelines = 2, .n_pages = 16, .max_context = 256};
    const auto runner = need(core::Runner::create(executable, cache, limits, core::Allocator::system()));
    core::Timeline step(cache, 256), prompt(cache, 256);
    need(step.append(some_tokens(30)));
    const core::RowRequest first{&step, 30, 0};
    need(runner->run({&first, 1}, nullptr, {}));
    need(step.append(std::vector<core::Token>{3}));
    need(prompt.append(some_tokens(90, 3)));

    std::vector<float> alone(kTinyVocab), beside(kTinyVocab);
    const core::RowRequest one{&step, 1, 1};
    need(runner->run({&one, 1}, nullptr, alone));
    step.forget(30);
    const std::vector<core::RowRequest> both{{&prompt, 90, 0}, {&step, 1, 1}};
    need(runner->run(both, nullptr, beside));
    CHECK(same_bits(alone, beside));
}

TEST_CASE_FIXTURE(Fixture, "a full context and a spent budget are statuses, and change nothing") {
    const auto session = this->session({.context = 70, .chunk = 0, .extend = false, .memory_budget = 0});
    need(session->append(some_tokens(60)));
    const auto full = session->append(some_tokens(11));
    REQUIRE(!full);
    CHECK(full.error().status == core::Status::context_full);
    CHECK(session->tokens().size() == 60);
    need(session->append(some_tokens(10)));
    CHECK(session->append(some_tokens(1)).error().status == core::Status::context_full);
    CHECK(session->sync(some_tokens(71)).error().status == core::Status::context_full);
    CHECK(session->tokens().size() == 70);

    const uint64_t page = model->summary().kv_bytes_per_page;
    const auto tight = this->session(
        {.context = 256, .chunk = 0, .extend = false, .memory_budget = model->summary().session_bytes + 2 * page});
    need(tight->append(some_tokens(128)));
    const auto spent = tight->append(some_tokens(1));
    REQUIRE(!spent);
    CHECK(spent.error().status == core::Status::out_of_memory);
    CHECK(tight->tokens().size() == 128);
    need(tight->truncate(64));
    need(tight->append(some_tokens(64)));
    CHECK(need(tight->eval({})));
}

TEST_CASE_FIXTURE(Fixture, "memory that was touched counts until its session dies") {
    const uint64_t page = model->summary().kv_bytes_per_page;
    const auto session = this->session();
    const uint64_t before = model->budget()->used();
    need(session->append(some_tokens(200)));
    CHECK(model->budget()->used() == before + 4 * page);
    need(session->truncate(0));
    CHECK(model->budget()->used() == before + 4 * page);
    need(session->append(some_tokens(250)));
    CHECK(model->budget()->used() == before + 4 * page);
}

TEST_CASE("an application's allocator is asked for the whole cache at once, within the budget") {
    const TempFolder folder;
    const std::string path = folder.write("tiny.gguf", tiny_model_gguf());
    core::RuntimeOptions options;
    options.n_threads = 1;
    options.allocator = {[](void *, size_t bytes, size_t alignment) {
                             return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
                         },
                         [](void *, void *block, size_t) { std::free(block); }, nullptr};
    const auto model = need(core::Model::open(need(core::Runtime::create(options)), path, {}));
    const uint64_t page = model->summary().kv_bytes_per_page, scratch = model->summary().session_bytes;
    core::SessionOptions session_options;
    session_options.context = 256;
    session_options.memory_budget = scratch + 3 * page;
    CHECK(core::Session::create(model, session_options).error().status == core::Status::out_of_memory);
    session_options.memory_budget = scratch + 4 * page;
    need(need(core::Session::create(model, session_options))->append(some_tokens(256)));
}

TEST_CASE_FIXTURE(Fixture, "context: the trained length, less where the budget is small, more only on request") {
    CHECK(session()->context() == 256);
    const uint64_t page = model->summary().kv_bytes_per_page;
    const uint64_t budget = model->summary().session_bytes + 3 * page;
    CHECK(session({.context = 0, .chunk = 0, .extend = false, .memory_budget = budget})->context() == 192);
    CHECK(core::Session::create(model, {.context = 1u << 29, .chunk = 1u << 29, .extend = true, .memory_budget = 0})
              .error()
              .status == core::Status::invalid_argument);
    CHECK(core::Session::create(model, {.context = 257}).error().status == core::Status::invalid_argument);
    CHECK(session({.context = 257, .chunk = 0, .extend = true, .memory_budget = 0})->context() == 257);
    CHECK(core::Session::create(model, {.context = 0, .chunk = 0, .extend = false, .memory_budget = 1000})
              .error()
              .status == core::Status::out_of_memory);
}

TEST_CASE_FIXTURE(Fixture, "wrong tokens are refused with their place and the range") {
    const auto session = this->session();
    for (const core::Token bad : {-1, static_cast<core::Token>(kTinyVocab), INT32_MIN, INT32_MAX}) {
        const auto refused = session->append(std::vector<core::Token>{1, bad});
        REQUIRE(!refused);
        CHECK(refused.error().status == core::Status::invalid_argument);
        CHECK(refused.error().message.find(std::to_string(bad)) != std::string::npos);
    }
    CHECK(session->tokens().empty());
}

TEST_CASE_FIXTURE(Fixture, "logits: the last, all, none, and those that were not kept") {
    const auto session = this->session();
    const std::vector<core::Token> tokens = some_tokens(20);
    need(session->append(tokens));
    need(session->eval({.logits = core::LogitsOf::none, .chunk = 0, .watch = {}}));
    CHECK(session->logits(19, 1).error().status == core::Status::not_found);
    CHECK(need(session->eval({})));  // the last token once more, for its logits
    need(session->logits(19, 1));
    CHECK(!need(session->eval({})));
    CHECK(session->logits(18, 2).error().status == core::Status::not_found);
    CHECK(session->logits(20, 1).error().status == core::Status::not_found);
    CHECK(session->logits(SIZE_MAX, 1).error().status == core::Status::not_found);
    CHECK(session->logits(19, SIZE_MAX).error().status == core::Status::not_found);
    need(session->truncate(19));
    CHECK(session->logits(19, 1).error().status == core::Status::not_found);

    const auto all = this->session();
    need(all->append(tokens));
    need(all->eval({.logits = core::LogitsOf::all, .chunk = 3, .watch = {}}));
    CHECK(need(all->logits(0, 20)).size() == 20 * kTinyVocab);
    need(all->truncate(10));
    CHECK(all->logits(0, 11).error().status == core::Status::not_found);
    CHECK(need(all->logits(0, 10)).size() == 10 * kTinyVocab);
}

TEST_CASE_FIXTURE(Fixture, "a budget below the model's need is refused with both numbers") {
    core::ModelOptions options;
    options.load = core::LoadMode::read;
    options.memory_budget = 1000;
    const auto refused = core::Model::open(make_runtime(), path, options);
    REQUIRE(!refused);
    CHECK(refused.error().status == core::Status::out_of_memory);
    CHECK(refused.error().message.find("1000") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "all memory a session took goes back") {
    const uint64_t before = model->budget()->used();
    {
        const auto session = this->session();
        need(session->append(some_tokens(200)));
        need(session->eval({.logits = core::LogitsOf::all, .chunk = 0, .watch = {}}));
        CHECK(model->budget()->used() > before);
    }
    CHECK(model->budget()->used() == before);
}

TEST_CASE_FIXTURE(Fixture, "inspect says what open does") {
    const auto inspected = need(core::Model::inspect(make_runtime(2), path, {.kv_dtype = HADAL_DTYPE_F32}));
    CHECK(inspected.facts.n_vocab == kTinyVocab);
    CHECK(inspected.model_bytes == model->summary().model_bytes);
    CHECK(inspected.session_bytes == model->summary().session_bytes);
    CHECK(inspected.kv_bytes_per_page == 2 * 64 * 2 * (64 + 64) * 4);  // layers, positions, heads, k and v, f32
    CHECK(inspected.has_tokenizer);
    CHECK(inspected.weight_type == std::string("F32"));
    CHECK(inspected.max_context == 256);
}

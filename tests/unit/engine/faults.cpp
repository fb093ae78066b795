// Every op of a prefill and of a decode step made to fail, to run out of memory or to be cancelled: the right status,
// the session at its last committed length, and usable after. And every allocation of open, session and eval made to
// fail.
#include <doctest/doctest.h>

#include <cstdlib>

#include "support/engine.h"
#include "support/temp_folder.h"
#include "support/tiny_model.h"
#include "unit/engine/fault_backend.h"

using namespace hadal;
using namespace hadal::test;

namespace {

const std::vector<core::Token> kPrompt{1, 40, 50, 60, 70, 80, 90};

std::shared_ptr<const core::Model> open_on_fault_backend(const std::string &path) {
    const auto runtime = make_runtime(1);
    need(runtime->add_backend(fault_backend_entry));
    core::ModelOptions options;
    options.backend = "fault";
    options.fallback = core::Fallback::forbid;
    return need(core::Model::open(runtime, path, options));
}

core::Status expected_status(Fault fault) {
    switch (fault) {
        case Fault::error:
            return core::Status::internal;
        case Fault::out_of_memory:
            return core::Status::out_of_memory;
        case Fault::device_lost:
            return core::Status::device_lost;
        default:
            return core::Status::cancelled;
    }
}

struct Fixture {
    TempFolder folder;
    std::string path = folder.write("tiny.gguf", tiny_model_gguf());
    std::shared_ptr<const core::Model> model = open_on_fault_backend(path);
    size_t n_ops = model->executable().program().ops.size();
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a fault at any op of a prefill or a decode step") {
    fault_control().arm(Fault::none, 0);
    const std::vector<core::Token> expected = greedy(model, kPrompt, 4);
    REQUIRE(expected.size() == 4);
    for (const Fault fault : {Fault::error, Fault::out_of_memory, Fault::device_lost, Fault::stop}) {
        // The prefill is one run, the decode step the next.
        for (size_t k = 0; k < 2 * n_ops; ++k) {
            CAPTURE(static_cast<int>(fault));
            CAPTURE(k);
            const uint64_t used_before = model->budget()->used();
            {
                const core::StopFlag stop;
                const auto session = need(core::Session::create(model, {}));
                need(session->append(kPrompt));
                core::GenerateOptions options;
                options.ignore_eos = true;
                options.watch.stop = &stop;
                auto generator = need(core::Generator::create(*session, options));
                fault_control().trigger_stop = [](void *flag) { static_cast<const core::StopFlag *>(flag)->trigger(); };
                fault_control().stop = const_cast<core::StopFlag *>(&stop);
                fault_control().arm(fault, k);

                std::vector<core::Token> drawn;
                const bool in_prefill = k < n_ops;
                if (!in_prefill) drawn.push_back(need(generator->next())->token);
                const auto failed = generator->next();
                // A stop seen only after the last op of a run has nothing left to stop.
                const bool too_late = fault == Fault::stop && (k + 1) % n_ops == 0;
                if (too_late) {
                    REQUIRE(failed);
                    drawn.push_back((*failed)->token);
                } else {
                    REQUIRE(!failed);
                    CHECK(failed.error().status == expected_status(fault));
                    CHECK(!failed.error().message.empty());
                    CHECK(session->tokens().size() == kPrompt.size() + drawn.size());
                    CHECK(session->computed() == (in_prefill ? 0 : kPrompt.size()));
                }

                fault_control().arm(Fault::none, 0);
                options.watch.stop = nullptr;
                generator = need(core::Generator::create(*session, options));
                while (drawn.size() < expected.size()) drawn.push_back(need(generator->next())->token);
                CHECK(drawn == expected);
            }
            CHECK(model->budget()->used() == used_before);
        }
    }
}

namespace {

/// The system's memory, until the k-th block.
struct FailingAllocator {
    core::Allocator system = core::Allocator::system();
    uint64_t n_calls = 0;
    uint64_t fail_at = UINT64_MAX;
    int64_t n_alive = 0;

    core::Allocator allocator() {
        return {[](void *user, size_t bytes, size_t alignment) -> void * {
                    auto &self = *static_cast<FailingAllocator *>(user);
                    if (self.n_calls++ == self.fail_at) return nullptr;
                    ++self.n_alive;
                    return self.system.allocate(self.system.user, bytes, alignment);
                },
                [](void *user, void *block, size_t bytes) {
                    auto &self = *static_cast<FailingAllocator *>(user);
                    --self.n_alive;
                    self.system.deallocate(self.system.user, block, bytes);
                },
                this};
    }
};

core::Result<std::vector<core::Token>> open_and_generate(FailingAllocator &memory, const std::string &path) {
    core::RuntimeOptions runtime_options;
    runtime_options.n_threads = 1;
    runtime_options.allocator = memory.allocator();
    HADAL_TRY(auto runtime, core::Runtime::create(runtime_options));
    core::ModelOptions options;
    options.load = core::LoadMode::read;
    HADAL_TRY(auto model, core::Model::open(runtime, path, options));
    HADAL_TRY(auto session, core::Session::create(model, {}));
    HADAL_CHECK(session->append(kPrompt));
    HADAL_TRY(const bool computed, session->eval({.logits = core::LogitsOf::all, .chunk = 0, .watch = {}}));
    REQUIRE(computed);
    HADAL_TRY(auto generator, core::Generator::create(*session, {}));
    std::vector<core::Token> tokens;
    for (int i = 0; i < 3; ++i) {
        HADAL_TRY(const auto event, generator->next());
        tokens.push_back(event->token);
    }
    return tokens;
}

}  // namespace

TEST_CASE("any allocation from the application's allocator may fail") {
    const TempFolder folder;
    const std::string path = folder.write("tiny.gguf", tiny_model_gguf());
    FailingAllocator memory;
    const auto expected = need(open_and_generate(memory, path));
    CHECK(memory.n_alive == 0);
    const uint64_t n_calls = memory.n_calls;
    REQUIRE(n_calls > 5);
    for (uint64_t k = 0; k < n_calls; ++k) {
        CAPTURE(k);
        FailingAllocator failing;
        failing.fail_at = k;
        const auto result = open_and_generate(failing, path);
        REQUIRE(!result);
        CHECK(result.error().status == core::Status::out_of_memory);
        CHECK(failing.n_alive == 0);
    }
}

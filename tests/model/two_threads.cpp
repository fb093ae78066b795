// Two sessions of one model on two threads: under ThreadSanitizer this is the test of every const = concurrent promise.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "support/engine.h"
#include "support/temp_folder.h"
#include "support/tiny_model.h"

using namespace hadal;
using namespace hadal::test;

TEST_CASE("two sessions of one model on two threads give what one alone gives") {
    const TempFolder folder;
    const std::string path = folder.write("tiny.gguf", tiny_model_gguf());
    const auto model = open_model(path, "cpu", 2);
    const std::vector<core::Token> a_prompt(50, 40), b_prompt{1, 60, 61, 62, 63};
    const std::vector<core::Token> a_expected = greedy(model, a_prompt, 30), b_expected = greedy(model, b_prompt, 60);
    std::vector<core::Token> a, b;
    std::thread other([&] { a = greedy(model, a_prompt, 30); });
    b = greedy(model, b_prompt, 60);
    other.join();
    CHECK(a == a_expected);
    CHECK(b == b_expected);
}

TEST_CASE("models open and close on two threads of one runtime") {
    const TempFolder folder;
    const std::string path = folder.write("tiny.gguf", tiny_model_gguf());
    const auto runtime = make_runtime(2);
    const auto work = [&] {
        for (int i = 0; i < 5; ++i) {
            const auto model = need(core::Model::open(runtime, path, {}));
            CHECK(greedy(model, {1, 40}, 5).size() == 5);
        }
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(runtime->budget()->used() == 0);
}

TEST_CASE("a run is cancelled from another thread, and what is left can be computed") {
    /// The run waits in its progress callback, once it has done enough, until the other thread has triggered.
    struct Meeting {
        core::StopFlag stop;
        std::atomic<bool> reached{false}, triggered{false};
    };
    constexpr size_t kTokens = 200, kTriggerAt = 64;
    const TempFolder folder;
    const auto model = open_model(folder.write("tiny.gguf", tiny_model_gguf()), "cpu", 2);
    const auto session = need(core::Session::create(model, {}));
    need(session->append(std::vector<core::Token>(kTokens, 50)));
    Meeting meeting;
    std::atomic<bool> ended{false};
    std::thread other([&] {
        while (!meeting.reached.load() && !ended.load()) std::this_thread::yield();
        meeting.stop.trigger();
        meeting.triggered.store(true);
    });
    core::EvalOptions options;
    options.chunk = 32;
    options.watch = {[](void *user, uint64_t done, uint64_t) {
                         auto &here = *static_cast<Meeting *>(user);
                         if (done < kTriggerAt) return 0;
                         here.reached.store(true);
                         while (!here.triggered.load()) std::this_thread::yield();
                         return 0;
                     },
                     &meeting, &meeting.stop};
    const auto cancelled = session->eval(options);
    ended.store(true);
    other.join();
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().status == core::Status::cancelled);
    CHECK(session->tokens().size() == kTokens);
    CHECK(session->computed() == kTriggerAt);  // two runs had completed, the third began
    CHECK(need(session->eval({})));
    CHECK(session->computed() == kTokens);
    CHECK(need(session->logits(kTokens - 1, 1)).size() == kTinyVocab);
}

// Two sessions of one model on two threads: under ThreadSanitizer this is the test of every const = concurrent promise.
#include <doctest/doctest.h>

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

TEST_CASE("a run is cancelled from another thread") {
    const TempFolder folder;
    TinyModel large;
    large.context = 4096;
    const auto model = open_model(folder.write("tiny.gguf", tiny_model_gguf(large)), "cpu", 2);
    const auto session = need(core::Session::create(model, {}));
    need(session->append(std::vector<core::Token>(4000, 50)));
    const core::StopFlag stop;
    std::thread other([&] { stop.trigger(); });
    core::EvalOptions options;
    options.watch.stop = &stop;
    const auto result = session->eval(options);
    other.join();
    if (!result) CHECK(result.error().status == core::Status::cancelled);
    CHECK(session->tokens().size() == 4000);
    CHECK(session->computed() <= 4000);
}

// Handles are counted: any order of release is fine. Cancel objects reach calls that run.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "fixture.h"

using namespace hadal;
using namespace hadal::test;

namespace {

const std::vector<Token> kPrompt = {1, 263, 270, 261};

template <class T>
void release(std::unique_ptr<T> &owner) {
    owner.reset();
}

}  // namespace

TEST_CASE("release in any order, and use what is left") {
    const TinyFile file;
    std::array<int, 5> order = {0, 1, 2, 3, 4};
    do {
        auto runtime = std::make_unique<Runtime>(with_threads(1));
        auto model = std::make_unique<Model>(runtime->open(file.path));
        auto tokenizer = std::make_unique<Tokenizer>(model->tokenizer());
        auto session = std::make_unique<Session>(model->session());
        session->append(kPrompt);
        auto generator = std::make_unique<Generator>(session->generate());
        for (const int which : order) {
            if (which == 0) release(runtime);
            if (which == 1) release(model);
            if (which == 2) release(tokenizer);
            if (which == 3) release(session);
            if (which == 4) release(generator);
            if (tokenizer) CHECK(tokenizer->size() == kTinyVocab);
            if (generator) CHECK(generator->next());
            if (session && !generator) CHECK(session->length() > kPrompt.size() - 1);
            if (model) CHECK(model->info().n_vocab == kTinyVocab);
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a decoder keeps its tokenizer alive") {
    const TinyFile file;
    auto runtime = std::make_unique<Runtime>();
    auto tokenizer = std::make_unique<Tokenizer>(runtime->open_tokenizer(file.path));
    Decoder decoder = tokenizer->decoder();
    tokenizer.reset();
    runtime.reset();
    CHECK(decoder.push(kTinyFirstLetter) == "a");
    CHECK(decoder.push(3 + 0xC3).empty());
    CHECK(decoder.finish() == "\xEF\xBF\xBD");
}

TEST_CASE("cancel: before a call, and of a generator that then goes on") {
    Place place;
    Cancel cancel;
    cancel.trigger();
    RunOptions run;
    run.cancel = &cancel;
    place.session.append(kPrompt);
    const auto evaluated = place.session.try_eval(run);
    REQUIRE_FALSE(evaluated);
    CHECK(evaluated.error().status() == Status::cancelled);
    ModelOptions open;
    open.cancel = &cancel;
    const auto opened = place.runtime.try_open(place.file.path, open);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().status() == Status::cancelled);

    GenerateOptions options;
    options.ignore_eos = true;
    auto late = std::make_unique<Cancel>();
    options.cancel = late.get();
    Generator generator = place.session.generate(options);
    CHECK(generator.next());
    late->trigger();
    late.reset();  // the generator keeps the flag
    for (int again = 0; again < 2; ++again) {
        const auto next = generator.try_next();
        REQUIRE_FALSE(next);
        CHECK(next.error().status() == Status::cancelled);
    }
    { const Generator done = std::move(generator); }
    CHECK(place.session.length() == kPrompt.size() + 1);
    CHECK(place.session.eval());
}

TEST_CASE("cancel: from another thread, while the call runs and after its release") {
    /// The call waits in its progress callback, once it has done enough, until the other thread has triggered.
    struct Meeting {
        uint64_t trigger_at;
        std::atomic<bool> reached{false}, triggered{false};
    };
    Place place;
    const size_t n_tokens = 190;
    // In runs of one token, and in the only run there is.
    for (const auto &[chunk, trigger_at] : {std::pair<uint32_t, uint64_t>{1, 0}, {1, 5}, {1, 189}, {190, 0}}) {
        CAPTURE(chunk);
        CAPTURE(trigger_at);
        SessionOptions wide;
        wide.chunk = 190;
        Session session = place.model.session(wide);
        session.append(std::vector<Token>(n_tokens, 270));
        hadal_cancel *cancel = nullptr;
        REQUIRE(hadal_cancel_create(&cancel, nullptr) == HADAL_OK);
        Meeting meeting{trigger_at};
        hadal_progress progress = {};
        progress.struct_size = sizeof progress;
        progress.user = &meeting;
        progress.report = [](void *user, uint64_t done, uint64_t) {
            auto &here = *static_cast<Meeting *>(user);
            if (done < here.trigger_at) return 0;
            here.reached.store(true);
            while (!here.triggered.load()) std::this_thread::yield();
            return 0;
        };
        hadal_run_options run = {};
        run.struct_size = sizeof run;
        run.chunk = chunk;
        run.progress = &progress;
        run.cancel = cancel;
        std::atomic<bool> ended{false};
        std::thread other([&] {
            while (!meeting.reached.load() && !ended.load()) std::this_thread::yield();
            hadal_cancel_trigger(cancel);
            meeting.triggered.store(true);
            hadal_cancel_release(cancel);  // the call keeps the flag
        });
        hadal_error err;
        const hadal_status status = hadal_session_eval(session.get(), &run, &err);
        ended.store(true);
        other.join();
        CHECK(meeting.reached.load());
        CHECK(status == HADAL_CANCELLED);
        CHECK(session.length() == n_tokens);
        CHECK(session.eval());  // there was something left
        CHECK(session.logits(n_tokens - 1).size() == kTinyVocab);
    }
}

TEST_CASE("const handles: many threads read one model") {
    Place place;
    std::vector<std::thread> threads;
    std::atomic<int> n_wrong{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            const Tokenizer tokenizer = place.model.tokenizer();
            for (int round = 0; round < 20; ++round) {
                if (tokenizer.encode("a b c").size() != 6) ++n_wrong;
                if (place.model.meta("general.name") != "tiny") ++n_wrong;
                if (place.model.plan_json().empty() || place.runtime.devices().empty()) ++n_wrong;
            }
            Session session = place.model.session();
            session.append(kPrompt);
            if (!session.eval()) ++n_wrong;
        });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(n_wrong == 0);
}

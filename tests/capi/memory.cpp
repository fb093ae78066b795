// Memory that runs out: budgets, an application's allocator that fails at every call in turn, and a C++ heap that does.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>

#include "fixture.h"
#include "heap.h"

using namespace hadal;
using namespace hadal::test;

namespace {

const std::vector<Token> kPrompt = {1, 263, 270, 261};

/// Blocks of an application, of which one allocation fails.
struct Blocks {
    std::atomic<int64_t> n_until_failure{-1};  ///< -1: never
    std::atomic<int64_t> n_live{0};
    std::atomic<int64_t> n_calls{0};

    hadal_allocator as_allocator() {
        hadal_allocator allocator = {};
        allocator.struct_size = sizeof allocator;
        allocator.user = this;
        allocator.allocate = [](void *user, size_t bytes, size_t alignment) -> void * {
            auto &blocks = *static_cast<Blocks *>(user);
            ++blocks.n_calls;
            if (blocks.n_until_failure >= 0 && blocks.n_until_failure-- == 0) return nullptr;
            ++blocks.n_live;
            return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
        };
        allocator.deallocate = [](void *user, void *block, size_t) {
            --static_cast<Blocks *>(user)->n_live;
            std::free(block);
        };
        return allocator;
    }
};

/// Opens, computes, generates; the tokens held at the end.
std::vector<Token> whole_life(const Runtime &runtime, const std::string &path, const ModelOptions &options) {
    const Model model = runtime.open(path, options);
    Session session = model.session();
    session.append(kPrompt);
    RunOptions run;
    run.logits = Logits::all;
    session.eval(run);
    GenerateOptions generate;
    generate.max_tokens = 70;  // into the second page of the cache
    generate.ignore_eos = true;
    for (const Event &event : session.generate(generate)) (void)event;
    return session.tokens();
}

/// Calls create with a heap that fails at its k-th call, k = 0, 1, ... until a call needs fewer. Returns that k.
template <class Handle, class Create>
int64_t fail_everywhere(void (*release)(Handle *), Create create) {
    for (int64_t k = 0;; ++k) {
        Handle *handle = nullptr;
        hadal_error err;
        allocations_until_failure = k;
        const hadal_status status = create(&handle, &err);
        const bool failed = allocations_until_failure < 0;
        allocations_until_failure = -1;
        CAPTURE(k);
        // A failed allocation may have a way round it, as the scratch of std::stable_sort has.
        CHECK((status == HADAL_OK || (failed && status == HADAL_OUT_OF_MEMORY)));
        CHECK((handle == nullptr) == (status != HADAL_OK));
        release(handle);
        if (!failed) return k;
    }
}

}  // namespace

TEST_CASE("an allocator that fails at its k-th call, for every k") {
    const TinyFile file;
    Blocks blocks;
    const hadal_allocator allocator = blocks.as_allocator();
    RuntimeOptions options = with_threads(1);
    options.allocator = &allocator;
    {
        const Runtime runtime(options);
        ModelOptions read;
        read.load = Load::read;
        const std::vector<Token> expected = whole_life(runtime, file.path, read);
        const int64_t n_calls = blocks.n_calls;
        REQUIRE(n_calls > 3);
        for (int64_t k = 0; k < n_calls; ++k) {
            CAPTURE(k);
            blocks.n_until_failure = k;
            Status status = Status::ok;
            try {
                whole_life(runtime, file.path, read);
            } catch (const Error &error) {
                status = error.status();
            }
            CHECK(status == Status::out_of_memory);
        }
        blocks.n_until_failure = -1;
        CHECK(whole_life(runtime, file.path, read) == expected);
    }
    CHECK(blocks.n_live == 0);
}

TEST_CASE("a heap that fails at its k-th call, for every k: no handle, no leak, and the next call succeeds") {
    Place place;
    place.session.append(kPrompt);
    const char *path = place.file.path.c_str();
    const int64_t n_model = fail_everywhere<hadal_model>(hadal_model_release, [&](hadal_model **out, hadal_error *err) {
        return hadal_model_open(place.runtime.get(), path, nullptr, out, err);
    });
    CHECK(n_model > 100);
    fail_everywhere<hadal_runtime>(hadal_runtime_release, [&](hadal_runtime **out, hadal_error *err) {
        return hadal_runtime_create(nullptr, out, err);
    });
    fail_everywhere<hadal_tokenizer>(hadal_tokenizer_release, [&](hadal_tokenizer **out, hadal_error *err) {
        return hadal_tokenizer_open(place.runtime.get(), path, out, err);
    });
    fail_everywhere<hadal_session>(hadal_session_release, [&](hadal_session **out, hadal_error *err) {
        return hadal_session_create(place.model.get(), nullptr, out, err);
    });
    fail_everywhere<hadal_generator>(hadal_generator_release, [&](hadal_generator **out, hadal_error *err) {
        return hadal_generator_create(place.session.get(), nullptr, out, err);
    });
    fail_everywhere<hadal_cancel>(hadal_cancel_release, hadal_cancel_create);
}

TEST_CASE("a heap that fails at its k-th call: a failed call may be repeated, and gives what it would have given") {
    Place place;
    GenerateOptions options;
    options.max_tokens = 12;
    options.ignore_eos = true;
    options.sampling.temperature = 1;
    options.sampling.repetition_penalty = 1.1f;
    options.stop_strings = {"never so"};
    place.session.append(kPrompt);
    std::string expected;
    for (const Event &event : place.session.generate(options)) expected += event.text;
    const std::vector<Token> expected_tokens = place.session.tokens();

    for (int64_t k = 0; k < 40; ++k) {
        CAPTURE(k);
        Session session = place.model.session();
        session.append(kPrompt);
        Generator generator = session.generate(options);
        std::string text;
        for (bool done = false; !done;) {
            hadal_event event = {};
            event.struct_size = sizeof event;
            hadal_error err;
            allocations_until_failure = k;
            hadal_status status = hadal_generator_next(generator.get(), &event, &err);
            allocations_until_failure = -1;
            if (status < 0) {
                CHECK(status == HADAL_OUT_OF_MEMORY);
                status = hadal_generator_next(generator.get(), &event, &err);
                REQUIRE(status >= 0);
            }
            done = status == HADAL_DONE;
            if (!done) text.append(event.text, event.text_length);
        }
        { const Generator released = std::move(generator); }
        CHECK(text == expected);
        CHECK(session.tokens() == expected_tokens);
    }
}

TEST_CASE("budgets: of a runtime, a model, a session") {
    const TinyFile file;
    const Requirements needs = Runtime(with_threads(1)).inspect(file.path).requirements;
    const auto message = [](const auto &result) { return std::string(result.error().what()); };

    RuntimeOptions narrow = with_threads(1);
    narrow.memory_budget = 64;
    const auto refused = Runtime(narrow).try_open(file.path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status() == Status::out_of_memory);
    CHECK(message(refused).find("64") != std::string::npos);

    const Runtime runtime(with_threads(1));
    ModelOptions tight;
    tight.memory_budget = needs.model_bytes + needs.session_bytes + needs.kv_bytes_per_page;
    CHECK(runtime.inspect(file.path, tight).requirements.max_context_tokens == needs.kv_tokens_per_page);
    const Model model = runtime.open(file.path, tight);
    Session session = model.session();
    session.append(std::vector<Token>(needs.kv_tokens_per_page, 270));
    CHECK(session.eval());
    const auto second = model.try_session();
    REQUIRE_FALSE(second);
    CHECK(second.error().status() == Status::out_of_memory);

    const Model roomy = runtime.open(file.path);
    SessionOptions small;
    small.memory_budget = needs.session_bytes / 2;
    const auto no_session = roomy.try_session(small);
    REQUIRE_FALSE(no_session);
    CHECK(no_session.error().status() == Status::out_of_memory);
    small.memory_budget = needs.session_bytes + needs.kv_bytes_per_page;
    small.context = model.info().context_tokens;  // the scratch of a default session
    Session paged = roomy.session(small);
    const auto no_page = paged.try_append(std::vector<Token>(needs.kv_tokens_per_page + 1, 270));
    REQUIRE_FALSE(no_page);
    CHECK(no_page.error().status() == Status::out_of_memory);
    CHECK(paged.length() == 0);
}

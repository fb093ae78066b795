// Short ways to a runtime, a model and its tokens, for tests that look inside.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/generator.h"
#include "engine/model.h"
#include "engine/runtime.h"
#include "engine/session.h"

namespace hadal::test {

/// The value, or a failed test with the error's sentence.
template <class T>
T need(core::Result<T> result) {
    if (!result) FAIL(result.error().message);
    return *std::move(result);
}
inline void need(const core::Result<void> &result) {
    if (!result) FAIL(result.error().message);
}

inline std::shared_ptr<core::Runtime> make_runtime(uint32_t n_threads = 1) {
    core::RuntimeOptions options;
    options.n_threads = n_threads;
    return need(core::Runtime::create(options));
}

inline std::shared_ptr<const core::Model> open_model(const std::string &path, const std::string &backend,
                                                     uint32_t n_threads = 1, uint32_t kv_dtype = HADAL_DTYPE_F32) {
    core::ModelOptions options;
    options.backend = backend;
    options.kv_dtype = kv_dtype;
    return need(core::Model::open(make_runtime(n_threads), path, options));
}

/// Greedy tokens after a prompt, end tokens ignored.
inline std::vector<core::Token> greedy(const std::shared_ptr<const core::Model> &model,
                                       const std::vector<core::Token> &prompt, size_t n_tokens, uint32_t chunk = 0) {
    core::SessionOptions session_options;
    session_options.chunk = chunk;
    const auto session = need(core::Session::create(model, session_options));
    need(session->append(prompt));
    core::GenerateOptions options;
    options.max_tokens = n_tokens;
    options.ignore_eos = true;
    const auto generator = need(core::Generator::create(*session, options));
    std::vector<core::Token> tokens;
    while (true) {
        const auto event = need(generator->next());
        if (!event || event->stop != core::StopReason::none) return tokens;
        tokens.push_back(event->token);
    }
}

/// Logits of every token, [tokens.size(), n_vocab].
inline std::vector<float> all_logits(const std::shared_ptr<const core::Model> &model,
                                     const std::vector<core::Token> &tokens, uint32_t chunk = 0) {
    core::SessionOptions session_options;
    session_options.chunk = chunk;
    const auto session = need(core::Session::create(model, session_options));
    need(session->append(tokens));
    need(session->eval({.logits = core::LogitsOf::all, .chunk = 0, .watch = {}}));
    const auto logits = need(session->logits(0, tokens.size()));
    return {logits.begin(), logits.end()};
}

/// The largest difference, as a share of the largest absolute value of expected.
inline double relative_difference(std::span<const float> found, std::span<const float> expected) {
    REQUIRE(found.size() == expected.size());
    double largest = 0, difference = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        largest = std::max(largest, std::abs(double{expected[i]}));
        difference = std::max(difference, std::abs(double{found[i]} - expected[i]));
    }
    REQUIRE(largest > 0);
    return difference / largest;
}

}  // namespace hadal::test

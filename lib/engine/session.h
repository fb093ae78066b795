// A session: one timeline that its owner edits and computes. The pieces below it - pages, timeline, runner - take rows
// of several timelines in one run; a session is a batch of one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/watch.h"
#include "engine/kv_cache.h"
#include "engine/model.h"
#include "engine/runner.h"
#include "engine/timeline.h"

namespace hadal::core {

struct SessionOptions {
    uint64_t context = 0;  ///< tokens; 0: the trained length, or what the budget allows
    uint32_t chunk = 0;    ///< rows per run; 0: chosen
    bool extend = false;   ///< context may exceed the trained length
    uint64_t memory_budget = 0;
};

enum class LogitsOf { last, none, all };

struct EvalOptions {
    LogitsOf logits = LogitsOf::last;
    uint32_t chunk = 0;  ///< 0: the session's; not above it
    Watch watch;         ///< tokens computed
};

/// Not thread-safe; const calls may run concurrently. A failed call leaves tokens and computed length as they were, but
/// for eval, which keeps completed runs.
class Session {
public:
    static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, const SessionOptions &options);

    /// Returns the number of leading tokens that need no computation.
    Result<size_t> sync(std::span<const Token> tokens);
    Result<void> append(std::span<const Token> tokens);
    Result<void> truncate(size_t n_tokens);

    std::span<const Token> tokens() const { return timeline_.tokens(); }
    size_t computed() const { return timeline_.computed(); }
    size_t context() const { return timeline_.context(); }

    /// Computes what is not computed yet. Returns false where there was nothing to do.
    Result<bool> eval(const EvalOptions &options);
    /// n rows of logits [n, n_vocab] of the tokens at first and after, from the last eval; valid until the next
    /// non-const call. Fails: not_found.
    Result<std::span<const float>> logits(size_t first, size_t n) const;

    /// For who draws the next token: logits of the last token, recomputing it only if its logits were not kept.
    Result<std::span<const float>> next_logits(const Watch &watch);
    /// Room for n more tokens. Fails: context_full, out_of_memory.
    Result<void> reserve(size_t n_tokens);

    const std::shared_ptr<const Model> &model() const { return model_; }
    uint64_t copied_bytes() const { return runner_->copied_bytes(); }

private:
    Session(std::shared_ptr<const Model> model, std::shared_ptr<MemoryBudget> budget, const Limits &limits,
            std::shared_ptr<KvCache> cache, std::unique_ptr<Runner> runner, size_t context);
    Result<void> check_tokens(std::span<const Token> tokens) const;
    Result<void> eval_all(const EvalOptions &options, uint32_t chunk);
    std::span<float> logits_rows(size_t first, size_t n) const;
    void keep_logits(size_t first, size_t n);
    void drop_logits_from(size_t n_tokens);

    std::shared_ptr<const Model> model_;
    std::shared_ptr<MemoryBudget> budget_;
    Limits limits_;
    std::shared_ptr<KvCache> cache_;
    std::unique_ptr<Runner> runner_;
    Timeline timeline_;
    Reservation reservation_;         ///< scratch and a few rows of logits
    Reservation logits_reservation_;  ///< more rows, once they were asked for
    Block logits_;                    ///< [n_logits_, n_vocab] f32
    size_t first_logits_ = 0;         ///< token index of row 0
    size_t n_logits_ = 0;
};

}  // namespace hadal::core

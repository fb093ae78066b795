// Runs rows of one or many timelines through a model: one runner per thread of work.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/cancel.h"
#include "base/memory.h"
#include "base/result.h"
#include "engine/kv_cache.h"
#include "engine/run_block.h"
#include "plan/instance.h"

namespace hadal::core {

/// Exclusive: one thread at a time. executable must outlive it.
class Runner {
public:
    static Result<std::unique_ptr<Runner>> create(const Executable &executable, std::shared_ptr<KvCache> cache,
                                                  const Limits &limits, const Allocator &allocator);

    /// One run of all requests, whose timelines live in this runner's cache. logits: [sum of n_out, n_vocab], in the
    /// order of the requests. On success every timeline's rows are committed; on failure none are, and logits are as
    /// before. Fails: cancelled, device_lost, internal.
    Result<void> run(std::span<const RowRequest> requests, const StopFlag *stop, std::span<float> logits);

    uint64_t copied_bytes() const { return instance_->copied_bytes(); }

private:
    Runner(std::shared_ptr<KvCache> cache, std::unique_ptr<Instance> instance)
        : cache_(std::move(cache)), instance_(std::move(instance)) {}

    std::shared_ptr<KvCache> cache_;
    std::unique_ptr<Instance> instance_;  ///< bound to the cache's pages
    RunBlock block_;
};

}  // namespace hadal::core

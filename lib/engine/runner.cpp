#include "engine/runner.h"

namespace hadal::core {

Result<std::unique_ptr<Runner>> Runner::create(const Executable &executable, std::shared_ptr<KvCache> cache,
                                               const Limits &limits, const Allocator &allocator) {
    HADAL_TRY(auto instance, Instance::create(executable, cache->states(), limits, allocator));
    return std::unique_ptr<Runner>(new Runner(std::move(cache), std::move(instance)));
}

Result<void> Runner::run(std::span<const RowRequest> requests, const StopFlag *stop, std::span<float> logits) {
    block_.pack(requests, cache_->page_size());
    HADAL_CHECK(instance_->run(block_.data(), stop, logits));
    for (const RowRequest &request : requests) request.timeline->commit(request.n_rows);
    return {};
}

}  // namespace hadal::core

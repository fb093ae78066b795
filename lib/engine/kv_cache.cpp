#include "engine/kv_cache.h"

#include <optional>

#include "base/checked.h"

namespace hadal::core {

Result<std::shared_ptr<KvCache>> KvCache::create(const Executable &executable, uint32_t n_pages,
                                                 std::shared_ptr<MemoryBudget> budget, PageCommit commit) {
    std::shared_ptr<KvCache> cache(new KvCache(std::move(budget)));
    cache->page_size_ = executable.program().page_size;
    cache->page_bytes_ = page_bytes(executable.program());
    if (commit == PageCommit::at_once) HADAL_CHECK(cache->reserve_pages(n_pages));
    HADAL_TRY(cache->states_, StatePages::create(executable, n_pages));
    cache->free_.reserve(n_pages);
    for (uint32_t page = n_pages; page > 0; --page) cache->free_.push_back(page - 1);
    return cache;
}

KvCache::~KvCache() {
    budget_->release(n_reserved_ * page_bytes_);
}

Result<void> KvCache::reserve_pages(uint32_t n) {
    const std::optional<uint64_t> bytes = checked_mul(n, page_bytes_);
    if (!bytes)
        return error(Status::out_of_memory, n, " pages of the cache of ", page_bytes_, " bytes are beyond 64 bits");
    HADAL_CHECK(budget_->reserve(*bytes, "the cache"));
    n_reserved_ += n;
    return {};
}

Result<uint32_t> KvCache::take_page() {
    if (free_.empty()) {
        return error(Status::out_of_memory, "all ", states_->n_pages(), " pages of the cache are in use");
    }
    // Pages are taken from the lowest up, and one given back is the next to be taken: in use are the first ever used.
    const uint32_t n_in_use = states_->n_pages() - static_cast<uint32_t>(free_.size());
    if (n_in_use == n_reserved_) HADAL_CHECK(reserve_pages(1));
    const uint32_t page = free_.back();
    free_.pop_back();
    return page;
}

void KvCache::give_back(uint32_t page) {
    free_.push_back(page);
}

}  // namespace hadal::core

#include "engine/kv_cache.h"

namespace hadal::core {

Result<std::shared_ptr<KvCache>> KvCache::create(const Executable &executable, uint32_t n_pages,
                                                 std::shared_ptr<MemoryBudget> budget) {
    std::shared_ptr<KvCache> cache(new KvCache);
    HADAL_TRY(cache->states_, StatePages::create(executable, n_pages));
    cache->page_size_ = executable.program().page_size;
    cache->page_bytes_ = page_bytes(executable.program());
    cache->budget_ = std::move(budget);
    cache->free_.reserve(n_pages);
    for (uint32_t page = n_pages; page > 0; --page) cache->free_.push_back(page - 1);
    return cache;
}

Result<uint32_t> KvCache::take_page() {
    if (free_.empty()) {
        return error(Status::out_of_memory, "all ", states_->n_pages(), " pages of the cache are in use");
    }
    HADAL_CHECK(budget_->reserve(page_bytes_, "a page of the cache"));
    const uint32_t page = free_.back();
    free_.pop_back();
    return page;
}

void KvCache::give_back(uint32_t page) {
    budget_->release(page_bytes_);
    free_.push_back(page);
}

}  // namespace hadal::core

// The cache of keys and values: pages of 64 positions, the same page id in every layer, handed out one by one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "plan/instance.h"

namespace hadal::core {

/// When the memory of pages is taken.
enum class PageCommit { on_use, at_once };

/// Not thread-safe. executable must outlive it.
class KvCache {
public:
    /// n_pages: most pages ever in use at once. A page counts in budget from its first use, or from the beginning,
    /// until the cache dies: memory that was touched does not go back to the system before.
    static Result<std::shared_ptr<KvCache>> create(const Executable &executable, uint32_t n_pages,
                                                   std::shared_ptr<MemoryBudget> budget, PageCommit commit);
    ~KvCache();

    /// A page nobody uses, contents undefined. Fails: out_of_memory (the budget, or all n_pages are in use).
    Result<uint32_t> take_page();
    void give_back(uint32_t page);

    uint32_t page_size() const { return page_size_; }
    const StatePages &states() const { return *states_; }

private:
    explicit KvCache(std::shared_ptr<MemoryBudget> budget) : budget_(std::move(budget)) {}
    Result<void> reserve_pages(uint32_t n);

    std::unique_ptr<StatePages> states_;
    uint32_t page_size_ = 0;      ///< positions
    uint64_t page_bytes_ = 0;     ///< of all states together
    std::vector<uint32_t> free_;  ///< last one next; capacity for all pages, so that give_back cannot fail
    std::shared_ptr<MemoryBudget> budget_;
    uint32_t n_reserved_ = 0;  ///< pages counted in the budget
};

}  // namespace hadal::core

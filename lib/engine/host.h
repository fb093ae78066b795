// What backends see of a runtime: the functions of hadal_bk_host. The boundary to plug-ins: no exception crosses it.
#pragma once

#include <memory>

#include "base/log.h"
#include "base/memory.h"
#include "base/team.h"
#include "hadal/backend.h"

namespace hadal::core {

/// Devices keep it alive. Its parts may be used by any thread.
class Host {
public:
    Host(uint32_t n_threads, uint64_t memory_budget, const Allocator &allocator, LogSink sink, LogLevel level);
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;

    const hadal_bk_host &c() const { return c_; }
    const std::shared_ptr<MemoryBudget> &budget() const { return budget_; }
    const Allocator &allocator() const { return allocator_; }
    Team &team() { return team_; }
    Log &log() { return log_; }

private:
    Allocator allocator_;
    std::shared_ptr<MemoryBudget> budget_;
    Team team_;
    Log log_;
    hadal_bk_host c_{};
};

}  // namespace hadal::core

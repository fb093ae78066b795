// The one object meant to be touched while another call runs: a flag that says stop.
#pragma once

#include <atomic>
#include <cstdint>

namespace hadal::core {

/// Once triggered it stays so. Both calls may come from any thread; trigger also from a signal handler.
class StopFlag {
public:
    void trigger() const noexcept { stopped_.store(1, std::memory_order_relaxed); }
    bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed) != 0; }

private:
    static_assert(std::atomic<int32_t>::is_always_lock_free, "a signal handler may not take a lock");
    mutable std::atomic<int32_t> stopped_{0};
};

}  // namespace hadal::core

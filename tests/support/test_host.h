// A library for backends under test: counts and guards every block, can refuse one, runs real threads, can say stop.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "hadal/backend.h"

namespace hadal::test {

class TestHost {
public:
    explicit TestHost(uint32_t n_workers = 1) : n_workers_(n_workers) {
        host_.struct_size = sizeof host_;
        host_.major = HADAL_BK_MAJOR;
        host_.minor = HADAL_BK_MINOR;
        host_.context = this;
        host_.allocate = allocate;
        host_.deallocate = deallocate;
        host_.log = [](void *, int32_t, const char *) {};
        host_.team_size = [](void *self) { return static_cast<TestHost *>(self)->n_workers_; };
        host_.team_run = team_run;
        host_.stopped = stopped;
    }
    TestHost(const TestHost &) = delete;
    TestHost &operator=(const TestHost &) = delete;

    const hadal_bk_host &c() const { return host_; }

    size_t n_allocations = 0;     ///< calls so far
    size_t live_blocks = 0;       ///< not given back
    size_t live_bytes = 0;        ///< as asked for
    size_t n_damaged = 0;         ///< blocks written outside of, seen when they were given back
    size_t refuse_at = SIZE_MAX;  ///< index of the allocation that gets nothing

    /// A stop flag that is set from the poll with this index on.
    const hadal_bk_stop *stop_at_poll(size_t poll) {
        n_polls_ = 0;
        stop_at_ = poll;
        return reinterpret_cast<const hadal_bk_stop *>(this);
    }

private:
    static constexpr size_t kGuardBytes = 128;  ///< before and after each block
    static constexpr int kGuard = 0xA5;
    static constexpr int kFresh = 0xFF;  ///< NaN as f32: reading what was never written shows

    static void *allocate(void *context, size_t bytes, size_t alignment) {
        auto &self = *static_cast<TestHost *>(context);
        const std::lock_guard lock(self.mutex_);
        if (self.n_allocations++ == self.refuse_at || alignment > kGuardBytes) return nullptr;
        const size_t all = (bytes + 3 * kGuardBytes) / kGuardBytes * kGuardBytes;
        auto *block = static_cast<std::byte *>(std::aligned_alloc(kGuardBytes, all));
        std::memset(block, kGuard, all);
        std::memset(block + kGuardBytes, kFresh, bytes);
        ++self.live_blocks;
        self.live_bytes += bytes;
        return block + kGuardBytes;
    }

    static void deallocate(void *context, void *data, size_t bytes) {
        auto &self = *static_cast<TestHost *>(context);
        const std::lock_guard lock(self.mutex_);
        auto *block = static_cast<std::byte *>(data) - kGuardBytes;
        bool intact = true;
        for (size_t i = 0; i < kGuardBytes; ++i)
            intact = intact && block[i] == std::byte{kGuard} && block[kGuardBytes + bytes + i] == std::byte{kGuard};
        if (!intact) ++self.n_damaged;
        --self.live_blocks;
        self.live_bytes -= bytes;
        std::free(block);
    }

    static hadal_status team_run(void *context, void (*function)(void *, const hadal_bk_worker *), void *argument) {
        const uint32_t count = static_cast<TestHost *>(context)->n_workers_;
        std::barrier<> barrier(count);
        const auto work = [&](uint32_t index) {
            const hadal_bk_worker worker{
                index, count, [](void *team) { static_cast<std::barrier<> *>(team)->arrive_and_wait(); }, &barrier};
            function(argument, &worker);
        };
        std::vector<std::thread> others;
        for (uint32_t i = 1; i < count; ++i) others.emplace_back(work, i);
        work(0);
        for (std::thread &other : others) other.join();
        return HADAL_OK;
    }

    static int32_t stopped(void *context, const hadal_bk_stop *stop) {
        auto &self = *static_cast<TestHost *>(context);
        return stop != nullptr && self.n_polls_++ >= self.stop_at_;
    }

    hadal_bk_host host_{};
    uint32_t n_workers_;
    std::mutex mutex_;
    std::atomic<size_t> n_polls_ = 0;
    size_t stop_at_ = SIZE_MAX;
};

}  // namespace hadal::test

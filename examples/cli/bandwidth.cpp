#include "bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace command {
namespace {

constexpr size_t kLeastBytes = size_t{256} << 20;
constexpr int kPasses = 5;

/// Several times the last-level cache, but no more than a quarter of the machine's memory.
size_t buffer_bytes() {
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    const long pages = sysconf(_SC_PHYS_PAGES);
    const size_t memory = pages > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(sysconf(_SC_PAGESIZE)) : 0;
    const size_t wanted = std::max(kLeastBytes, cache > 0 ? 4 * static_cast<size_t>(cache) : 0);
    return memory > 0 ? std::min(wanted, memory / 4) : wanted;
}

/// Eight independent sums, so that no addition waits for another.
uint64_t sum(const uint64_t *words, size_t n) {
    std::array<uint64_t, 8> sums = {};
    for (size_t i = 0; i + 8 <= n; i += 8) {
        for (size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
    }
    uint64_t total = 0;
    for (const uint64_t part : sums) total += part;
    return total;
}

}  // namespace

double measure_read_bandwidth(uint32_t n_threads) {
    const size_t n_workers = n_threads != 0 ? n_threads : std::max(1u, std::thread::hardware_concurrency());
    const size_t words_each = buffer_bytes() / sizeof(uint64_t) / n_workers / 8 * 8;
    const std::unique_ptr<uint64_t[]> words(new uint64_t[words_each * n_workers]);
    std::atomic<uint64_t> sink{0};  // keeps the sums from being optimised away

    const auto together = [&](auto work) {
        std::vector<std::future<void>> workers;  // whose destructors wait, also when one more cannot be started
        for (size_t i = 0; i < n_workers; ++i) {
            workers.push_back(std::async(std::launch::async, work, words.get() + i * words_each));
        }
        for (std::future<void> &worker : workers) worker.get();
    };
    together([&](uint64_t *slice) { std::fill_n(slice, words_each, uint64_t{1}); });
    double best_seconds = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
        const auto begin = std::chrono::steady_clock::now();
        together([&](const uint64_t *slice) { sink += sum(slice, words_each); });
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        if (pass == 0 || seconds < best_seconds) best_seconds = seconds;
    }
    return static_cast<double>(words_each * n_workers * sizeof(uint64_t)) / best_seconds;
}

}  // namespace command

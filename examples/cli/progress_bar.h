// A bar on standard error for work that takes longer than a moment.
#pragma once

#include <chrono>
#include <cstdint>
#include <hadal/hadal.hpp>
#include <string>

namespace command {

/// Draws only if standard error is a terminal and half a second has passed; wiped away when it dies.
class ProgressBar {
public:
    explicit ProgressBar(std::string label);
    ~ProgressBar();
    ProgressBar(const ProgressBar &) = delete;
    ProgressBar &operator=(const ProgressBar &) = delete;

    void update(uint64_t done, uint64_t total);
    /// For the library's long calls; uses the bar.
    hadal::Progress progress();
    void wipe();

private:
    using Clock = std::chrono::steady_clock;
    std::string label_;
    bool on_terminal_;
    bool drawn_ = false;
    Clock::time_point next_draw_;
};

}  // namespace command

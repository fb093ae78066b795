#include "progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace command {
namespace {

constexpr std::chrono::milliseconds kPatience(500);
constexpr std::chrono::milliseconds kBetweenDraws(50);
constexpr int kWidth = 40;

}  // namespace

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), on_terminal_(isatty(STDERR_FILENO) == 1), next_draw_(Clock::now() + kPatience) {}

ProgressBar::~ProgressBar() {
    wipe();
}

void ProgressBar::update(uint64_t done, uint64_t total) {
    if (!on_terminal_ || total == 0 || Clock::now() < next_draw_) return;
    next_draw_ = Clock::now() + kBetweenDraws;
    drawn_ = true;
    const double part = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
    const int filled = static_cast<int>(part * kWidth);
    const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
    std::fprintf(stderr, "\r%s [%s] %3d %%", label_.c_str(), bar.c_str(), static_cast<int>(part * 100));
}

hadal::Progress ProgressBar::progress() {
    return [this](uint64_t done, uint64_t total) {
        update(done, total);
        return true;
    };
}

void ProgressBar::wipe() {
    if (drawn_) std::fprintf(stderr, "\r\033[K");
    drawn_ = false;
}

}  // namespace command

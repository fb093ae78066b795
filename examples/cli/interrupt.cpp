#include "interrupt.h"

#include <atomic>
#include <csignal>

namespace command {
namespace {

std::atomic<const hadal_cancel *> to_trigger{nullptr};
static_assert(std::atomic<const hadal_cancel *>::is_always_lock_free, "a signal handler may not take a lock");

extern "C" void trigger(int) {
    hadal_cancel_trigger(to_trigger.load());
}

}  // namespace

Interrupt::Interrupt() {
    to_trigger.store(cancel_.get());
    struct sigaction action = {};
    action.sa_handler = trigger;
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);  // a second Ctrl-C ends the process
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
}

Interrupt::~Interrupt() {
    std::signal(SIGINT, SIG_DFL);
    to_trigger.store(nullptr);
}

}  // namespace command

// What a team needs of the machine: a thread, how many of them make sense, and a pause between two looks.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace hadal::core {

/// A started thread; joined when this dies. Signals of the process are delivered to the application's threads, not
/// here.
class Thread {
public:
    /// Fails: out_of_memory (the system starts no more threads).
    static Result<Thread> start(void (*function)(void *argument), void *argument);
    Thread(Thread &&) noexcept;
    Thread &operator=(Thread &&) noexcept;
    ~Thread();

private:
    struct State;
    explicit Thread(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// Physical cores this process may run on; at least 1.
uint32_t count_physical_cores();

/// Hardware threads this process may run on; at least 1.
uint32_t count_hardware_threads();

/// Tells the core that it spins, so that its sibling gets the units.
inline void spin_pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace hadal::core

// POSIX threads. Not std::thread: its constructor throws where the system refuses.
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/platform/threads.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace hadal::core {

struct Thread::State {
    void (*function)(void *);
    void *argument;
    pthread_t id{};
    bool started = false;

    ~State() {
        if (started) pthread_join(id, nullptr);
    }

    static void *enter(void *state) {
        auto *self = static_cast<State *>(state);
        self->function(self->argument);
        return nullptr;
    }
};

Thread::Thread(std::unique_ptr<State> state) : state_(std::move(state)) {}
Thread::Thread(Thread &&) noexcept = default;
Thread &Thread::operator=(Thread &&) noexcept = default;
Thread::~Thread() = default;

Result<Thread> Thread::start(void (*function)(void *argument), void *argument) {
    auto state = std::make_unique<State>(State{function, argument});
    // A new thread inherits the mask. Faults stay unblocked: they belong to the thread that made them.
    sigset_t all, before;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGPROF}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&state->id, nullptr, State::enter, state.get());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (code != 0) {
        Error failure = error(Status::out_of_memory, "cannot start a thread: ", std::generic_category().message(code));
        failure.detail = code;
        return failure;
    }
    state->started = true;
    return Thread(std::move(state));
}

namespace {

#if defined(__linux__)

/// The numbers of the CPUs this process may use; empty: unknown.
std::vector<int> allowed_cpus() {
    constexpr int kMostCpus = 1 << 16;  // far above what any kernel is built for
    for (int capacity = 1024; capacity <= kMostCpus; capacity *= 2) {
        std::vector<cpu_set_t> set(CPU_ALLOC_SIZE(capacity) / sizeof(cpu_set_t));
        const size_t bytes = set.size() * sizeof(cpu_set_t);
        if (sched_getaffinity(0, bytes, set.data()) != 0) continue;  // the kernel's mask is longer
        std::vector<int> cpus;
        for (int cpu = 0; cpu < capacity; ++cpu) {
            if (CPU_ISSET_S(cpu, bytes, set.data())) cpus.push_back(cpu);
        }
        return cpus;
    }
    return {};
}

/// Hardware threads of one core name the same siblings; empty where the system does not say.
std::string siblings(int cpu) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string line;
    std::getline(file, line);
    return line;
}

#endif

uint32_t count_cpus_of_the_machine() {
    return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

uint32_t count_hardware_threads() {
#if defined(__linux__)
    if (const size_t n = allowed_cpus().size(); n > 0) return static_cast<uint32_t>(n);
#endif
    return count_cpus_of_the_machine();
}

uint32_t count_physical_cores() {
#if defined(__linux__)
    std::set<std::string> cores;
    for (const int cpu : allowed_cpus()) {
        std::string name = siblings(cpu);
        cores.insert(name.empty() ? "cpu " + std::to_string(cpu) : std::move(name));
    }
    if (!cores.empty()) return static_cast<uint32_t>(cores.size());
#endif
    return count_cpus_of_the_machine();
}

}  // namespace hadal::core

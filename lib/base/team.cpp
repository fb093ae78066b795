// Workers meet at two counters: one that says there is a new function to run, one per barrier. Whoever waits spins for
// about as long as falling asleep and being woken costs, then sleeps: never much worse than the better of the two.
#include "base/team.h"

#include <atomic>
#include <mutex>
#include <vector>

#include "base/platform/threads.h"

namespace hadal::core {
namespace {

// A pause takes 10 to 140 cycles, so this is 5 to 70 us at 4 GHz; a futex sleep and wake take about 10 to 50 us.
constexpr uint32_t kSpins = 2000;

/// One to a cache line, so that those who spin on one do not disturb another.
struct alignas(64) Counter {
    std::atomic<uint32_t> value{0};

    void wait_while(uint32_t old, uint32_t n_spins) {
        for (uint32_t i = 0; i < n_spins; ++i) {
            if (value.load(std::memory_order_acquire) != old) return;
            spin_pause();
        }
        while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
    }

    void wait_until(uint32_t wanted, uint32_t n_spins) {
        for (uint32_t now = value.load(std::memory_order_acquire); now != wanted;
             now = value.load(std::memory_order_acquire)) {
            wait_while(now, n_spins);
        }
    }

    // Sequentially consistent: libstdc++ wakes nobody if its count of sleepers reads 0, and after a weaker store that
    // read may come before the value is seen. Who falls asleep in between would sleep for ever.
    void announce(uint32_t next) {
        value.store(next, std::memory_order_seq_cst);
        value.notify_all();
    }

    /// Takes one away, and wakes who waits if none is left.
    void count_down() {
        if (value.fetch_sub(1, std::memory_order_seq_cst) == 1) value.notify_all();
    }
};

}  // namespace

struct Team::State {
    uint32_t n_workers;
    uint32_t n_spins;

    std::mutex running;  ///< guards what follows, up to the counters
    struct Member {
        State *team;
        uint32_t index;
        uint32_t seen;  ///< value of round when the thread was started
    };
    std::vector<std::unique_ptr<Member>> members;
    std::vector<Thread> threads;  ///< of workers 1, 2, ...

    void (*function)(void *, const Worker &) = nullptr;  ///< null tells the threads to end
    void *argument = nullptr;

    Counter round;    ///< grows when a function is to be run
    Counter n_busy;   ///< threads that have not finished it
    Counter arrived;  ///< at the barrier
    Counter passed;   ///< barriers, all told

    Result<void> start_threads();
    Worker worker(uint32_t index) { return {index, n_workers, barrier, this}; }
    static void barrier(void *team);
    static void serve(void *member);
};

Result<void> Team::State::start_threads() {
    while (threads.size() + 1 < n_workers) {
        const auto index = static_cast<uint32_t>(threads.size() + 1);
        auto member = std::make_unique<Member>(Member{this, index, round.value.load(std::memory_order_relaxed)});
        members.reserve(n_workers);
        threads.reserve(n_workers);
        HADAL_TRY(auto thread, Thread::start(serve, member.get()));
        members.push_back(std::move(member));
        threads.push_back(std::move(thread));
    }
    return {};
}

void Team::State::barrier(void *team) {
    auto &self = *static_cast<State *>(team);
    const uint32_t passed = self.passed.value.load(std::memory_order_relaxed);
    if (self.arrived.value.fetch_add(1, std::memory_order_acq_rel) + 1 < self.n_workers) {
        self.passed.wait_while(passed, self.n_spins);
        return;
    }
    self.arrived.value.store(0, std::memory_order_relaxed);
    self.passed.announce(passed + 1);
}

void Team::State::serve(void *member) {
    const auto &[team, index, first_seen] = *static_cast<Member *>(member);
    for (uint32_t seen = first_seen;; ++seen) {
        team->round.wait_while(seen, team->n_spins);
        if (team->function == nullptr) return;
        team->function(team->argument, team->worker(index));
        team->n_busy.count_down();
    }
}

Team::Team(uint32_t n_workers) : state_(std::make_unique<State>()) {
    state_->n_workers = n_workers == 0 ? count_physical_cores() : n_workers;
    // With fewer CPUs than workers, spinning only keeps the one we wait for from running.
    state_->n_spins = state_->n_workers <= count_hardware_threads() ? kSpins : 0;
}

Team::~Team() {
    state_->function = nullptr;
    state_->round.announce(state_->round.value.load(std::memory_order_relaxed) + 1);
    state_->threads.clear();
}

uint32_t Team::size() const {
    return state_->n_workers;
}

Result<void> Team::run(void (*function)(void *argument, const Worker &worker), void *argument) {
    State &team = *state_;
    const std::lock_guard turn(team.running);
    HADAL_CHECK(team.start_threads());
    team.function = function;
    team.argument = argument;
    team.n_busy.value.store(team.n_workers - 1, std::memory_order_relaxed);
    team.round.announce(team.round.value.load(std::memory_order_relaxed) + 1);
    function(argument, team.worker(0));
    team.n_busy.wait_until(0, team.n_spins);
    return {};
}

}  // namespace hadal::core

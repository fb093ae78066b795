#include "base/team.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/platform/threads.h"

using namespace hadal::core;

namespace {

struct Sum {
    std::vector<int64_t> shares;  ///< plain, so that a missing barrier is a data race
    std::vector<int64_t> totals;
    int n_rounds;
};

/// Each round every worker adds to its own share, meets the others, and reads all shares.
void add_up(void *argument, const Worker &worker) {
    auto &sum = *static_cast<Sum *>(argument);
    for (int round = 0; round < sum.n_rounds; ++round) {
        sum.shares[worker.index] += worker.index + 1;
        worker.barrier(worker.team);
        int64_t total = 0;
        for (const int64_t share : sum.shares) total += share;
        sum.totals[worker.index] = total;
        worker.barrier(worker.team);
    }
}

}  // namespace

TEST_CASE("all workers run together and see each other's writes across a barrier") {
    for (const uint32_t n : {1u, 2u, 3u, 7u}) {
        CAPTURE(n);
        Team team(n);
        REQUIRE(team.size() == n);
        Sum sum{std::vector<int64_t>(n), std::vector<int64_t>(n), 200};
        for (int run = 0; run < 20; ++run) REQUIRE(team.run(add_up, &sum));
        for (const int64_t total : sum.totals) CHECK(total == int64_t{20 * 200} * n * (n + 1) / 2);
    }
}

TEST_CASE("workers wake up again after they fell asleep") {
    Team team(3);
    Sum sum{std::vector<int64_t>(3), std::vector<int64_t>(3), 1};
    for (int run = 0; run < 5; ++run) {
        REQUIRE(team.run(add_up, &sum));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(sum.totals[2] == 5 * 6);
}

// Each arrives late in turn, by about as long as the other spins: who falls asleep just then must be woken. Of ten runs
// with a weaker store in Counter::announce three did not end.
TEST_CASE("nobody sleeps through a barrier that opens while they fall asleep") {
    Team team(2);
    std::atomic<int> n_ended{0};
    const auto in_turn = [](void *argument, const Worker &worker) {
        std::minstd_rand random(worker.index + 1);
        for (uint32_t i = 0; i < 40000; ++i) {
            const bool is_late = (i + worker.index) % 2 != 0;
            for (uint32_t n_pauses = is_late ? random() % 2500 : 0; n_pauses > 0; --n_pauses) spin_pause();
            worker.barrier(worker.team);
        }
        ++*static_cast<std::atomic<int> *>(argument);
    };
    REQUIRE(team.run(in_turn, &n_ended));
    CHECK(n_ended == 2);
}

TEST_CASE("runs from several threads take turns") {
    Team team(2);
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    struct Probe {
        std::atomic<int> *inside;
        std::atomic<int> *most;
    } probe{&inside, &most};
    std::vector<std::thread> callers;
    for (int t = 0; t < 3; ++t) {
        callers.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                const auto done = team.run(
                    [](void *argument, const Worker &worker) {
                        auto &p = *static_cast<Probe *>(argument);
                        if (worker.index == 0) *p.most = std::max(p.most->load(), ++*p.inside);
                        worker.barrier(worker.team);
                        if (worker.index == 0) --*p.inside;
                    },
                    &probe);
                if (!done) most = 1000;
            }
        });
    }
    for (auto &caller : callers) caller.join();
    CHECK(most == 1);
}

TEST_CASE("a team that was never run, and a team for the whole machine") {
    { Team idle(4); }
    Team machine(0);
    CHECK(machine.size() == count_physical_cores());
    CHECK(machine.size() >= 1);
    CHECK(count_hardware_threads() >= count_physical_cores());
}

TEST_CASE("a thread that cannot be started is an error, and the next run tries again") {
    pthread_attr_t before, absurd;
    REQUIRE(pthread_getattr_default_np(&before) == 0);
    REQUIRE(pthread_attr_init(&absurd) == 0);
    REQUIRE(pthread_attr_setstacksize(&absurd, size_t{1} << 50) == 0);  // more than there are addresses
    Team team(3);
    Sum sum{std::vector<int64_t>(3), std::vector<int64_t>(3), 1};

    REQUIRE(pthread_setattr_default_np(&absurd) == 0);
    const auto refused = team.run(add_up, &sum);
    REQUIRE(pthread_setattr_default_np(&before) == 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == Status::out_of_memory);
    CHECK(refused.error().detail != 0);
    CHECK(sum.shares[0] == 0);

    REQUIRE(team.run(add_up, &sum));
    CHECK(sum.totals[0] == 6);
    pthread_attr_destroy(&absurd);
    pthread_attr_destroy(&before);
}

TEST_CASE("a stop flag stays triggered") {
    const StopFlag flag;
    CHECK_FALSE(flag.stopped());
    std::thread([&] { flag.trigger(); }).join();
    CHECK(flag.stopped());
}

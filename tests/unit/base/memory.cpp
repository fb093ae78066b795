#include "base/memory.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/checked.h"

using namespace hadal::core;

TEST_CASE("a budget counts in every parent, or nowhere") {
    auto runtime = std::make_shared<MemoryBudget>("runtime", 100);
    auto model = std::make_shared<MemoryBudget>("model", 0, runtime);
    auto session = std::make_shared<MemoryBudget>("session", 80, model);
    CHECK(session->available() == 80);
    REQUIRE(model->reserve(40, "weights"));
    CHECK(session->available() == 60);

    const auto refused = session->reserve(61, "the cache");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == Status::out_of_memory);
    CHECK(refused.error().message ==
          "the cache needs 61 bytes, but of the runtime budget of 100 bytes only 60 are left");
    CHECK(session->used() == 0);
    CHECK(model->used() == 40);
    CHECK(runtime->used() == 40);

    REQUIRE(session->reserve(60, "the cache"));
    CHECK(session->available() == 0);
    session->release(60);
    model->release(40);
    CHECK(runtime->used() == 0);
}

TEST_CASE("a budget without a cap still refuses a sum that wraps") {
    MemoryBudget budget("runtime", 0);
    CHECK(budget.available() == UINT64_MAX);
    REQUIRE(budget.reserve(UINT64_MAX - 1, "a"));
    CHECK_FALSE(budget.reserve(2, "b"));
    CHECK(budget.used() == UINT64_MAX - 1);
}

TEST_CASE("threads never reserve more than the cap together") {
    auto parent = std::make_shared<MemoryBudget>("runtime", 1000);
    std::vector<std::thread> threads;
    std::atomic<bool> exceeded{false};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, budget = std::make_shared<MemoryBudget>("session", 0, parent)] {
            for (int i = 0; i < 2000; ++i) {
                if (!budget->reserve(300, "rows")) continue;
                if (parent->used() > 1000) exceeded = true;
                budget->release(300);
            }
        });
    }
    for (auto &thread : threads) thread.join();
    CHECK_FALSE(exceeded);
    CHECK(parent->used() == 0);
}

TEST_CASE("a reservation gives back what it holds, once") {
    auto budget = std::make_shared<MemoryBudget>("session", 100);
    {
        auto first = Reservation::make(budget, 60, "rows");
        REQUIRE(first);
        CHECK_FALSE(Reservation::make(budget, 60, "rows"));
        Reservation moved = std::move(*first);
        CHECK(moved.bytes() == 60);
        moved = Reservation();
        CHECK(budget->used() == 0);
        REQUIRE(Reservation::make(budget, 100, "rows"));
    }
    CHECK(budget->used() == 0);
}

TEST_CASE("a block of any size is aligned, writable and its own") {
    for (const size_t bytes : {size_t{1}, size_t{1000}, (size_t{1} << 20) - 1, size_t{1} << 20, size_t{5000001}}) {
        CAPTURE(bytes);
        auto block = Block::make(Allocator::system(), bytes, "test");
        REQUIRE(block);
        REQUIRE(block->size() == bytes);
        CHECK(reinterpret_cast<uintptr_t>(block->data()) % 64 == 0);
        std::memset(block->data(), 7, bytes);
        Block moved = std::move(*block);
        CHECK(block->data() == nullptr);
        CHECK(moved.bytes()[bytes - 1] == std::byte{7});
    }
    auto empty = Block::make(Allocator::system(), 0, "test");
    REQUIRE(empty);
    CHECK(empty->size() == 0);
}

TEST_CASE("the system's allocator honours alignments above a page") {
    const Allocator system = Allocator::system();
    for (const size_t bytes : {size_t{100}, size_t{3} << 20}) {
        void *data = system.allocate(system.user, bytes, 65536);
        REQUIRE(data != nullptr);
        CHECK(reinterpret_cast<uintptr_t>(data) % 65536 == 0);
        std::memset(data, 1, bytes);
        system.deallocate(system.user, data, bytes);
    }
}

TEST_CASE("a refused block says how much and what for; a misaligned one is the application's fault") {
    const auto huge = Block::make(Allocator::system(), SIZE_MAX - 100, "the cache");
    REQUIRE_FALSE(huge);
    CHECK(huge.error().status == Status::out_of_memory);
    CHECK(huge.error().message.find("the cache") != std::string::npos);
    CHECK(huge.error().message.find(std::to_string(SIZE_MAX - 100)) != std::string::npos);

    alignas(64) static std::byte storage[256];
    static int n_given_back = 0;
    const Allocator careless = {[](void *, size_t, size_t) -> void * { return storage + 8; },
                                [](void *, void *, size_t) { ++n_given_back; }, nullptr};
    const auto misaligned = Block::make(careless, 16, "the cache");
    REQUIRE_FALSE(misaligned);
    CHECK(misaligned.error().status == Status::callback);
    CHECK(n_given_back == 1);
}

TEST_CASE("checked arithmetic") {
    CHECK(checked_add(1, 2) == 3);
    CHECK_FALSE(checked_add(UINT64_MAX, 1));
    CHECK(checked_mul(1u << 20, 3) == 3u << 20);
    CHECK_FALSE(checked_mul(uint64_t{1} << 33, uint64_t{1} << 31));
    CHECK(checked_round_up(33, 32) == 64);
    CHECK(checked_round_up(64, 32) == 64);
    CHECK_FALSE(checked_round_up(UINT64_MAX, 32));
}

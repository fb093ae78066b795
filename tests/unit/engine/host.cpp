// The functions a plug-in is given: what they take from a careless one.
#include "engine/host.h"

#include <doctest/doctest.h>

#include <atomic>
#include <new>
#include <string>

using namespace hadal;

namespace {

struct Messages {
    std::string all;
    static void write(void *user, int32_t level, const char *message, size_t length) {
        static_cast<Messages *>(user)->all += std::to_string(level) + ":" + std::string(message, length) + ";";
    }
    core::LogSink sink() { return {write, this}; }
};

}  // namespace

TEST_CASE("a log message without text or with a strange level is kept within bounds") {
    Messages messages;
    core::Host host(1, 0, core::Allocator::system(), messages.sink(), core::LogLevel::debug);
    const hadal_bk_host &c = host.c();
    c.log(c.context, HADAL_LOG_INFO, nullptr);
    c.log(c.context, -7, "low");
    c.log(c.context, 99, "high");
    CHECK(messages.all == "3:;1:low;4:high;");
}

TEST_CASE("an application's log callback that throws does not reach the plug-in") {
    const auto throws = [](void *, int32_t, const char *, size_t) { throw std::bad_alloc(); };
    core::Host host(1, 0, core::Allocator::system(), {throws, nullptr}, core::LogLevel::debug);
    host.c().log(host.c().context, HADAL_LOG_ERROR, "unheard");
}

TEST_CASE("a team runs what it is given on every worker, and a stop flag may be absent") {
    core::Host host(3, 0, core::Allocator::system(), {}, core::LogLevel::error);
    const hadal_bk_host &c = host.c();
    CHECK(c.team_size(c.context) == 3);
    std::atomic<uint32_t> n_seen{0};
    const auto count = [](void *argument, const hadal_bk_worker *worker) {
        worker->barrier(worker->team);
        *static_cast<std::atomic<uint32_t> *>(argument) += 1 + worker->index;
    };
    CHECK(c.team_run(c.context, count, &n_seen) == HADAL_OK);
    CHECK(n_seen == 1 + 2 + 3);
    CHECK(c.stopped(c.context, nullptr) == 0);
}

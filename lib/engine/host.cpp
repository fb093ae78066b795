#include "engine/host.h"

#include <algorithm>

#include "base/cancel.h"

namespace hadal::core {

namespace {

Host &host(void *context) {
    return *static_cast<Host *>(context);
}

/// Does work come to its end? A plug-in may be compiled without unwinding: what throws ends here.
template <class Work>
bool contained(Work &&work) noexcept {
    try {
        work();
        return true;
    } catch (...) {
        return false;
    }
}

void *allocate(void *context, size_t bytes, size_t alignment) {
    const Allocator &allocator = host(context).allocator();
    void *block = nullptr;
    contained([&] { block = allocator.allocate(allocator.user, bytes, alignment); });
    return block;
}

void deallocate(void *context, void *block, size_t bytes) {
    const Allocator &allocator = host(context).allocator();
    allocator.deallocate(allocator.user, block, bytes);
}

void log(void *context, int32_t level, const char *message) {
    const int32_t known = std::clamp<int32_t>(level, HADAL_LOG_ERROR, HADAL_LOG_DEBUG);
    contained([&] { host(context).log().write(static_cast<LogLevel>(known), message ? message : ""); });
}

uint32_t team_size(void *context) {
    return host(context).team().size();
}

/// What a backend's function and its argument travel through the team as.
struct TeamCall {
    void (*function)(void *argument, const hadal_bk_worker *worker);
    void *argument;
};

void enter(void *entered, const Worker &worker) {
    const TeamCall &call = *static_cast<const TeamCall *>(entered);
    const hadal_bk_worker member{worker.index, worker.count, worker.barrier, worker.team};
    call.function(call.argument, &member);
}

hadal_status team_run(void *context, void (*function)(void *, const hadal_bk_worker *), void *argument) {
    TeamCall call{function, argument};
    hadal_status status = HADAL_OUT_OF_MEMORY;
    contained([&] {
        const Result<void> result = host(context).team().run(enter, &call);
        status = result ? HADAL_OK : static_cast<hadal_status>(result.error().status);
    });
    return status;
}

int32_t stopped(void *, const hadal_bk_stop *stop) {
    return stop != nullptr && reinterpret_cast<const StopFlag *>(stop)->stopped() ? 1 : 0;
}

}  // namespace

Host::Host(uint32_t n_threads, uint64_t memory_budget, const Allocator &allocator, LogSink sink, LogLevel level)
    : allocator_(allocator),
      budget_(std::make_shared<MemoryBudget>("runtime", memory_budget)),
      team_(n_threads),
      log_(sink, level) {
    c_ = {.struct_size = sizeof c_,
          .major = HADAL_BK_MAJOR,
          .minor = HADAL_BK_MINOR,
          .context = this,
          .allocate = core::allocate,
          .deallocate = core::deallocate,
          .log = core::log,
          .team_size = core::team_size,
          .team_run = core::team_run,
          .stopped = core::stopped};
}

}  // namespace hadal::core

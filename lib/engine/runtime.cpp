#include "engine/runtime.h"

#include "base/cancel.h"

namespace hadal::core {

struct HostServices {
    explicit HostServices(const RuntimeOptions &options)
        : allocator(options.allocator),
          budget(std::make_shared<MemoryBudget>("runtime", options.memory_budget)),
          team(options.n_threads),
          log(options.log, options.log_level) {}

    Allocator allocator;
    std::shared_ptr<MemoryBudget> budget;
    Team team;
    Log log;
    hadal_bk_host host{};
};

namespace {

HostServices &services(void *context) {
    return *static_cast<HostServices *>(context);
}

void *host_allocate(void *context, size_t bytes, size_t alignment) {
    const Allocator &allocator = services(context).allocator;
    return allocator.allocate(allocator.user, bytes, alignment);
}

void host_deallocate(void *context, void *block, size_t bytes) {
    const Allocator &allocator = services(context).allocator;
    allocator.deallocate(allocator.user, block, bytes);
}

void host_log(void *context, int32_t level, const char *message) {
    services(context).log.write(static_cast<LogLevel>(level), message);
}

uint32_t host_team_size(void *context) {
    return services(context).team.size();
}

/// What a backend's function and its argument travel through the team as.
struct TeamCall {
    void (*function)(void *argument, const hadal_bk_worker *worker);
    void *argument;
};

hadal_status host_team_run(void *context, void (*function)(void *, const hadal_bk_worker *), void *argument) {
    TeamCall call{function, argument};
    const auto enter = [](void *entered, const Worker &worker) {
        const TeamCall &entered_call = *static_cast<const TeamCall *>(entered);
        const hadal_bk_worker member{worker.index, worker.count, worker.barrier, worker.team};
        entered_call.function(entered_call.argument, &member);
    };
    const Result<void> result = services(context).team.run(enter, &call);
    return result ? HADAL_OK : static_cast<hadal_status>(result.error().status);
}

int32_t host_stopped(void *, const hadal_bk_stop *stop) {
    return stop != nullptr && reinterpret_cast<const StopFlag *>(stop)->stopped() ? 1 : 0;
}

}  // namespace

Runtime::Runtime(std::shared_ptr<HostServices> host) : host_(std::move(host)) {
    host_->host = {.struct_size = sizeof(hadal_bk_host),
                   .major = HADAL_BK_MAJOR,
                   .minor = HADAL_BK_MINOR,
                   .context = host_.get(),
                   .allocate = host_allocate,
                   .deallocate = host_deallocate,
                   .log = host_log,
                   .team_size = host_team_size,
                   .team_run = host_team_run,
                   .stopped = host_stopped};
}

Result<std::shared_ptr<Runtime>> Runtime::create(const RuntimeOptions &options) {
    constexpr uint32_t kMaxThreads = 1024;
    if (options.n_threads > kMaxThreads) {
        return error(Status::invalid_argument, "threads is ", options.n_threads, ", at most ", kMaxThreads);
    }
    std::shared_ptr<Runtime> runtime(new Runtime(std::make_shared<HostServices>(options)));
    for (hadal_backend_entry_fn *entry : builtin_backends()) HADAL_CHECK(runtime->add_backend(entry));
    return runtime;
}

Result<std::vector<std::shared_ptr<Device>>> Runtime::open_devices(Backend backend) const {
    struct KeepAlive {
        Backend backend;
        std::shared_ptr<HostServices> host;
    };
    const auto keep_alive = std::make_shared<const KeepAlive>(KeepAlive{std::move(backend), host_});
    const hadal_bk_api &api = keep_alive->backend.api();
    uint32_t n_devices = 0;
    hadal_error failure{};
    HADAL_CHECK(from_backend(api, api.device_count(&n_devices, &failure), failure));
    std::vector<std::shared_ptr<Device>> devices;
    for (uint32_t i = 0; i < n_devices; ++i) {
        HADAL_TRY(auto device, Device::open(api, host_->host, i, keep_alive));
        devices.push_back(std::move(device));
    }
    return devices;
}

Result<void> Runtime::add_backend(hadal_backend_entry_fn *entry) {
    HADAL_TRY(Backend backend, enter_backend(entry, host_->host, "a linked backend"));
    HADAL_TRY(const auto devices, open_devices(std::move(backend)));
    devices_.insert(devices_.end(), devices.begin(), devices.end());
    return {};
}

Result<void> Runtime::load_backend(const std::string &path) {
    HADAL_TRY(Backend backend, core::load_backend(path, host_->host));
    HADAL_TRY(const auto devices, open_devices(std::move(backend)));
    devices_.insert(devices_.begin(), devices.begin(), devices.end());
    return {};
}

const std::shared_ptr<MemoryBudget> &Runtime::budget() const {
    return host_->budget;
}
const Allocator &Runtime::allocator() const {
    return host_->allocator;
}
Log &Runtime::log() const {
    return host_->log;
}

}  // namespace hadal::core

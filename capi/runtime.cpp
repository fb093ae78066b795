// Runtimes: options, devices, log.
#include "buffers.h"
#include "guard.h"
#include "handles.h"
#include "structs.h"

using namespace hadal;
using core::Result;

namespace {

Result<core::Allocator> read_allocator(const hadal_allocator *from) {
    if (from == nullptr) return core::Allocator::system();
    HADAL_TRY(const hadal_allocator allocator, capi::read_struct(from));
    HADAL_CHECK(capi::require_zero(allocator.reserved, "hadal_allocator.reserved"));
    if (allocator.allocate == nullptr || allocator.deallocate == nullptr) {
        return core::error(core::Status::invalid_argument, "hadal_allocator.",
                           allocator.allocate == nullptr ? "allocate" : "deallocate", " is NULL");
    }
    return core::Allocator{allocator.allocate, allocator.deallocate, allocator.user};
}

Result<core::RuntimeOptions> read_options(const hadal_runtime_options *from) {
    HADAL_TRY(const hadal_runtime_options given, capi::read_struct(from));
    HADAL_CHECK(capi::require_range(given.log_level, 0, HADAL_LOG_DEBUG, "hadal_runtime_options.log_level"));
    HADAL_CHECK(capi::require_zero(given.reserved, "hadal_runtime_options.reserved"));
    core::RuntimeOptions options;
    HADAL_TRY(options.allocator, read_allocator(given.allocator));
    options.n_threads = given.threads;
    options.memory_budget = given.memory_budget;
    options.log = {given.log, given.log_user};
    if (given.log_level != 0) options.log_level = static_cast<core::LogLevel>(given.log_level);
    return options;
}

}  // namespace

hadal_status hadal_runtime_create(const hadal_runtime_options *options, hadal_runtime **out, hadal_error *err) {
    return capi::guard_create(out, err, [&]() -> Result<hadal_runtime> {
        HADAL_TRY(const core::RuntimeOptions checked, read_options(options));
        HADAL_TRY(auto runtime, core::Runtime::create(checked));
        return hadal_runtime{std::move(runtime)};
    });
}

void hadal_runtime_release(hadal_runtime *runtime) {
    delete runtime;
}

hadal_status hadal_runtime_load_backend(hadal_runtime *runtime, const char *path, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(runtime, "runtime"));
        HADAL_CHECK(capi::require(path, "path"));
        return runtime->runtime->load_backend(path);
    });
}

size_t hadal_runtime_device_count(const hadal_runtime *runtime) {
    return runtime == nullptr ? 0 : runtime->runtime->devices().size();
}

hadal_status hadal_runtime_device_info(const hadal_runtime *runtime, size_t i, hadal_device_info *out,
                                       hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require(runtime, "runtime"));
        HADAL_CHECK(capi::require(out, "out"));
        HADAL_CHECK(capi::check_struct(out));
        const auto &devices = runtime->runtime->devices();
        if (i >= devices.size()) {
            return core::error(core::Status::not_found, "there is no device ", i, ", there are ", devices.size());
        }
        hadal_device_info info = {};
        capi::write_name(devices[i]->backend(), info.backend);
        capi::write_name(devices[i]->name(), info.name);
        info.memory_bytes = devices[i]->memory_bytes();
        capi::write_struct(info, out);
        return {};
    });
}

hadal_status hadal_runtime_log_poll(const hadal_runtime *runtime, int32_t *level, char *buf, size_t cap, size_t *len,
                                    hadal_error *err) {
    return capi::guard(err, [&]() -> Result<core::Status> {
        HADAL_CHECK(capi::require(runtime, "runtime"));
        HADAL_CHECK(capi::require(level, "level"));
        HADAL_CHECK(capi::require_buffer(buf, cap, len, "len"));
        auto message = runtime->runtime->log().poll(cap, len);
        if (!message && message.error().status == core::Status::not_found) return core::Status::done;
        if (!message) return std::move(message.error());
        HADAL_CHECK(capi::copy_out(message->text, buf, cap, len));
        *level = static_cast<int32_t>(message->level);
        return core::Status::ok;
    });
}

#include "plan/device.h"

namespace hadal::core {

Result<void> from_backend(const hadal_bk_api &api, hadal_status status, const hadal_error &failure) {
    if (status >= 0) return {};
    std::string why(failure.message, failure.message_length < sizeof failure.message ? failure.message_length : 0);
    if (why.empty()) why = "failed without a reason";
    return Error{static_cast<Status>(status), text("backend '", api.name, "': ", why), failure.detail};
}

Device::Device(const hadal_bk_api &api, std::shared_ptr<const void> keep_alive)
    : api_(api), keep_alive_(std::move(keep_alive)) {}

Device::~Device() {
    if (handle_) api_.device_close(handle_);
}

Result<std::shared_ptr<Device>> Device::open(const hadal_bk_api &api, const hadal_bk_host &host, uint32_t index,
                                             std::shared_ptr<const void> keep_alive) {
    std::shared_ptr<Device> device(new Device(api, std::move(keep_alive)));
    hadal_error failure{};
    HADAL_CHECK(from_backend(api, api.device_open(&host, index, &device->handle_, &failure), failure));
    hadal_bk_device_info info{};
    info.struct_size = sizeof info;
    HADAL_CHECK(from_backend(api, api.device_info(device->handle_, &info, &failure), failure));
    info.name[sizeof info.name - 1] = '\0';
    device->name_ = info.name;
    device->memory_bytes_ = info.memory_bytes;
    return device;
}

Result<Buffer> create_buffer(const std::shared_ptr<Device> &device, uint64_t bytes, uint32_t usage) {
    hadal_error failure{};
    hadal_bk_buffer *handle = nullptr;
    const hadal_bk_api &api = device->api();
    HADAL_CHECK(from_backend(api, api.buffer_create(device->handle(), bytes, usage, &handle, &failure), failure));
    return Buffer(device, handle);
}

Result<Buffer> import_buffer(const std::shared_ptr<Device> &device, const void *bytes, uint64_t n) {
    hadal_error failure{};
    hadal_bk_buffer *handle = nullptr;
    const hadal_bk_api &api = device->api();
    HADAL_CHECK(from_backend(api, api.buffer_import(device->handle(), bytes, n, &handle, &failure), failure));
    return Buffer(device, handle);
}

Result<Stream> create_stream(const std::shared_ptr<Device> &device) {
    hadal_error failure{};
    hadal_bk_stream *handle = nullptr;
    const hadal_bk_api &api = device->api();
    HADAL_CHECK(from_backend(api, api.stream_create(device->handle(), &handle, &failure), failure));
    return Stream(device, handle);
}

Result<void> wait(const Stream &stream) {
    hadal_error failure{};
    const hadal_bk_api &api = stream.device().api();
    return from_backend(api, api.stream_wait(stream.handle(), &failure), failure);
}

}  // namespace hadal::core

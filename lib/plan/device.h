// Owners of what a backend made: devices, buffers, streams, programs, instances. Each destroys its handle and keeps
// alive what the handle needs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "hadal/backend.h"

namespace hadal::core {

/// The result of a backend's call as ours; the sentence begins with the backend's name.
Result<void> from_backend(const hadal_bk_api &api, hadal_status status, const hadal_error &error);

class Device {
public:
    /// keep_alive: what api and host live in. Fails: as the backend says.
    static Result<std::shared_ptr<Device>> open(const hadal_bk_api &api, const hadal_bk_host &host, uint32_t index,
                                                std::shared_ptr<const void> keep_alive);
    ~Device();
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

    const hadal_bk_api &api() const { return api_; }
    hadal_bk_device *handle() const { return handle_; }
    const char *backend() const { return api_.name; }
    const std::string &name() const { return name_; }
    uint64_t memory_bytes() const { return memory_bytes_; }

private:
    Device(const hadal_bk_api &api, std::shared_ptr<const void> keep_alive);

    const hadal_bk_api &api_;
    hadal_bk_device *handle_ = nullptr;
    std::shared_ptr<const void> keep_alive_;
    std::string name_;
    uint64_t memory_bytes_ = 0;
};

/// A handle of a device with the slot that destroys it. Move-only; empty when default-constructed.
template <class Handle, void (*hadal_bk_api::*destroy)(Handle *)>
class Owned {
public:
    Owned() = default;
    Owned(std::shared_ptr<Device> device, Handle *handle) : device_(std::move(device)), handle_(handle) {}
    Owned(Owned &&other) noexcept : device_(std::move(other.device_)), handle_(std::exchange(other.handle_, nullptr)) {}
    Owned &operator=(Owned &&other) noexcept {
        std::swap(device_, other.device_);
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Owned() {
        if (handle_) (device_->api().*destroy)(handle_);
    }

    Handle *handle() const { return handle_; }
    Device &device() const { return *device_; }

private:
    std::shared_ptr<Device> device_;
    Handle *handle_ = nullptr;
};

using Buffer = Owned<hadal_bk_buffer, &hadal_bk_api::buffer_destroy>;
using Stream = Owned<hadal_bk_stream, &hadal_bk_api::stream_destroy>;
using DeviceProgram = Owned<hadal_bk_program, &hadal_bk_api::program_destroy>;
using DeviceInstance = Owned<hadal_bk_instance, &hadal_bk_api::instance_destroy>;

/// usage: HADAL_BK_MEMORY or HADAL_BK_STATE_PAGES.
Result<Buffer> create_buffer(const std::shared_ptr<Device> &device, uint64_t bytes, uint32_t usage);
/// bytes: must outlive the buffer.
Result<Buffer> import_buffer(const std::shared_ptr<Device> &device, const void *bytes, uint64_t n);
Result<Stream> create_stream(const std::shared_ptr<Device> &device);
Result<void> wait(const Stream &stream);

}  // namespace hadal::core

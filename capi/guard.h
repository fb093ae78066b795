// The one try/catch: every function of hadal.h runs its body here, so that no exception reaches the caller.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <stdexcept>

#include "check.h"
#include "error.h"

namespace hadal::capi {

inline hadal_status status_of(const core::Result<void> &) {
    return HADAL_OK;
}
inline hadal_status status_of(const core::Result<core::Status> &result) {
    return static_cast<hadal_status>(*result);
}

/// Runs body, which returns Result<void> or Result<Status>, and turns what comes out into a status and *err.
template <class Body>
hadal_status guard(hadal_error *err, Body &&body) noexcept {
    try {
        const auto result = body();
        if (result) return status_of(result);
        const core::Error &error = result.error();
        return write_error(err, error.status, error.detail, error.message);
    } catch (const std::bad_alloc &) {
        return write_error(err, core::Status::out_of_memory, 0, "the C++ heap has no memory left");
    } catch (const std::length_error &) {
        return write_error(err, core::Status::out_of_memory, 0, "a container cannot be as long as was asked for");
    } catch (const std::exception &exception) {
        return write_error(err, core::Status::internal, 0, exception.what());
    } catch (...) {
        return write_error(err, core::Status::internal, 0, "an exception of unknown type");
    }
}

/// As guard, for functions that make a handle: body returns Result<Handle>, and *out is null unless it succeeds.
template <class Handle, class Body>
hadal_status guard_create(Handle **out, hadal_error *err, Body &&body) noexcept {
    if (out != nullptr) *out = nullptr;
    return guard(err, [&]() -> core::Result<void> {
        HADAL_CHECK(require(out, "out"));
        HADAL_TRY(Handle handle, body());
        *out = std::make_unique<Handle>(std::move(handle)).release();
        return {};
    });
}

}  // namespace hadal::capi

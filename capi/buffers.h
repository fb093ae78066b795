// Results of variable length: the caller asks for the length, then comes with a buffer.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "check.h"

namespace hadal::capi {

/// Checks the buffer that results go to; out may be null if cap is 0.
inline core::Result<void> require_buffer(const void *out, size_t cap, const size_t *n, const char *n_name) {
    HADAL_CHECK(require(n, n_name));
    return require_array(out, cap, "the buffer");
}

/// Copies all of from, or nothing. *n: the length of from in both cases. Fails: buffer_too_small.
template <class T>
core::Result<void> copy_out(std::span<const T> from, T *out, size_t cap, size_t *n) {
    *n = from.size();
    if (from.size() > cap) {
        return core::error(core::Status::buffer_too_small, "the result has ", from.size(), " elements, the buffer ",
                           cap);
    }
    if (!from.empty()) std::memcpy(out, from.data(), from.size_bytes());
    return {};
}

inline core::Result<void> copy_out(std::string_view from, char *out, size_t cap, size_t *n) {
    return copy_out(std::span<const char>(from), out, cap, n);
}

}  // namespace hadal::capi

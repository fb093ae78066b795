// Checks of single arguments. Each error names the parameter or field, what was found and what is allowed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace hadal::capi {

/// A pointer that may not be null.
inline core::Result<void> require(const void *pointer, const char *name) {
    if (pointer == nullptr) return core::error(core::Status::invalid_argument, name, " is NULL");
    return {};
}

/// A pointer to n elements, which may be null only if n is 0.
inline core::Result<void> require_array(const void *pointer, size_t n, const char *name) {
    if (pointer == nullptr && n > 0) {
        return core::error(core::Status::invalid_argument, name, " is NULL, but its length is ", n);
    }
    return {};
}

inline core::Result<void> require_zero(uint64_t value, const char *name) {
    if (value != 0) {
        return core::error(core::Status::invalid_argument, name, " is ", value, "; reserved fields must be 0");
    }
    return {};
}

/// Constants of hadal.h, flags of 0 and 1, counts: least <= value <= most.
inline core::Result<void> require_range(int64_t value, int64_t least, int64_t most, const char *name) {
    if (value < least || value > most) {
        return core::error(core::Status::invalid_argument, name, " is ", value, ", allowed are ", least, " to ", most);
    }
    return {};
}

}  // namespace hadal::capi

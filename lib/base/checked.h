// Arithmetic on numbers from files: nullopt instead of a wrapped result.
#pragma once

#include <cstdint>
#include <optional>

namespace hadal::core {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
    uint64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
    return sum;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
    uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}

/// n rounded up to a multiple of step, which is at least 1.
inline std::optional<uint64_t> checked_round_up(uint64_t n, uint64_t step) {
    const uint64_t rest = n % step;
    return rest == 0 ? n : checked_add(n, step - rest);
}

}  // namespace hadal::core

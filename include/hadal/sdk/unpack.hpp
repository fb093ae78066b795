// unpack.hpp - scalar conversions of element types and blocks (ops.h), and the frequencies of rope.
#ifndef HADAL_SDK_UNPACK_HPP
#define HADAL_SDK_UNPACK_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hadal/ops.h"

namespace hadal::sdk {

namespace detail {

template <class T>
T load(const void *from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

}  // namespace detail

inline float bf16_to_f32(uint16_t bits) {
    const uint32_t wide = uint32_t{bits} << 16;
    return detail::load<float>(&wide);
}

/// To nearest, ties to even; NaN stays NaN.
inline uint16_t f32_to_bf16(float number) {
    const uint32_t bits = detail::load<uint32_t>(&number);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

inline float f16_to_f32(uint16_t bits) {
    const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
    const uint32_t exponent = bits >> 10 & 31;
    const uint32_t mantissa = bits & 0x3FF;
    uint32_t wide;
    if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24, exact in f32
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
        wide = sign | detail::load<uint32_t>(&magnitude);
    } else {
        wide = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
    }
    return detail::load<float>(&wide);
}

/// To nearest, ties to even; NaN stays NaN.
inline uint16_t f32_to_f16(float number) {
    const uint32_t bits = detail::load<uint32_t>(&number);
    const uint32_t sign = bits >> 16 & 0x8000;
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return static_cast<uint16_t>(sign | 0x7E00);
    if (magnitude >= 0x477FF000) return static_cast<uint16_t>(sign | 0x7C00);  // 65520 and up round to infinity
    if (magnitude < 0x38800000) {                                              // below 2^-14: subnormal, or zero
        const float steps = std::fabs(number) * 0x1p24f;                       // exact: at most 1024
        auto whole = static_cast<uint32_t>(steps);
        const float rest = steps - static_cast<float>(whole);
        if (rest > 0.5f || (rest == 0.5f && (whole & 1))) ++whole;
        return static_cast<uint16_t>(sign | whole);
    }
    return static_cast<uint16_t>(sign | (magnitude + 0xFFF + (magnitude >> 13 & 1) - (112u << 23)) >> 13);
}

/// Elements of one block and its bytes; {1, size} for plain types; {0, 0} for an unknown type.
struct BlockShape {
    int64_t elements;
    int64_t bytes;
};
inline BlockShape block_shape(uint32_t dtype) {
    switch (dtype) {
        case HADAL_DTYPE_F32:
        case HADAL_DTYPE_I32:
            return {1, 4};
        case HADAL_DTYPE_F16:
        case HADAL_DTYPE_BF16:
            return {1, 2};
        case HADAL_DTYPE_Q4_0:
            return {HADAL_Q4_0_BLOCK, HADAL_Q4_0_BYTES};
        case HADAL_DTYPE_Q8_0:
            return {HADAL_Q8_0_BLOCK, HADAL_Q8_0_BYTES};
        case HADAL_DTYPE_Q4_K:
            return {HADAL_Q4_K_BLOCK, HADAL_Q4_K_BYTES};
        case HADAL_DTYPE_Q6_K:
            return {HADAL_Q6_K_BLOCK, HADAL_Q6_K_BYTES};
        default:
            return {0, 0};
    }
}

/// Bytes of n elements; -1 if the type is unknown, n is not a whole number of blocks, or the bytes overflow.
inline int64_t dtype_row_bytes(uint32_t dtype, int64_t n) {
    const BlockShape shape = block_shape(dtype);
    int64_t bytes;
    if (shape.elements == 0 || n < 0 || n % shape.elements != 0) return -1;
    return __builtin_mul_overflow(n / shape.elements, shape.bytes, &bytes) ? -1 : bytes;
}

/// One block of each quantised type (ops.h, "Element types"); from has any alignment.
inline void unpack_q4_0(const std::byte *from, float *to) {
    const float d = f16_to_f32(detail::load<uint16_t>(from));
    for (int i = 0; i < 16; ++i) {
        const auto q = static_cast<uint8_t>(from[2 + i]);
        to[i] = d * static_cast<float>((q & 15) - 8);
        to[i + 16] = d * static_cast<float>((q >> 4) - 8);
    }
}

inline void unpack_q8_0(const std::byte *from, float *to) {
    const float d = f16_to_f32(detail::load<uint16_t>(from));
    for (int i = 0; i < 32; ++i) to[i] = d * static_cast<float>(static_cast<int8_t>(from[2 + i]));
}

inline void unpack_q4_k(const std::byte *from, float *to) {
    const float d = f16_to_f32(detail::load<uint16_t>(from));
    const float d_min = f16_to_f32(detail::load<uint16_t>(from + 2));
    const auto *s = reinterpret_cast<const uint8_t *>(from + 4);
    const auto *q = reinterpret_cast<const uint8_t *>(from + 16);
    for (int g = 0; g < 8; ++g) {
        const int scale = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | (s[g - 4] >> 6 << 4);
        const int minimum = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | (s[g] >> 6 << 4);
        const float step = d * static_cast<float>(scale);
        const float offset = d_min * static_cast<float>(minimum);
        for (int i = 0; i < 32; ++i) {
            const uint8_t pair = q[g / 2 * 32 + i];
            to[g * 32 + i] = step * static_cast<float>(g % 2 == 0 ? pair & 15 : pair >> 4) - offset;
        }
    }
}

inline void unpack_q6_k(const std::byte *from, float *to) {
    const auto *ql = reinterpret_cast<const uint8_t *>(from);
    const auto *qh = ql + 128;
    const auto *scales = reinterpret_cast<const int8_t *>(qh + 64);
    const float d = f16_to_f32(detail::load<uint16_t>(from + 208));
    for (int i = 0; i < 256; ++i) {
        const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
        const int low = ql[64 * half + 32 * (quarter % 2) + l] >> (quarter / 2 * 4) & 15;
        const int high = qh[32 * half + l] >> (2 * quarter) & 3;
        to[i] = d * static_cast<float>(scales[i / 16]) * static_cast<float>((low | high << 4) - 32);
    }
}

/// n weights as f32, n a whole number of blocks; from has any alignment. Types other than weights' give nothing.
inline void unpack(uint32_t dtype, const std::byte *from, int64_t n, float *to) {
    if (n <= 0) return;
    void (*unpack_block)(const std::byte *, float *) = nullptr;
    switch (dtype) {
        case HADAL_DTYPE_F32:
            std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
            return;
        case HADAL_DTYPE_F16:
            for (int64_t i = 0; i < n; ++i) to[i] = f16_to_f32(detail::load<uint16_t>(from + 2 * i));
            return;
        case HADAL_DTYPE_BF16:
            for (int64_t i = 0; i < n; ++i) to[i] = bf16_to_f32(detail::load<uint16_t>(from + 2 * i));
            return;
        case HADAL_DTYPE_Q4_0:
            unpack_block = unpack_q4_0;
            break;
        case HADAL_DTYPE_Q8_0:
            unpack_block = unpack_q8_0;
            break;
        case HADAL_DTYPE_Q4_K:
            unpack_block = unpack_q4_k;
            break;
        case HADAL_DTYPE_Q6_K:
            unpack_block = unpack_q6_k;
            break;
        default:
            return;
    }
    const BlockShape shape = block_shape(dtype);
    for (int64_t i = 0; i < n; i += shape.elements, from += shape.bytes) unpack_block(from, to + i);
}

/// Radians per position of each of n_rotated / 2 pairs. divisors: [n_rotated / 2], or null.
inline void rope_frequencies(const hadal_rope &rope, const float *divisors, double *out) {
    constexpr double kTwoPi = 6.283185307179586476925;
    for (uint32_t i = 0; i < rope.n_rotated / 2; ++i) {
        const double theta = std::pow(rope.base, -2.0 * i / rope.n_rotated);
        double frequency = theta;
        if (rope.scaling == HADAL_ROPE_LINEAR) frequency = theta / rope.factor;
        if (rope.scaling == HADAL_ROPE_LLAMA3) {
            const double turns = rope.original_context * theta / kTwoPi;  // within the trained length
            if (turns < rope.low_freq_factor) {
                frequency = theta / rope.factor;
            } else if (turns < rope.high_freq_factor) {
                const double s = (turns - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
                frequency = (1 - s) * theta / rope.factor + s * theta;
            }
        }
        out[i] = divisors == nullptr ? frequency : frequency / divisors[i];
    }
}

}  // namespace hadal::sdk

#endif

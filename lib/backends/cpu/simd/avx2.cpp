// AVX2 with FMA and F16C: 8 floats to a vector, 16 registers.
#include "isa.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>

namespace hadal::cpu {
namespace {

using Vec = __m256;
constexpr int64_t kLanes = 8;
constexpr int kMaxX = 2;  // 2 weight rows x 2 activation rows x 2 chains = 8 registers, and 4 of weights

// clang-format off
inline Vec zero() { return _mm256_setzero_ps(); }
inline Vec set1(float a) { return _mm256_set1_ps(a); }
inline Vec load(const float *p) { return _mm256_loadu_ps(p); }
inline void store(float *p, Vec a) { _mm256_storeu_ps(p, a); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec round_even(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Vec pow2(Vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
inline Vec where_negative(Vec x, Vec a, Vec b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, zero(), _CMP_LT_OQ));
}
inline float sum(Vec a) {
    const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}
inline float largest(Vec a) {
    const __m128 by4 = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_max_ss(by2, _mm_movehdup_ps(by2)));
}
// clang-format on

double sum_of_squares(const float *x, int64_t n) {
    __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
    for (int64_t i = 0; i < n; i += kLanes) {
        float tail[kLanes] = {};
        const float *from = x + i;
        if (n - i < kLanes) from = static_cast<float *>(__builtin_memcpy(tail, from, static_cast<size_t>(n - i) * 4));
        const __m256d a = _mm256_cvtps_pd(_mm_loadu_ps(from)), b = _mm256_cvtps_pd(_mm_loadu_ps(from + 4));
        low = _mm256_fmadd_pd(a, a, low);
        high = _mm256_fmadd_pd(b, b, high);
    }
    const __m256d by4 = _mm256_add_pd(low, high);
    const __m128d by2 = _mm_add_pd(_mm256_castpd256_pd128(by4), _mm256_extractf128_pd(by4, 1));
    return _mm_cvtsd_f64(_mm_add_sd(by2, _mm_unpackhi_pd(by2, by2)));
}

// ---- Readers of 32 weights: one block, or one eighth of a K block ---------------------------------------------------

template <class T>
inline T at(const uint8_t *p) {
    T value;
    __builtin_memcpy(&value, p, sizeof value);
    return value;
}
inline float half(const uint8_t *p) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(at<uint16_t>(p))));
}
inline __m128i bytes16(const uint8_t *p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
}
inline __m128i low_nibbles(__m128i q) {
    return _mm_and_si128(q, _mm_set1_epi8(15));
}

// The eight bytes of q from byte 8 * half on, as floats.
inline Vec floats_of_i8(__m128i q, int part) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(part ? _mm_unpackhi_epi64(q, q) : q));
}

struct ReadF32 {
    static constexpr int64_t kBlock = 1, kBytes = 4;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        for (int v = 0; v < 4; ++v)
            w[v] = _mm256_castsi256_ps(
                _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row + (i + v * kLanes) * kBytes)));
    }
};

struct ReadF16 {
    static constexpr int64_t kBlock = 1, kBytes = 2;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        for (int v = 0; v < 4; ++v) w[v] = _mm256_cvtph_ps(bytes16(row + (i + v * kLanes) * kBytes));
    }
};

struct ReadBf16 {
    static constexpr int64_t kBlock = 1, kBytes = 2;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        for (int v = 0; v < 4; ++v) {
            const __m256i upper = _mm256_cvtepu16_epi32(bytes16(row + (i + v * kLanes) * kBytes));
            w[v] = _mm256_castsi256_ps(_mm256_slli_epi32(upper, 16));
        }
    }
};

struct ReadQ8_0 {
    static constexpr int64_t kBlock = 32, kBytes = 34;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        const uint8_t *block = row + i / kBlock * kBytes;
        const Vec d = set1(half(block));
        for (int v = 0; v < 4; ++v) w[v] = mul(d, floats_of_i8(bytes16(block + 2 + v / 2 * 16), v % 2));
    }
};

struct ReadQ4_0 {
    static constexpr int64_t kBlock = 32, kBytes = 18;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        const uint8_t *block = row + i / kBlock * kBytes;
        const Vec d = set1(half(block));
        const __m128i q = bytes16(block + 2), eight = _mm_set1_epi8(8);
        const __m128i of_half[2] = {_mm_sub_epi8(low_nibbles(q), eight),
                                    _mm_sub_epi8(low_nibbles(_mm_srli_epi16(q, 4)), eight)};
        for (int v = 0; v < 4; ++v) w[v] = mul(d, floats_of_i8(of_half[v / 2], v % 2));
    }
};

struct ReadQ4_K {
    static constexpr int64_t kBlock = 256, kBytes = 144;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        const uint8_t *block = row + i / kBlock * kBytes;
        const uint8_t *s = block + 4;
        const int64_t g = i % kBlock / 32;
        const int sc = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
        const int mn = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | s[g] >> 6 << 4;
        const Vec scale = set1(half(block) * static_cast<float>(sc));
        const Vec least = set1(half(block + 2) * static_cast<float>(mn));
        const __m128i shift = _mm_cvtsi64_si128(4 * (g % 2));
        for (int v = 0; v < 4; ++v) {
            const __m128i q = bytes16(block + 16 + g / 2 * 32 + v / 2 * 16);
            w[v] = _mm256_fmsub_ps(scale, floats_of_i8(low_nibbles(_mm_srl_epi16(q, shift)), v % 2), least);
        }
    }
};

struct ReadQ6_K {
    static constexpr int64_t kBlock = 256, kBytes = 210;
    static void read(const uint8_t *row, int64_t i, Vec *w) {
        const uint8_t *block = row + i / kBlock * kBytes;
        const int64_t eighth = i % kBlock / 32, h = eighth / 4, part = eighth % 4;
        const uint8_t *sc = block + 192 + 2 * eighth;
        const float d = half(block + 208);
        const __m128i low_shift = _mm_cvtsi64_si128(part / 2 * 4), high_shift = _mm_cvtsi64_si128(part * 2);
        for (int v = 0; v < 4; ++v) {
            const __m128i a = _mm_srl_epi16(bytes16(block + 64 * h + part % 2 * 32 + v / 2 * 16), low_shift);
            const __m128i b = _mm_srl_epi16(bytes16(block + 128 + 32 * h + v / 2 * 16), high_shift);
            const __m128i high = _mm_slli_epi16(_mm_and_si128(b, _mm_set1_epi8(3)), 4);
            const __m128i q = _mm_sub_epi8(_mm_or_si128(low_nibbles(a), high), _mm_set1_epi8(32));
            const auto scale = static_cast<float>(static_cast<int8_t>(sc[v / 2]));
            w[v] = mul(set1(d * scale), floats_of_i8(q, v % 2));
        }
    }
};

#include "body.h"

constexpr Isa kTable = make_isa("AVX2", kAvx2 | kFma | kF16c);

}  // namespace

const Isa *const kIsaAvx2 = &kTable;

}  // namespace hadal::cpu

#else

namespace hadal::cpu {
const Isa *const kIsaAvx2 = nullptr;
}

#endif

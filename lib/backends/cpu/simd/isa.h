// The table of inner loops that exist once per instruction set, and what they promise. Files compiled with ISA flags
// include this header and nothing else of ours: it holds no inline function that such a file could emit for everyone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal::cpu {

/// Weight types, as indices of the tables below. Bytes and blocks: ops.h.
enum WeightType : uint32_t { kF32, kF16, kBf16, kQ8_0, kQ4_0, kQ4_K, kQ6_K, kWeightTypes };

/// Instruction sets a table may need.
enum Feature : uint32_t {
    kAvx2 = 1,
    kFma = 2,
    kF16c = 4,
    kAvx512f = 8,
    kAvx512bw = 16,
    kAvx512dq = 32,
    kAvx512vl = 64,
};

/// out[x][w] = x . w for every activation row and weight row. f32 accumulation; the order of a sum depends on k alone,
/// so a row's results are the same in any company.
struct Dots {
    const void *w;     ///< [n_w] rows of k weights, any alignment
    int64_t w_stride;  ///< bytes
    int64_t n_w;
    const float *x;    ///< [n_x][k]
    int64_t x_stride;  ///< elements
    int64_t n_x;
    int64_t k;  ///< whole blocks of the weight's type
    float *out;
    int64_t out_stride;  ///< elements from one x to the next
};

/// acc[q] = carry[q] * acc[q] + sum over positions s of p[q][s] * v[s]; s ascends, whatever n_q is.
struct WeightedSum {
    const void *v;     ///< [n][width] of the state's type
    int64_t v_stride;  ///< elements
    int64_t n;
    const float *p;    ///< [n_q][n]
    int64_t p_stride;  ///< elements
    int64_t n_q;
    const float *carry;  ///< [n_q]
    int64_t width;
    float *acc;  ///< [n_q][width], dense
};

/// Numbers that loops may read and write beyond the end of a buffer of logits, rounded up to this many.
inline constexpr int64_t kLogitPadding = 16;

/// One instruction set. No function keeps state; NaN and Inf pass through all of them, denormals are kept.
struct Isa {
    const char *name;  ///< for people
    uint32_t needs;    ///< Features
    void (*dots[kWeightTypes])(const Dots &);
    void (*unpack[kWeightTypes])(const void *from, int64_t n, float *to);  ///< exact; n: whole blocks
    void (*weighted_sum_f32)(const WeightedSum &);
    void (*weighted_sum_bf16)(const WeightedSum &);
    double (*sum_of_squares)(const float *x, int64_t n);
    void (*scale_by)(const float *x, const float *weight, float factor, int64_t n,
                     float *out);  ///< x * factor * weight
    void (*silu_mul)(const float *gate, const float *up, int64_t n, float *out);
    float (*scaled_max)(float *logits, int64_t n, float scale);  ///< scales in place; -inf of NaNs alone. Padded
    float (*exp_sum)(float *logits, int64_t n, float shift);     ///< exp(logit - shift) in place, and their sum. Padded
    void (*round_bf16)(const float *from, int64_t n, uint16_t *to);
};

/// Null where the compiler cannot make them.
extern const Isa *const kIsaAvx512;
extern const Isa *const kIsaAvx2;
extern const Isa *const kIsaPortable;  ///< never null

}  // namespace hadal::cpu

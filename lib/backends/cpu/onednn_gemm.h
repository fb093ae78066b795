// Dense matrix products of one thread, by oneDNN. The bits of a result depend on m, n, k and the strides, not on where
// the matrices lie or which thread calls.
#pragma once

#include <cstdint>

#include "hadal/backend.h"

namespace hadal::cpu {

/// c [m][n] = a [m][k] times b [n][k] transposed. Strides in elements, from one row to the next.
struct Gemm {
    int64_t m, n, k;
    const void *a;
    int64_t a_stride;
    const void *b;
    int64_t b_stride;
    float *c;
    int64_t c_stride;
};

/// What happens to the values c had.
enum class Into { kReplace, kAdd };

/// f32 matrices, any alignment of the addresses.
hadal_status gemm_f32(const Gemm &gemm, Into into, hadal_error *err);

/// Does this processor multiply bf16 itself? Elsewhere f32 is faster.
bool has_bf16_gemm();

/// bf16 matrices, f32 sums and c.
hadal_status gemm_bf16(const Gemm &gemm, hadal_error *err);

}  // namespace hadal::cpu

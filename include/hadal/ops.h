/* ops.h - the ops a program is made of: numbers, attributes, block layouts, and the packed description of one run.
 *
 * This file is the specification a backend is measured against. Numbers never change; an op may gain a version; new ops
 * are added at the end of their tier. A backend answers NO to what it does not know and the planner goes elsewhere.
 *
 * Reading the op comments. Shapes list dims outermost first; the last dim is contiguous. R is the number of rows of the
 * run (or of wanted logits, n_out); activations are f32 at every segment boundary. "Tolerance" is against the reference
 * backend, which accumulates in double; sums in it run over absolute values. NaN and Inf go through the arithmetic as
 * IEEE 754 says; no op may turn them into something finite, or trap. */
#ifndef HADAL_OPS_H
#define HADAL_OPS_H

#include <stdint.h>

/* ---- Element types ----------------------------------------------------------------------------------------------- */

/* Numbers are GGUF's, so that a file's type id needs no table. */
enum {
    HADAL_DTYPE_F32 = 0,
    HADAL_DTYPE_F16 = 1, /* IEEE 754 binary16; weights only */
    HADAL_DTYPE_Q4_0 = 2,
    HADAL_DTYPE_Q8_0 = 8,
    HADAL_DTYPE_Q4_K = 12,
    HADAL_DTYPE_Q6_K = 14,
    HADAL_DTYPE_I32 = 26,
    HADAL_DTYPE_BF16 = 30 /* upper half of an f32; rounded to nearest, ties to even */
};

/* Quantised blocks, little-endian, as in GGUF files (facts of the format, ggml-common.h). A row is a whole number of
 * blocks. w[i] is the i-th weight of the block. */
enum {
    /* f16 d; u8 q[16].  w[i] = d * ((q[i] & 15) - 8), w[i + 16] = d * ((q[i] >> 4) - 8), i < 16 */
    HADAL_Q4_0_BLOCK = 32,
    HADAL_Q4_0_BYTES = 18,
    /* f16 d; i8 q[32].  w[i] = d * q[i] */
    HADAL_Q8_0_BLOCK = 32,
    HADAL_Q8_0_BYTES = 34,
    /* f16 d, dmin; u8 s[12]; u8 q[128].  Eight groups of 32: w = d * sc[g] * nibble - dmin * mn[g].
     * Groups 2j and 2j+1 are the low and high nibbles of q[32j..32j+31], j < 4.
     * g < 4:  sc = s[g] & 63,                          mn = s[g+4] & 63
     * g >= 4: sc = s[g+4] & 15 | (s[g-4] >> 6) << 4,   mn = s[g+4] >> 4 | (s[g] >> 6) << 4 */
    HADAL_Q4_K_BLOCK = 256,
    HADAL_Q4_K_BYTES = 144,
    /* u8 ql[128]; u8 qh[64]; i8 sc[16]; f16 d.  w[i] = d * sc[i / 16] * (q[i] - 32), q of 6 bits.
     * For each half h < 2 and l < 32, with a = ql + 64h, b = qh + 32h, i = 128h + l:
     * q[i] = a[l] & 15 | (b[l] & 3) << 4,              q[i + 32] = a[l + 32] & 15 | (b[l] >> 2 & 3) << 4,
     * q[i + 64] = a[l] >> 4 | (b[l] >> 4 & 3) << 4,    q[i + 96] = a[l + 32] >> 4 | (b[l] >> 6) << 4 */
    HADAL_Q6_K_BLOCK = 256,
    HADAL_Q6_K_BYTES = 210
};

/* ---- Ops --------------------------------------------------------------------------------------------------------- */

/* Core ops: the floor every backend can be measured on. All are version 1. */
enum {
    /* gather_rows(table [N, d], ids [R] i32) -> [R, d]
     * Maths     out[r] = table[ids[r]]; ids are in range (the engine checks tokens, the planner out_rows)
     * Types     table: a weight of any type, or an f32 activation
     * Tolerance none: exact dequantisation */
    HADAL_OP_GATHER_ROWS = 1,

    /* matmul(x [R, ...] f32, w [N, K]) -> [R, N]; K is the product of x's dims after the first
     * Maths     out[r][n] = sum_k x[r][k] * w[n][k]
     * Types     w: a weight of any type, used in blocks along K
     * Tolerance t * sum_k |x[r][k] * w[n][k]|, t = 1e-5 for f32 and f16, 1e-2 for bf16 and quantised weights
     *           (activations may be rounded to bf16 or to int8 blocks on the way) */
    HADAL_OP_MATMUL = 2,

    /* add(a [R, ...], b of the same shape) -> the same shape.  Tolerance 1 ulp */
    HADAL_OP_ADD = 3,

    /* silu_mul(gate [R, d], up [R, d]) -> [R, d]
     * Maths     gate / (1 + exp(-gate)) * up.  Tolerance 4e-6 relative.  Source: SwiGLU, arXiv:2002.05202 */
    HADAL_OP_SILU_MUL = 4,

    /* rms_norm(x [R, ..., d], weight [d] f32/f16/bf16) -> like x.  Attributes hadal_rms_norm
     * Maths     x * weight / sqrt(mean(x^2) + epsilon), the mean over the last dim
     * Tolerance 1e-5 relative.  Source: arXiv:1910.07467 */
    HADAL_OP_RMS_NORM = 5,

    /* rope(x [R, heads, d], positions [R] i32 [, divisors [n_rotated / 2] f32 weight]) -> like x. Attributes hadal_rope
     * Maths     the first n_rotated elements of each head are n_rotated / 2 pairs (a, b), the rest is copied;
     *           pair i at position p: (a cos t - b sin t, a sin t + b cos t), t = p * f[i]
     *           f[i] = scaled(base^(-2i / n_rotated)) / divisors[i] (1 without divisors);
     *           a divisor that is not finite and above 0 fails program_create with BAD_FORMAT
     * Numerics  angles in f64, reduced before rounding to f32
     * Tolerance 1e-6 * (|a| + |b|).  Source: arXiv:2104.09864; llama3 scaling: Llama 3.1 model card code */
    HADAL_OP_ROPE = 6,

    /* kv_append(state, k [R, n_kv, d_k] [, v [R, n_kv, d_v]]) -> the state's next version
     * Writes row r of timeline t at position positions[r] of t's pages, rounded to the state's type. Without v the
     * state keeps one stored vector per head. The output is the same storage; later ops must use the new version. */
    HADAL_OP_KV_APPEND = 7,

    /* attention(q [R, n_heads, d_k], state) -> [R, n_heads, v_width].  Attributes hadal_attention
     * Maths     per row at position p and head h: softmax over positions 0..p of its own timeline of
     *           scale * q . k[h / (n_heads / n_kv)], times v.  v is the state's second vector, or the first v_width
     *           elements of k where the state stores one vector
     * Numerics  f32 logits and sums at least, maximum subtracted
     * Tolerance 1e-4 * max |v|, v as stored: what a bf16 state lost in kv_append is not counted twice
     * Source    arXiv:1706.03762; grouped queries: arXiv:2305.13245 */
    HADAL_OP_ATTENTION = 8
};

typedef struct hadal_rms_norm {
    float epsilon;
    uint32_t reserved;
} hadal_rms_norm;

enum { HADAL_ROPE_INTERLEAVED = 0, HADAL_ROPE_HALF_SPLIT = 1 }; /* pairs (2i, 2i+1), or (i, i + n_rotated / 2) */
enum { HADAL_ROPE_NO_SCALING = 0, HADAL_ROPE_LINEAR = 1, HADAL_ROPE_LLAMA3 = 2 };

typedef struct hadal_rope {
    uint32_t n_rotated;        /* elements, even, <= d */
    uint32_t pairing;          /* HADAL_ROPE_INTERLEAVED | HALF_SPLIT */
    uint32_t scaling;          /* HADAL_ROPE_NO_SCALING ... */
    uint32_t original_context; /* LLAMA3: trained length before scaling, L0 */
    double base;               /* theta: theta_i = base^(-2i / n_rotated) */
    /* NO_SCALING: scaled(theta_i) = theta_i.  LINEAR: theta_i / factor.
     * LLAMA3, with wave = 2 pi / theta_i, low and high the two factors below:
     *   wave < L0 / high: theta_i;   wave > L0 / low: theta_i / factor;
     *   between, with s = (L0 / wave - low) / (high - low): (1 - s) * theta_i / factor + s * theta_i */
    double factor;
    double low_freq_factor;
    double high_freq_factor;
} hadal_rope;

typedef struct hadal_attention {
    float scale;      /* multiplies q . k */
    uint32_t v_width; /* elements of each head's output */
} hadal_attention;

/* ---- The cache --------------------------------------------------------------------------------------------------- */

/* A state value has dims [n_kv, d_k, d_v] (d_v = 0: one stored vector) and type f32 or bf16. It is a pool of pages of
 * page_size positions (program-wide). One page holds, contiguously:
 *   k [n_kv][page_size][d_k], then v [n_kv][page_size][d_v]
 * and page i begins at element i * page_size * n_kv * (d_k + d_v). One page id serves every state of a program. */
enum { HADAL_PAGE_POSITIONS = 64 };

/* ---- The run block ----------------------------------------------------------------------------------------------- */

/* What one run computes: a header, then five arrays at the byte offsets it names, each 8-aligned. Rows of a timeline
 * are contiguous with ascending, consecutive positions; timelines are in the order of their rows; out_rows ascend. */
typedef struct hadal_run_timeline {
    uint32_t first_row;  /* index of its first row in this run */
    uint32_t n_rows;     /* at least 1 */
    uint32_t first_page; /* where its page table begins in the pages array */
    uint32_t n_pages;    /* enough for kv_length positions */
    uint32_t first_out;  /* index of its first wanted row in out_rows */
    uint32_t n_out;      /* may be 0 */
    int64_t kv_length;   /* positions after this run's append; the position of row j is kv_length - n_rows + j */
} hadal_run_timeline;

typedef struct hadal_run_block {
    uint32_t bytes; /* header and arrays */
    uint32_t page_size;
    uint32_t n_rows;
    uint32_t n_out;
    uint32_t n_timelines;
    uint32_t n_pages;          /* entries of all page tables together */
    uint32_t tokens_offset;    /* int32_t [n_rows] */
    uint32_t positions_offset; /* int32_t [n_rows] */
    uint32_t timelines_offset; /* hadal_run_timeline [n_timelines] */
    uint32_t pages_offset;     /* uint32_t [n_pages]: page ids */
    uint32_t out_rows_offset;  /* int32_t [n_out]: row indices whose logits are wanted */
    uint32_t reserved;
} hadal_run_block;

/* Which array of the block an input value is. */
enum { HADAL_INPUT_TOKENS = 0, HADAL_INPUT_POSITIONS = 1, HADAL_INPUT_OUT_ROWS = 2 };

#endif

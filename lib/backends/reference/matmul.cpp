// matmul: activations times the transpose of a weight.
#include "kernels.h"

namespace hadal::reference {

namespace {

using namespace sdk;

bool accepts(const OpView &op, char *reason, size_t reason_bytes) {
    const hadal_bk_value &x = op.input(0), &w = op.input(1);
    if (w.kind != HADAL_BK_WEIGHT || !is_weight_type(w.dtype))
        return refuse(reason, reason_bytes, w.name, " is no weight of a known type: ", w.dtype);
    if (w.rank != 2 || row_elements(x) != last_dim(w) || row_elements(op.output(0)) != w.dims[0].count)
        return refuse(reason, reason_bytes, "rows of ", row_elements(x), " times ", w.name, " with rows of ",
                      row_elements(w));
    return true;
}

/// A row of w as f32, and as f64.
size_t scratch_bytes(const OpView &op, const hadal_bk_limits &) {
    return static_cast<size_t>(last_dim(op.input(1))) * (sizeof(double) + sizeof(float));
}

/// Multiplies every row of x with every row of w.
/// Maths    out[r][n] = sum_k x[r][k] * w[n][k]
/// Shapes   x [R, K] f32, w [N, K] of any weight type, out [R, N]
/// Numerics products and sums in f64, rounded once
/// Source   ops.h
hadal_status run(const Call &call, hadal_error *) {
    const Operand &x = call.inputs[0], &w = call.inputs[1], &out = call.outputs[0];
    const int64_t k = last_dim(*w.value);
    const int64_t stride_bytes = dtype_row_bytes(w.value->dtype, w.row_stride);
    auto *wide = reinterpret_cast<double *>(call.scratch);
    auto *narrow = reinterpret_cast<float *>(wide + k);
    const Share columns = share(w.rows, call.worker);
    for (int64_t n = columns.begin; n < columns.end; ++n) {
        unpack(w.value->dtype, w.data + n * stride_bytes, k, narrow);
        column(wide, k) = column(narrow, k).cast<double>();
        for (int64_t r = 0; r < x.rows; ++r) {
            const float *row = x.row(r);
            out.row(r)[n] = static_cast<float>((column(row, k).cast<double>() * column(wide, k)).sum());
        }
    }
    return HADAL_OK;
}

}  // namespace

constinit const sdk::Kernel kMatmul = {
    .opcode = HADAL_OP_MATMUL, .version = 1, .accepts = accepts, .run = run, .scratch_bytes = scratch_bytes};

}  // namespace hadal::reference

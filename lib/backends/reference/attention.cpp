// attention: every row looks at the positions of its own timeline up to its own.
#include <algorithm>
#include <cmath>

#include "kernels.h"

namespace hadal::reference {

namespace {

using namespace sdk;

bool accepts(const OpView &op, char *reason, size_t reason_bytes) {
    const hadal_bk_value &q = op.input(0), &state = op.input(1);
    const int64_t v_width = op.attributes<hadal_attention>().v_width;
    if (state.kind != HADAL_BK_STATE) return refuse(reason, reason_bytes, state.name, " is not a state");
    const int64_t n_kv = state.dims[0].count, d_k = state.dims[1].count, d_v = state.dims[2].count;
    if (!has_run_rows(q) || q.rank != 3 || q.dims[2].count != d_k || n_kv == 0 || q.dims[1].count % n_kv != 0)
        return refuse(reason, reason_bytes, q.name, " does not fit ", state.name);
    if (v_width == 0 || (d_v == 0 ? v_width > d_k : v_width != d_v))
        return refuse(reason, reason_bytes, "v_width is ", v_width, ", stored are d_k = ", d_k, ", d_v = ", d_v);
    if (!has_run_rows(op.output(0)) || row_elements(op.output(0)) != q.dims[1].count * v_width)
        return refuse(reason, reason_bytes, op.output(0).name, " is not [R, n_heads, v_width]");
    return true;
}

/// Weights of all positions, the sum of v, and one stored vector as f32.
size_t scratch_bytes(const OpView &op, const hadal_bk_limits &limits) {
    const size_t v_width = op.attributes<hadal_attention>().v_width;
    const auto d_k = static_cast<size_t>(op.input(0).dims[2].count);
    return (limits.max_context + v_width) * sizeof(double) + std::max(d_k, v_width) * sizeof(float);
}

/// Of one head in one row.
struct Head {
    const Call &call;
    StateView state;
    const uint32_t *pages;
    int64_t n_positions;  // 0 .. the row's own
    int64_t kv_head;
};

/// The stored vector of one position, as f32.
template <std::byte *(StateView::*vector)(uint32_t, int64_t, uint32_t) const>
auto load(const Head &head, int64_t position, int64_t n, float *buffer) {
    const uint32_t page_size = head.call.op.page_size();
    const uint32_t page = head.pages[position / page_size];
    const auto slot = static_cast<uint32_t>(position % page_size);
    unpack(head.call.inputs[1].value->dtype, (head.state.*vector)(page, head.kv_head, slot), n, buffer);
    return column(static_cast<const float *>(buffer), n).template cast<double>();
}

/// out = softmax(scale * q . k) v
void attend(const Head &head, const float *q, float *out) {
    const auto &attributes = head.call.op.attributes<hadal_attention>();
    const int64_t n = head.n_positions, d_k = head.state.d_k(), v_width = attributes.v_width;
    auto *weights = reinterpret_cast<double *>(head.call.scratch);
    auto *sum = weights + n;
    auto *stored = reinterpret_cast<float *>(sum + v_width);
    const double scale = attributes.scale;
    for (int64_t p = 0; p < n; ++p)
        weights[p] = scale * (column(q, d_k).cast<double>() * load<&StateView::k>(head, p, d_k, stored)).sum();
    const double largest = *std::max_element(weights, weights + n);
    double total = 0;
    for (int64_t p = 0; p < n; ++p) total += weights[p] = std::exp(weights[p] - largest);
    column(sum, v_width).setZero();
    for (int64_t p = 0; p < n; ++p) column(sum, v_width) += weights[p] * load<&StateView::v>(head, p, v_width, stored);
    column(out, v_width) = (column(sum, v_width) / total).cast<float>();
}

/// Attends over the cache, causally, each timeline for itself.
/// Maths    per row at position p and head h: softmax over positions 0..p of scale * q . k[h / (n_heads / n_kv)],
///          times v
/// Shapes   q [R, n_heads, d_k] f32, state [n_kv, d_k, d_v] f32/bf16, out [R, n_heads, v_width]; d_v = 0: v is the
///          first v_width elements of k
/// Numerics f64, maximum subtracted, rounded once
/// Source   arXiv:1706.03762; grouped queries: arXiv:2305.13245
hadal_status run(const Call &call, hadal_error *) {
    const Operand &q = call.inputs[0], &out = call.outputs[0];
    const StateView state(call.inputs[1], call.op.page_size());
    const int64_t n_heads = q.value->dims[1].count, d_k = q.value->dims[2].count;
    const int64_t v_width = call.op.attributes<hadal_attention>().v_width;
    const Share mine = share(call.run.n_rows() * n_heads, call.worker);
    for (uint32_t t = 0; t < call.run.n_timelines(); ++t) {
        const hadal_run_timeline &timeline = call.run.timeline(t);
        const int64_t first = timeline.first_row * n_heads, end = first + timeline.n_rows * n_heads;
        for (int64_t i = std::max(first, mine.begin); i < std::min(end, mine.end); ++i) {
            const int64_t row = i / n_heads, h = i % n_heads;
            const int64_t position = timeline.kv_length - timeline.n_rows + row - timeline.first_row;
            const Head head{call, state, call.run.pages(timeline), position + 1, h / (n_heads / state.n_kv())};
            attend(head, q.row(row) + h * d_k, out.row(row) + h * v_width);
        }
    }
    return HADAL_OK;
}

}  // namespace

constinit const sdk::Kernel kAttention = {
    .opcode = HADAL_OP_ATTENTION, .version = 1, .accepts = accepts, .run = run, .scratch_bytes = scratch_bytes};

}  // namespace hadal::reference

// kv_append(state, k [R, n_kv, d_k] [, v [R, n_kv, d_v]]) -> state: every row goes to its position's slot.
#include "backends/cpu/kernels.h"
#include "backends/cpu/simd/choose.h"
#include "backends/cpu/work.h"

namespace hadal::cpu {
namespace {

void write_vector(const float *from, int64_t n, uint32_t dtype, std::byte *to) {
    if (dtype == HADAL_DTYPE_BF16)
        isa().round_bf16(from, n, reinterpret_cast<uint16_t *>(to));
    else
        std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

}  // namespace

bool kv_append_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes) {
    const hadal_bk_value &state = op.input(0), &k = op.input(1);
    if (state.kind != HADAL_BK_STATE) return refuse(reason, reason_bytes, state.name, " is not a state");
    const int64_t n_kv = state.dims[0].count, d_k = state.dims[1].count, d_v = state.dims[2].count;
    if (sdk::row_elements(k) != n_kv * d_k)
        return refuse(reason, reason_bytes, k.name, " has rows of ", sdk::row_elements(k), ", the state of ",
                      n_kv * d_k);
    if (op.n_inputs() != (d_v == 0 ? 2u : 3u))
        return refuse(reason, reason_bytes, state.name, " keeps ", d_v == 0 ? "one vector" : "two vectors",
                      " per head");
    if (d_v != 0 && sdk::row_elements(op.input(2)) != n_kv * d_v)
        return refuse(reason, reason_bytes, op.input(2).name, " has rows of ", sdk::row_elements(op.input(2)),
                      ", the state of ", n_kv * d_v);
    return true;
}

hadal_status kv_append_run(const sdk::Call &call, hadal_error *) {
    const sdk::Operand &k = call.inputs[1];
    const uint32_t page_size = call.run.page_size(), dtype = call.inputs[0].value->dtype;
    const sdk::StateView state(call.inputs[0], page_size);
    const sdk::Share share = sdk::share(k.rows, call.worker);
    for (uint32_t t = 0; t < call.run.n_timelines(); ++t) {
        const hadal_run_timeline &timeline = call.run.timeline(t);
        const uint32_t *pages = call.run.pages(timeline);
        const int64_t first = timeline.first_row, last = first + timeline.n_rows;
        for (int64_t r = std::max(first, share.begin); r < std::min(last, share.end); ++r) {
            const int64_t position = timeline.kv_length - timeline.n_rows + (r - first);
            const uint32_t page = pages[position / page_size];
            const auto slot = static_cast<uint32_t>(position % page_size);
            for (int64_t h = 0; h < state.n_kv(); ++h) {
                write_vector(k.row(r) + h * state.d_k(), state.d_k(), dtype, state.k(page, h, slot));
                if (state.d_v() != 0)
                    write_vector(call.inputs[2].row(r) + h * state.d_v(), state.d_v(), dtype, state.v(page, h, slot));
            }
        }
    }
    return HADAL_OK;
}

}  // namespace hadal::cpu

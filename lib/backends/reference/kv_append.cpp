// kv_append: stores keys and values of new rows in the cache.
#include <cstring>

#include "kernels.h"

namespace hadal::reference {

namespace {

using namespace sdk;

bool accepts(const OpView &op, char *reason, size_t reason_bytes) {
    const hadal_bk_value &state = op.input(0), &k = op.input(1);
    if (state.kind != HADAL_BK_STATE || op.output(0).kind != HADAL_BK_STATE)
        return refuse(reason, reason_bytes, state.name, " is not a state");
    if (!has_run_rows(k) || row_elements(k) != state.dims[0].count * state.dims[1].count)
        return refuse(reason, reason_bytes, k.name, " does not fit ", state.name);
    if ((op.n_inputs() == 3) != (state.dims[2].count > 0))
        return refuse(reason, reason_bytes, state.name, " stores ", state.dims[2].count, " elements of v");
    if (op.n_inputs() == 3 &&
        (!has_run_rows(op.input(2)) || row_elements(op.input(2)) != state.dims[0].count * state.dims[2].count))
        return refuse(reason, reason_bytes, op.input(2).name, " does not fit ", state.name);
    return true;
}

void store(uint32_t dtype, const float *from, int64_t n, std::byte *to) {
    if (dtype == HADAL_DTYPE_F32) {
        std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < n; ++i) {
        const uint16_t rounded = f32_to_bf16(from[i]);
        std::memcpy(to + 2 * i, &rounded, sizeof rounded);
    }
}

/// Writes each row's vectors at its position in its timeline's pages.
/// Maths    k[t, position, head] = k[row, head], and v alike
/// Shapes   state [n_kv, d_k, d_v] f32/bf16, k [R, n_kv, d_k] f32, v [R, n_kv, d_v] f32
/// Numerics rounded to the state's type, to nearest, ties to even
/// Aliasing the output is the same storage
/// Source   ops.h, "The cache"
hadal_status run(const Call &call, hadal_error *) {
    const StateView state(call.inputs[0], call.op.page_size());
    const uint32_t dtype = call.inputs[0].value->dtype;
    const Share mine = share(call.run.n_rows(), call.worker);
    for (uint32_t t = 0; t < call.run.n_timelines(); ++t) {
        const hadal_run_timeline &timeline = call.run.timeline(t);
        const uint32_t *pages = call.run.pages(timeline);
        for (int64_t j = 0; j < timeline.n_rows; ++j) {
            const int64_t row = timeline.first_row + j;
            if (row < mine.begin || row >= mine.end) continue;
            const int64_t position = timeline.kv_length - timeline.n_rows + j;
            const uint32_t page = pages[position / call.op.page_size()];
            const auto slot = static_cast<uint32_t>(position % call.op.page_size());
            for (int64_t head = 0; head < state.n_kv(); ++head) {
                store(dtype, call.inputs[1].row(row) + head * state.d_k(), state.d_k(), state.k(page, head, slot));
                if (state.d_v() == 0) continue;
                store(dtype, call.inputs[2].row(row) + head * state.d_v(), state.d_v(), state.v(page, head, slot));
            }
        }
    }
    return HADAL_OK;
}

}  // namespace

constinit const sdk::Kernel kKvAppend = {.opcode = HADAL_OP_KV_APPEND, .version = 1, .accepts = accepts, .run = run};

}  // namespace hadal::reference

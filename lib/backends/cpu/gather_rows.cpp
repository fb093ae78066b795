// gather_rows(table [N, d], ids [R]) -> [R, d]: exact dequantisation of the rows named.
#include "backends/cpu/kernels.h"
#include "backends/cpu/simd/choose.h"
#include "backends/cpu/weights.h"
#include "backends/cpu/work.h"

namespace hadal::cpu {

bool gather_rows_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes) {
    const hadal_bk_value &table = op.input(0), &ids = op.input(1), &out = op.output(0);
    if (!weight_type(table.dtype)) return refuse(reason, reason_bytes, table.name, " has type ", table.dtype);
    const int64_t d = sdk::row_elements(table);
    if (!whole_blocks(table, d)) return refuse(reason, reason_bytes, table.name, " has rows of broken blocks");
    if (ids.dtype != HADAL_DTYPE_I32 || ids.kind != HADAL_BK_INPUT)
        return refuse(reason, reason_bytes, ids.name, " is not an i32 input");
    if (sdk::row_elements(out) != d)
        return refuse(reason, reason_bytes, out.name, " has rows of ", sdk::row_elements(out), ", ", table.name, " of ",
                      d);
    return true;
}

hadal_status gather_rows_run(const sdk::Call &call, hadal_error *) {
    const WeightRows table(call.inputs[0]);
    const auto *ids = reinterpret_cast<const int32_t *>(call.inputs[1].data);
    const sdk::Operand &out = call.outputs[0];
    const int64_t d = sdk::row_elements(*out.value);
    const auto unpack = isa().unpack[table.type];
    const sdk::Share rows = sdk::share(out.rows, call.worker);
    for (int64_t r = rows.begin; r < rows.end; ++r) unpack(table.row(ids[r]), d, out.row(r));
    return HADAL_OK;
}

}  // namespace hadal::cpu

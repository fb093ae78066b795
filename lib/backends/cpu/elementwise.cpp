// add and silu_mul: two arrays of one shape in, one out.
#include "backends/cpu/kernels.h"
#include "backends/cpu/simd/choose.h"
#include "backends/cpu/work.h"

namespace hadal::cpu {

bool elementwise_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes) {
    const hadal_bk_value &a = op.input(0);
    for (const hadal_bk_value *other : {&op.input(1), &op.output(0)})
        if (!same_shape(a, *other))
            return refuse(reason, reason_bytes, other->name, " has another shape than ", a.name);
    for (const hadal_bk_value *value : {&a, &op.input(1)})
        if (value->kind != HADAL_BK_ACTIVATION && value->kind != HADAL_BK_OUTPUT)
            return refuse(reason, reason_bytes, value->name, " is not an activation");
    return true;
}

hadal_status add_run(const sdk::Call &call, hadal_error *) {
    const sdk::Operand &a = call.inputs[0], &b = call.inputs[1], &out = call.outputs[0];
    for_each_run(call.worker, out.rows, sdk::row_elements(*out.value), [&](int64_t r, int64_t begin, int64_t end) {
        const float *from_a = a.row(r), *from_b = b.row(r);
        float *to = out.row(r);
        for (int64_t i = begin; i < end; ++i) to[i] = from_a[i] + from_b[i];
    });
    return HADAL_OK;
}

hadal_status silu_mul_run(const sdk::Call &call, hadal_error *) {
    const sdk::Operand &gate = call.inputs[0], &up = call.inputs[1], &out = call.outputs[0];
    const auto silu_mul = isa().silu_mul;
    for_each_run(call.worker, out.rows, sdk::row_elements(*out.value), [&](int64_t r, int64_t begin, int64_t end) {
        silu_mul(gate.row(r) + begin, up.row(r) + begin, end - begin, out.row(r) + begin);
    });
    return HADAL_OK;
}

}  // namespace hadal::cpu

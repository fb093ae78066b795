// add and silu_mul: two activations of one shape, element by element.
#include "kernels.h"

namespace hadal::reference {

namespace {

using namespace sdk;

bool accepts(const OpView &op, char *reason, size_t reason_bytes) {
    for (const hadal_bk_value *other : {&op.input(1), &op.output(0)})
        if (!same_shape(op.input(0), *other))
            return refuse(reason, reason_bytes, op.input(0).name, " and ", other->name, " have different shapes");
    return true;
}

/// Rows of one worker: out = function(a, b) on columns of doubles.
template <class Function>
hadal_status for_each_row(const Call &call, Function &&function) {
    const Operand &a = call.inputs[0], &b = call.inputs[1], &out = call.outputs[0];
    const int64_t n = row_elements(*out.value);
    const Share rows = share(out.rows, call.worker);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
        const auto left = column(static_cast<const float *>(a.row(r)), n).cast<double>();
        const auto right = column(static_cast<const float *>(b.row(r)), n).cast<double>();
        column(out.row(r), n) = function(left, right).template cast<float>();
    }
    return HADAL_OK;
}

/// Adds two activations.
/// Maths    out = a + b
/// Shapes   a, b, out [R, ...] f32
/// Numerics rounded once
/// Source   ops.h
hadal_status run_add(const Call &call, hadal_error *) {
    return for_each_row(call, [](const auto &a, const auto &b) { return a + b; });
}

/// The gated unit of a feed-forward block.
/// Maths    out = gate / (1 + exp(-gate)) * up
/// Shapes   gate, up, out [R, d] f32
/// Numerics f64, rounded once
/// Source   SwiGLU, arXiv:2002.05202
hadal_status run_silu_mul(const Call &call, hadal_error *) {
    return for_each_row(call, [](const auto &gate, const auto &up) {
        // std::exp: infinite for gate below -709, where Eigen's packet version is clamped to a finite number.
        const auto falling = gate.unaryExpr([](double g) { return std::exp(-g); });
        return gate / (1.0 + falling) * up;
    });
}

}  // namespace

constinit const sdk::Kernel kAdd = {.opcode = HADAL_OP_ADD, .version = 1, .accepts = accepts, .run = run_add};
constinit const sdk::Kernel kSiluMul = {
    .opcode = HADAL_OP_SILU_MUL, .version = 1, .accepts = accepts, .run = run_silu_mul};

}  // namespace hadal::reference

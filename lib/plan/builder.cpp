#include "plan/builder.h"

#include <cmath>

#include "format/dtype.h"

namespace hadal::core {

namespace {

int64_t product(const std::vector<Dim> &dims, size_t first) {
    int64_t n = 1;
    for (size_t i = first; i < dims.size(); ++i) n *= dims[i].count;
    return n;
}

std::vector<Dim> constant_dims(std::initializer_list<int64_t> dims) {
    std::vector<Dim> result;
    for (const int64_t count : dims) result.push_back({count});
    return result;
}

}  // namespace

Builder::Builder(const Checkpoint &checkpoint, uint32_t state_dtype)
    : checkpoint_(checkpoint), state_dtype_(state_dtype) {}

void Builder::scope(std::string name) {
    scope_ = std::move(name) + ".";
}

Ref Builder::fail(Error error) {
    if (!error_) error_ = std::move(error);
    return {};
}

bool Builder::broken(std::initializer_list<Ref> operands) const {
    if (error_) return true;
    for (const Ref ref : operands) {
        if (!ref) return true;
    }
    return false;
}

Ref Builder::add_value(Value value) {
    const auto id = static_cast<ValueId>(program_.values.size());
    if (value.base == UINT32_MAX) value.base = id;
    if (value.row_stride == 0) value.row_stride = core::row_elements(value);
    program_.values.push_back(std::move(value));
    return {id};
}

Ref Builder::weight(const std::string &name, std::initializer_list<int64_t> dims) {
    if (const Ref ref = optional_weight(name, dims); ref || error_) return ref;
    return fail(error(Status::bad_format, checkpoint_.path(), ": tensor '", name,
                      "' is missing, the model asks for shape ", core::dims_text(constant_dims(dims))));
}

Ref Builder::optional_weight(const std::string &name, std::initializer_list<int64_t> dims) {
    if (error_) return {};
    const TensorInfo *tensor = checkpoint_.find(name);
    if (!tensor) return {};
    if (tensor->dims != std::vector<int64_t>(dims)) {
        return fail(error(Status::bad_format, checkpoint_.path(), ": tensor '", name, "' has shape ",
                          core::dims_text(tensor->dims), ", the model's numbers ask for ",
                          core::dims_text(constant_dims(dims))));
    }
    Value value{.name = name,
                .kind = ValueKind::weight,
                .dtype = tensor->dtype,
                .dims = constant_dims(dims),
                .base = UINT32_MAX,
                .tensors = {}};
    value.tensors.push_back(static_cast<uint32_t>(tensor - checkpoint_.tensors().data()));
    return add_value(std::move(value));
}

Ref Builder::state(const std::string &name, int64_t n_kv, int64_t d_k, int64_t d_v) {
    if (error_) return {};
    return add_value({.name = name,
                      .kind = ValueKind::state,
                      .dtype = state_dtype_,
                      .dims = {{n_kv}, {d_k}, {d_v}},
                      .base = UINT32_MAX,
                      .tensors = {}});
}

Ref Builder::input(uint32_t which, const char *name, Symbol symbol) {
    if (!inputs_[which]) {
        inputs_[which] = add_value({.name = name,
                                    .kind = ValueKind::input,
                                    .dtype = HADAL_DTYPE_I32,
                                    .dims = {{1, symbol}},
                                    .input = which,
                                    .base = UINT32_MAX,
                                    .tensors = {}});
    }
    return inputs_[which];
}

Ref Builder::tokens() {
    return input(HADAL_INPUT_TOKENS, "tokens", Symbol::rows);
}
Ref Builder::positions() {
    return input(HADAL_INPUT_POSITIONS, "positions", Symbol::rows);
}
Ref Builder::out_rows() {
    return input(HADAL_INPUT_OUT_ROWS, "out_rows", Symbol::out);
}

Ref Builder::reshape(Ref source, std::initializer_list<int64_t> dims) {
    if (broken({source})) return {};
    Value view = value(source);
    std::vector<Dim> shape = constant_dims(dims);
    shape.insert(shape.begin(), view.dims[0]);
    if (product(shape, 1) != product(view.dims, 1)) {
        return fail(error(Status::internal, "reshape: '", view.name, "' has shape ", core::dims_text(view.dims),
                          ", which cannot be seen as ", core::dims_text(shape)));
    }
    view.dims = std::move(shape);
    return add_value(std::move(view));
}

Ref Builder::add_op(uint32_t opcode, std::vector<Ref> inputs, std::vector<Dim> dims, Attributes attributes) {
    Op op{.opcode = opcode, .inputs = {}, .outputs = {}, .attributes = std::move(attributes)};
    for (const Ref ref : inputs) op.inputs.push_back(ref.id);
    const Ref output = add_value({.name = text(scope_, op_name(opcode), "#", program_.ops.size()),
                                  .kind = ValueKind::activation,
                                  .dtype = HADAL_DTYPE_F32,
                                  .dims = std::move(dims),
                                  .base = UINT32_MAX,
                                  .tensors = {}});
    op.outputs.push_back(output.id);
    program_.ops.push_back(std::move(op));
    return output;
}

Ref Builder::misfit(uint32_t opcode, Ref a, Ref b, const char *rule) {
    return fail(error(Status::bad_format, checkpoint_.path(), ": ", scope_, op_name(opcode), " of '", value(a).name,
                      "' ", core::dims_text(value(a).dims), " and '", value(b).name, "' ",
                      core::dims_text(value(b).dims), ": ", rule));
}

Ref Builder::misfit(uint32_t opcode, Ref a, const char *rule) {
    return fail(error(Status::bad_format, checkpoint_.path(), ": ", scope_, op_name(opcode), " of '", value(a).name,
                      "' ", core::dims_text(value(a).dims), ": ", rule));
}

bool Builder::is_f32(Ref ref) {
    return value(ref).kind == ValueKind::activation && value(ref).dtype == HADAL_DTYPE_F32;
}

Ref Builder::gather_rows(Ref table, Ref ids) {
    if (broken({table, ids})) return {};
    if (value(table).dims.size() != 2) return misfit(HADAL_OP_GATHER_ROWS, table, "a table has two dims");
    return add_op(HADAL_OP_GATHER_ROWS, {table, ids}, {value(ids).dims[0], value(table).dims[1]});
}

Ref Builder::matmul(Ref input, Ref weight) {
    if (broken({input, weight})) return {};
    const std::vector<Dim> &x = value(input).dims;
    const std::vector<Dim> &w = value(weight).dims;
    if (!is_f32(input) || w.size() != 2 || w[1].count != product(x, 1)) {
        return misfit(HADAL_OP_MATMUL, input, weight, "the row widths differ");
    }
    return add_op(HADAL_OP_MATMUL, {input, weight}, {x[0], {w[0].count}});
}

Ref Builder::add(Ref a, Ref b) {
    if (broken({a, b})) return {};
    if (value(a).dims != value(b).dims) return misfit(HADAL_OP_ADD, a, b, "the shapes differ");
    return add_op(HADAL_OP_ADD, {a, b}, value(a).dims);
}

Ref Builder::silu_mul(Ref gate, Ref up) {
    if (broken({gate, up})) return {};
    if (value(gate).dims != value(up).dims) return misfit(HADAL_OP_SILU_MUL, gate, up, "the shapes differ");
    return add_op(HADAL_OP_SILU_MUL, {gate, up}, value(gate).dims);
}

Ref Builder::rms_norm(Ref input, Ref weight, double epsilon) {
    if (broken({input, weight})) return {};
    const Value &w = value(weight);
    if (w.dims.size() != 1 || w.dims[0].count != value(input).dims.back().count) {
        return misfit(HADAL_OP_RMS_NORM, input, weight, "the last dims differ");
    }
    if (w.dtype != HADAL_DTYPE_F32 && w.dtype != HADAL_DTYPE_F16 && w.dtype != HADAL_DTYPE_BF16) {
        return misfit(HADAL_OP_RMS_NORM, weight, "a norm's weight is f32, f16 or bf16");
    }
    return add_op(HADAL_OP_RMS_NORM, {input, weight}, value(input).dims,
                  hadal_rms_norm{static_cast<float>(epsilon), 0});
}

Ref Builder::rope(Ref input, const hadal_rope &attributes, Ref divisors) {
    if (broken({input})) return {};
    const std::vector<Dim> &x = value(input).dims;
    if (x.size() != 3 || attributes.n_rotated % 2 != 0 || attributes.n_rotated == 0 ||
        attributes.n_rotated > x[2].count) {
        return misfit(HADAL_OP_ROPE, input, "the rotated width is even and at most the width of a head");
    }
    std::vector<Ref> inputs{input, positions()};
    if (divisors) {
        const Value &d = value(divisors);
        if (d.dims != std::vector<Dim>{{attributes.n_rotated / 2}} || d.dtype != HADAL_DTYPE_F32) {
            return misfit(HADAL_OP_ROPE, input, divisors, "divisors are f32, one for each rotated pair");
        }
        inputs.push_back(divisors);
    }
    return add_op(HADAL_OP_ROPE, std::move(inputs), x, attributes);
}

Ref Builder::kv_append(Ref state, Ref k, Ref v) {
    if (broken({state, k, v})) return {};
    const std::vector<Dim> &cache = value(state).dims;
    const auto fits = [&](Ref ref, const Dim &width) {
        const std::vector<Dim> &dims = value(ref).dims;
        return dims.size() == 3 && dims[1] == cache[0] && dims[2] == width;
    };
    if (!fits(k, cache[1])) return misfit(HADAL_OP_KV_APPEND, state, k, "k does not fit the cache");
    if (!fits(v, cache[2])) return misfit(HADAL_OP_KV_APPEND, state, v, "v does not fit the cache");
    const Ref next = add_op(HADAL_OP_KV_APPEND, {state, k, v}, cache);
    Value &version = value(next);
    version.kind = ValueKind::state;
    version.dtype = state_dtype_;
    version.base = value(state).base;
    return next;
}

Ref Builder::attention(Ref q, Ref state, double scale) {
    if (broken({q, state})) return {};
    const std::vector<Dim> &x = value(q).dims;
    const std::vector<Dim> &cache = value(state).dims;
    if (x.size() != 3 || x[2] != cache[1] || x[1].count % cache[0].count != 0) {
        return misfit(HADAL_OP_ATTENTION, q, state, "heads are a multiple of the cache's and equally wide");
    }
    const int64_t v_width = cache[2].count;
    return add_op(HADAL_OP_ATTENTION, {q, state}, {x[0], x[1], {v_width}},
                  hadal_attention{static_cast<float>(scale), static_cast<uint32_t>(v_width)});
}

Result<Program> Builder::finish(Ref logits) {
    if (error_) return *error_;
    value(logits).kind = ValueKind::output;
    value(logits).name = "logits";
    return std::move(program_);
}

}  // namespace hadal::core

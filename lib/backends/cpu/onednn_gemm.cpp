// The only file that calls oneDNN. What oneDNN does to the process while we call it: README.md.
#include "backends/cpu/onednn_gemm.h"

#include "backends/cpu/onednn_platform.h"
#include "hadal/backend_sdk.hpp"

namespace hadal::cpu {
namespace {

// Without this a variable of the environment makes oneDNN print every call.
void be_silent() {
    static const bool once = [] { return dnnl_set_verbose(0) == dnnl_success; }();
    static_cast<void>(once);
}

hadal_status failed(dnnl_status_t status, hadal_error *err) {
    if (status == dnnl_out_of_memory)
        return sdk::fill_error(err, HADAL_OUT_OF_MEMORY, "oneDNN had no memory for a product");
    return sdk::fill_error(err, HADAL_INTERNAL, "oneDNN refused a product with status ", static_cast<int>(status));
}

}  // namespace

hadal_status gemm_f32(const Gemm &gemm, Into into, hadal_error *err) {
    be_silent();
    const OneThread one_thread;
    const dnnl_status_t status = dnnl_sgemm('N', 'T', gemm.m, gemm.n, gemm.k, 1.0f, static_cast<const float *>(gemm.a),
                                            gemm.a_stride, static_cast<const float *>(gemm.b), gemm.b_stride,
                                            into == Into::kAdd ? 1.0f : 0.0f, gemm.c, gemm.c_stride);
    return status == dnnl_success ? HADAL_OK : failed(status, err);
}

bool has_bf16_gemm() {
    static const bool native = [] {
        const auto wanted = static_cast<unsigned>(dnnl_cpu_isa_avx512_core_bf16);
        return (static_cast<unsigned>(dnnl_get_effective_cpu_isa()) & wanted) == wanted;
    }();
    return native;
}

namespace {

// One of oneDNN's handles, destroyed with its owner.
template <class T, dnnl_status_t (*destroy)(T)>
struct Handle {
    T value = nullptr;
    Handle() = default;
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() {
        if (value != nullptr) destroy(value);
    }
};

// Made anew for each product: oneDNN keeps the code in a cache of its own, and looking it up takes microseconds beside
// a product's milliseconds.
struct Matmul {
    Handle<dnnl_engine_t, dnnl_engine_destroy> engine;
    Handle<dnnl_stream_t, dnnl_stream_destroy> stream;
    Handle<dnnl_primitive_desc_t, dnnl_primitive_desc_destroy> description;
    Handle<dnnl_primitive_t, dnnl_primitive_destroy> primitive;
    Handle<dnnl_memory_t, dnnl_memory_destroy> memory_a, memory_b, memory_c;
};

}  // namespace

hadal_status gemm_bf16(const Gemm &gemm, hadal_error *err) {
    be_silent();
    const OneThread one_thread;
    Matrix a, b, c;
    Matmul it;
    dnnl_status_t status = dnnl_success;
    const auto then = [&status](dnnl_status_t next) { return (status = next) == dnnl_success; };
    const bool done =
        then(a.describe(gemm.m, gemm.k, gemm.a_stride, 1, dnnl_bf16)) &&
        then(b.describe(gemm.k, gemm.n, 1, gemm.b_stride, dnnl_bf16)) &&
        then(c.describe(gemm.m, gemm.n, gemm.c_stride, 1, dnnl_f32)) &&
        then(dnnl_engine_create(&it.engine.value, dnnl_cpu, 0)) &&
        then(dnnl_stream_create(&it.stream.value, it.engine.value, dnnl_stream_default_flags)) &&
        then(describe_matmul(&it.description.value, it.engine.value, a, b, c)) &&
        then(dnnl_primitive_create(&it.primitive.value, it.description.value)) &&
        then(dnnl_memory_create(&it.memory_a.value, a.get(), it.engine.value, const_cast<void *>(gemm.a))) &&
        then(dnnl_memory_create(&it.memory_b.value, b.get(), it.engine.value, const_cast<void *>(gemm.b))) &&
        then(dnnl_memory_create(&it.memory_c.value, c.get(), it.engine.value, gemm.c));
    if (!done) return failed(status, err);
    const dnnl_exec_arg_t operands[] = {
        {DNNL_ARG_SRC, it.memory_a.value}, {DNNL_ARG_WEIGHTS, it.memory_b.value}, {DNNL_ARG_DST, it.memory_c.value}};
    if (!then(dnnl_primitive_execute(it.primitive.value, it.stream.value, 3, operands)) ||
        !then(dnnl_stream_wait(it.stream.value)))
        return failed(status, err);
    return HADAL_OK;
}

}  // namespace hadal::cpu

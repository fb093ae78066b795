// The only file that calls oneDNN. What oneDNN does to the process while we call it: README.md.
#include "backends/cpu/onednn_gemm.h"

#include <new>

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

// The primitive is made anew each time: oneDNN keeps its code in a cache of its own, and looking it up costs
// microseconds beside a slice's milliseconds.
hadal_status gemm_bf16(const Gemm &gemm, hadal_error *err) {
    using dnnl::memory;
    be_silent();
    const OneThread one_thread;
    try {
        const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
        dnnl::stream stream(engine);
        const memory::desc a({gemm.m, gemm.k}, memory::data_type::bf16, memory::dims{gemm.a_stride, 1});
        const memory::desc b({gemm.k, gemm.n}, memory::data_type::bf16, memory::dims{1, gemm.b_stride});
        const memory::desc c({gemm.m, gemm.n}, memory::data_type::f32, memory::dims{gemm.c_stride, 1});
        const dnnl::matmul matmul(matmul_of(engine, a, b, c));
        matmul.execute(stream, {{DNNL_ARG_SRC, memory(a, engine, const_cast<void *>(gemm.a))},
                                {DNNL_ARG_WEIGHTS, memory(b, engine, const_cast<void *>(gemm.b))},
                                {DNNL_ARG_DST, memory(c, engine, gemm.c)}});
        stream.wait();
        return HADAL_OK;
    } catch (const dnnl::error &error) {
        return failed(error.status, err);
    } catch (const std::bad_alloc &) {
        return failed(dnnl_out_of_memory, err);
    }
}

}  // namespace hadal::cpu

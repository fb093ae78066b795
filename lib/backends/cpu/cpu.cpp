// The table of kernels, and the backend made of it.
#include "backends/cpu/cpu.h"

#include "backends/cpu/kernels.h"
#include "backends/cpu/simd/choose.h"

namespace hadal::cpu {
namespace {

constexpr sdk::Kernel kKernels[] = {
    {HADAL_OP_GATHER_ROWS, 1, gather_rows_accepts, gather_rows_run},
    {.opcode = HADAL_OP_MATMUL,
     .version = 1,
     .accepts = matmul_accepts,
     .run = matmul_run,
     .scratch_bytes = matmul_scratch_bytes,
     .shared_scratch_bytes = matmul_shared_scratch_bytes},
    {HADAL_OP_ADD, 1, elementwise_accepts, add_run},
    {HADAL_OP_SILU_MUL, 1, elementwise_accepts, silu_mul_run},
    {.opcode = HADAL_OP_RMS_NORM,
     .version = 1,
     .accepts = rms_norm_accepts,
     .run = rms_norm_run,
     .prepared_bytes = rms_norm_prepared_bytes,
     .prepare = rms_norm_prepare},
    {.opcode = HADAL_OP_ROPE,
     .version = 1,
     .accepts = rope_accepts,
     .run = rope_run,
     .prepared_bytes = rope_prepared_bytes,
     .prepare = rope_prepare,
     .scratch_bytes = rope_scratch_bytes},
    {HADAL_OP_KV_APPEND, 1, kv_append_accepts, kv_append_run},
    {.opcode = HADAL_OP_ATTENTION,
     .version = 1,
     .accepts = attention_accepts,
     .run = attention_run,
     .scratch_bytes = attention_scratch_bytes},
};

void describe(char *name, size_t name_bytes) {
    sdk::write_text(name, name_bytes, "CPU, ", isa().name);
}

}  // namespace

constexpr sdk::Backend kBackend{"cpu", kKernels, sizeof kKernels / sizeof *kKernels, describe};

}  // namespace hadal::cpu

hadal_status hadal_cpu_entry(const hadal_bk_host *host, const hadal_bk_api **out, hadal_error *err) {
    return hadal::sdk::entry<hadal::cpu::kBackend>(host, out, err);
}

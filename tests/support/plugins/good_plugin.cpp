// The smallest plug-in: one op, and the entry.
#include "hadal/backend_sdk.hpp"

namespace {

using namespace hadal::sdk;

hadal_status run_add(const Call &call, hadal_error *) {
    const Operand &a = call.inputs[0], &b = call.inputs[1], &out = call.outputs[0];
    const Share rows = share(out.rows, call.worker);
    for (int64_t r = rows.begin; r < rows.end; ++r)
        for (int64_t i = 0; i < row_elements(*out.value); ++i) out.row(r)[i] = a.row(r)[i] + b.row(r)[i];
    return HADAL_OK;
}

constexpr Kernel kKernels[] = {{HADAL_OP_ADD, 1, nullptr, run_add}};
constexpr Backend kBackend = {"good_plugin", kKernels, 1,
                              [](char *name, size_t bytes) { write_text(name, bytes, "adds"); }};

}  // namespace

extern "C" __attribute__((visibility("default"))) hadal_status hadal_backend_entry(const hadal_bk_host *host,
                                                                                   const hadal_bk_api **out,
                                                                                   hadal_error *err) {
    return entry<kBackend>(host, out, err);
}

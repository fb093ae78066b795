// A plug-in that adds, on a device that says how much memory it has.
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
constexpr Backend kBackend = {"memory_plugin", kKernels, 1,
                              [](char *name, size_t bytes) { write_text(name, bytes, "adds"); }};

hadal_bk_api api;
const hadal_bk_api *kit_api;

hadal_status device_info(const hadal_bk_device *device, hadal_bk_device_info *out, hadal_error *err) {
    const hadal_status status = kit_api->device_info(device, out, err);
    if (status == HADAL_OK) out->memory_bytes = 0x123456789A;
    return status;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) hadal_status hadal_backend_entry(const hadal_bk_host *host,
                                                                                   const hadal_bk_api **out,
                                                                                   hadal_error *err) {
    const hadal_status status = entry<kBackend>(host, &kit_api, err);
    if (status != HADAL_OK) return status;
    api = *kit_api;
    api.device_info = device_info;
    *out = &api;
    return HADAL_OK;
}

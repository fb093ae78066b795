// Versions, names of statuses, and the model that is installed beside the library.
#include "base/file.h"
#include "base/own_folder.h"

#include "buffers.h"
#include "guard.h"

using namespace hadal;
using core::Result;

namespace {

/// From the folder of the library, or of a program that it is linked into.
constexpr const char *kSampleModels[] = {HADAL_SAMPLE_MODEL_FROM_LIBRARY, HADAL_SAMPLE_MODEL_FROM_PROGRAM};

Result<std::string> sample_model() {
    HADAL_TRY(const std::string folder, core::own_folder());
    std::string looked_at;
    for (const std::string relative : kSampleModels) {
        const std::string path = folder + "/" + relative;
        if (core::File::open(path)) return path;
        if (looked_at != path) looked_at += (looked_at.empty() ? "" : " and ") + path;
    }
    return core::error(core::Status::not_found, "the sample model is not installed; looked for at ", looked_at);
}

}  // namespace

uint32_t hadal_abi_version(void) {
    return uint32_t{HADAL_ABI_MAJOR} << 16 | uint32_t{HADAL_ABI_MINOR};
}

const char *hadal_version(void) {
    return "0.1.0";
}

const char *hadal_status_name(hadal_status status) {
    switch (status) {
        case HADAL_OK:
            return "OK";
        case HADAL_DONE:
            return "DONE";
        case HADAL_INVALID_ARGUMENT:
            return "INVALID_ARGUMENT";
        case HADAL_OUT_OF_MEMORY:
            return "OUT_OF_MEMORY";
        case HADAL_IO:
            return "IO";
        case HADAL_BAD_FORMAT:
            return "BAD_FORMAT";
        case HADAL_UNSUPPORTED:
            return "UNSUPPORTED";
        case HADAL_NOT_FOUND:
            return "NOT_FOUND";
        case HADAL_BUFFER_TOO_SMALL:
            return "BUFFER_TOO_SMALL";
        case HADAL_CANCELLED:
            return "CANCELLED";
        case HADAL_ABI_MISMATCH:
            return "ABI_MISMATCH";
        case HADAL_DEVICE_LOST:
            return "DEVICE_LOST";
        case HADAL_CONTEXT_FULL:
            return "CONTEXT_FULL";
        case HADAL_BUSY:
            return "BUSY";
        case HADAL_NEWER_STRUCT:
            return "NEWER_STRUCT";
        case HADAL_CALLBACK:
            return "CALLBACK";
        default:
            return "INTERNAL";
    }
}

hadal_status hadal_sample_model_path(char *buf, size_t cap, size_t *len, hadal_error *err) {
    return capi::guard(err, [&]() -> Result<void> {
        HADAL_CHECK(capi::require_buffer(buf, cap, len, "len"));
        HADAL_TRY(const std::string path, sample_model());
        return capi::copy_out(path, buf, cap, len);
    });
}

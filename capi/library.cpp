// Versions and names of statuses.
#include "hadal/hadal.h"

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

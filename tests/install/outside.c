/* A program of somebody else: all it knows is the installed header. */
#include <hadal/hadal.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    hadal_runtime_options options;
    hadal_runtime *runtime = NULL;
    hadal_error error;
    size_t devices;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.threads = 1;
    if (hadal_abi_version() >> 16 != HADAL_ABI_MAJOR) {
        fprintf(stderr, "header and library are of different majors\n");
        return 1;
    }
    if (hadal_runtime_create(&options, &runtime, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    devices = hadal_runtime_device_count(runtime);
    printf("hadal %s, devices: %u\n", hadal_version(), (unsigned)devices);
    hadal_runtime_release(runtime);
    return devices > 0 ? 0 : 1;
}

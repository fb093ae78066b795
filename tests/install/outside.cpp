// The same program in C++: hadal.hpp needs nothing but itself, hadal.h and the standard library.
#include <hadal/hadal.h>

#include <cstdio>
#include <hadal/hadal.hpp>

int main() {
    hadal_runtime_options options{};
    options.struct_size = sizeof options;
    options.threads = 1;
    hadal_runtime *runtime = nullptr;
    hadal_error error;
    if (hadal_runtime_create(&options, &runtime, &error) < 0) {
        std::fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const size_t devices = hadal_runtime_device_count(runtime);
    std::printf("hadal %s, devices: %zu\n", hadal_version(), devices);
    hadal_runtime_release(runtime);
    return devices > 0 ? 0 : 1;
}

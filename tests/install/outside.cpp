// The same program in C++: the facade over the same library.
#include <cstdio>
#include <exception>
#include <hadal/hadal.hpp>

int main() {
    try {
        hadal::RuntimeOptions options;
        options.threads = 1;
        const hadal::Runtime runtime(options);
        const auto devices = runtime.devices();
        std::printf("hadal %s, devices: %zu, the first: %s\n", hadal::version(), devices.size(),
                    devices.empty() ? "none" : devices.front().name);
        return devices.empty() ? 1 : 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

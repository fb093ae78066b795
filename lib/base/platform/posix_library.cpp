// SharedLibrary by dlopen.
#include <dlfcn.h>
#include <sys/stat.h>

#include "base/shared_library.h"

namespace hadal::core {

Result<SharedLibrary> SharedLibrary::open(const std::string &path) {
    if (path.find('/') == std::string::npos || path.find('\0') != std::string::npos) {
        return error(Status::invalid_argument, "'", path, "' is not the path of a library: it must contain a '/'");
    }
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) return error(Status::not_found, path, ": no such file");
    if (!S_ISREG(found.st_mode)) return error(Status::bad_format, path, ": not a regular file");
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char *why = dlerror();
        return error(Status::bad_format, path, ": not a library that can be loaded: ", why == nullptr ? "" : why);
    }
    return SharedLibrary(path, handle);
}

void *SharedLibrary::symbol(const char *name) const {
    return dlsym(handle_, name);
}

}  // namespace hadal::core

#include <dlfcn.h>
#include <stdlib.h>

#include <memory>

#include "base/own_folder.h"

namespace hadal::core {
namespace {

struct Free {
    void operator()(char *text) const { free(text); }
};

const char kHere = 0;  // an address of this code

}  // namespace

Result<std::string> own_folder() {
    Dl_info found{};
    const bool is_known = dladdr(&kHere, &found) != 0 && found.dli_fname != nullptr;
    const std::string name = is_known ? found.dli_fname : "";
    // A program is known by the word that started it, which may need a search path: the system knows its file.
    const bool is_path = name.find('/') != std::string::npos;
    const std::unique_ptr<char, Free> path(realpath(is_path ? name.c_str() : "/proc/self/exe", nullptr));
    if (!path) return error(Status::not_found, "the file of the library: ", name.empty() ? "unknown" : name);
    const std::string whole = path.get();
    return whole.substr(0, whole.rfind('/'));
}

}  // namespace hadal::core

#include <charconv>
#include <cstdint>
#include <fstream>

#include "base/own_folder.h"

namespace hadal::core {
namespace {

constexpr const char *kMaps = "/proc/self/maps";
const char kHere = 0;  // an address of what is mapped from our file

/// line: 'begin-end rights offset device inode path', the first two in hex
bool covers(const std::string &line, uintptr_t address) {
    uintptr_t begin = 0, end = 0;
    const char *const last = line.data() + line.size();
    const char *const dash = std::from_chars(line.data(), last, begin, 16).ptr;
    if (dash == last || *dash != '-') return false;
    std::from_chars(dash + 1, last, end, 16);
    return begin <= address && address < end;
}

}  // namespace

// The loader knows a library by the path that it was asked for, which may start from a folder that is no longer the
// current one, and a program by any word; the system knows the file.
Result<std::string> own_folder() {
    std::ifstream maps(kMaps);
    for (std::string line; std::getline(maps, line);) {
        const size_t path = line.find('/');
        if (path == std::string::npos || !covers(line, reinterpret_cast<uintptr_t>(&kHere))) continue;
        return line.substr(path, line.rfind('/') - path);
    }
    return error(Status::not_found, "the file of the library: ", kMaps, " does not say");
}

}  // namespace hadal::core

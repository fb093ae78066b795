// A library that is loaded while the program runs. It stays loaded: its threads and its static data cannot be undone.
#pragma once

#include <string>

#include "base/result.h"

namespace hadal::core {

class SharedLibrary {
public:
    /// path: exactly this file; it must hold a '/', so that no search path has a say. Symbols stay private to it.
    /// Fails: invalid_argument (a bare name), not_found, bad_format (no library, or one that lacks what it needs; the
    /// loader's own words).
    static Result<SharedLibrary> open(const std::string &path);

    const std::string &path() const { return path_; }

    /// The address of an exported symbol; null if there is none.
    void *symbol(const char *name) const;

private:
    SharedLibrary(std::string path, void *handle) : path_(std::move(path)), handle_(handle) {}

    std::string path_;
    void *handle_;
};

}  // namespace hadal::core

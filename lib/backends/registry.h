// How backends are found: those linked into the library, and plug-ins from a path.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "hadal/backend.h"

namespace hadal::core {

/// Entries of the backends that are part of this build, in order of preference.
std::span<hadal_backend_entry_fn *const> builtin_backends();

/// A backend whose table was checked: every required slot is there, and so is a valid name. Never unloaded.
class Backend {
public:
    const hadal_bk_api &api() const { return *api_; }

private:
    friend Result<Backend> enter_backend(hadal_backend_entry_fn *entry, const hadal_bk_host &host,
                                         const std::string &origin);
    explicit Backend(std::shared_ptr<const hadal_bk_api> api) : api_(std::move(api)) {}

    std::shared_ptr<const hadal_bk_api> api_;  ///< ours, of full size: what the backend's lacks is null
};

/// Calls a backend's entry and checks what it gives. origin: for messages. Fails: abi_mismatch (both versions),
/// bad_format (a short or incomplete table, a bad name), and as the entry does.
Result<Backend> enter_backend(hadal_backend_entry_fn *entry, const hadal_bk_host &host, const std::string &origin);

/// Loads a plug-in from exactly this path and enters it. Fails: also not_found, invalid_argument (no '/' in path),
/// bad_format (not a library, no hadal_backend_entry in it).
Result<Backend> load_backend(const std::string &path, const hadal_bk_host &host);

}  // namespace hadal::core

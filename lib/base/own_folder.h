// Where this code lies on disk: for files that are installed beside it.
#pragma once

#include <string>

#include "base/result.h"

namespace hadal::core {

/// The folder of the shared library, or of the program that it is linked into, without a '/' at its end.
/// Fails: not_found (the system does not say).
Result<std::string> own_folder();

}  // namespace hadal::core

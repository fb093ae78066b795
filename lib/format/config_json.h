// config.json, flattened: {"rope_scaling": {"factor": 8}} is the key "rope_scaling.factor".
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "format/limits.h"
#include "format/metadata.h"

namespace hadal::core {

/// Arrays of numbers, of booleans (as 0 and 1) and of strings are kept as arrays; the elements of any other array get
/// keys of their own, "key.0" and so on. Fails: io, bad_format.
Result<Metadata> read_config_json(const File &file, HeaderMemory &memory);

}  // namespace hadal::core

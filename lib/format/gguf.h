// GGUF, versions 2 and 3, little-endian. Format: ggml's docs/gguf.md.
#pragma once

#include <string>

#include "format/checkpoint.h"

namespace hadal::core {

/// Fails: not_found, io, bad_format, unsupported (other versions, big-endian, several parts, other element types).
Result<Checkpoint> open_gguf(const std::string &path);

}  // namespace hadal::core

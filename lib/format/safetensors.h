// safetensors: a length, a JSON table, the data. Format: the safetensors README.
#pragma once

#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "format/checkpoint.h"
#include "format/limits.h"

namespace hadal::core {

/// Appends the file's tensors to table, with file_i. The data is covered without holes, as the format asks.
/// Fails: io, bad_format, unsupported (an element type).
Result<void> read_safetensors(const File &file, uint32_t file_i, HeaderMemory &memory, std::vector<TensorInfo> &table);

}  // namespace hadal::core

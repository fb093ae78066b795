// Element types of stored tensors. The numbers are those of hadal/ops.h.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "hadal/ops.h"

namespace hadal::core {

struct DTypeInfo {
    uint32_t dtype;    ///< HADAL_DTYPE_*
    const char *name;  ///< "Q4_K"
    uint32_t block;    ///< weights in a block; 1 for plain types
    uint32_t block_bytes;
};

/// nullptr: not a type we read.
const DTypeInfo *dtype_info(uint32_t dtype);

/// Bytes of n elements, which must be whole blocks. Fails: bad_format (overflow, a broken block), unsupported.
Result<uint64_t> dtype_bytes(uint32_t dtype, uint64_t n_elements);

}  // namespace hadal::core

// Element types of weights: which column of the tables in simd/isa.h reads them, and how long their rows are.
#pragma once

#include <optional>

#include "backends/cpu/simd/isa.h"
#include "hadal/backend_sdk.hpp"

namespace hadal::cpu {

inline std::optional<WeightType> weight_type(uint32_t dtype) {
    switch (dtype) {
        case HADAL_DTYPE_F32:
            return kF32;
        case HADAL_DTYPE_F16:
            return kF16;
        case HADAL_DTYPE_BF16:
            return kBf16;
        case HADAL_DTYPE_Q8_0:
            return kQ8_0;
        case HADAL_DTYPE_Q4_0:
            return kQ4_0;
        case HADAL_DTYPE_Q4_K:
            return kQ4_K;
        case HADAL_DTYPE_Q6_K:
            return kQ6_K;
        default:
            return std::nullopt;
    }
}

/// A matrix of weights, or an f32 activation read like one.
struct WeightRows {
    explicit WeightRows(const sdk::Operand &operand)
        : type(*weight_type(operand.value->dtype)),
          data(operand.data),
          stride(sdk::dtype_row_bytes(operand.value->dtype, operand.row_stride)),
          block(sdk::block_shape(operand.value->dtype)) {}

    const std::byte *row(int64_t i) const { return data + i * stride; }
    /// From element k of row i on; k is a multiple of the block.
    const std::byte *at(int64_t i, int64_t k) const { return row(i) + k / block.elements * block.bytes; }

    WeightType type;
    const std::byte *data;
    int64_t stride;  ///< bytes
    sdk::BlockShape block;
};

/// Whole blocks in every row? The type must be known.
inline bool whole_blocks(const hadal_bk_value &value, int64_t row_elements) {
    const int64_t block = sdk::block_shape(value.dtype).elements;
    return block > 0 && row_elements % block == 0;
}

}  // namespace hadal::cpu

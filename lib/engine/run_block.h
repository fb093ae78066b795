// Packs rows of several timelines into the run block of hadal/ops.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/timeline.h"

namespace hadal::core {

/// The next n_rows uncomputed tokens of a timeline, with logits of the last n_out of them.
struct RowRequest {
    Timeline *timeline;
    uint32_t n_rows;  ///< at least 1
    uint32_t n_out;   ///< at most n_rows
};

class RunBlock {
public:
    /// Replaces the contents. requests: different timelines, in the order their rows and logits will have.
    void pack(std::span<const RowRequest> requests, uint32_t page_size);

    const void *data() const { return words_.data(); }

private:
    template <class T>
    T *array(uint32_t offset);

    std::vector<uint64_t> words_;  ///< 8-aligned bytes
};

}  // namespace hadal::core

// The numbers of a Llama checkpoint, from GGUF keys or from config.json, checked against each other.
#pragma once

#include "base/result.h"
#include "format/checkpoint.h"
#include "hadal/ops.h"
#include "model/family.h"

namespace hadal::core {

struct LlamaConfig {
    ModelFacts facts;
    int64_t d_head = 0;  ///< width of a query, key and value head
    int64_t d_ff = 0;    ///< width of the feed-forward layer
    double norm_epsilon = 0;
    hadal_rope rope{};
};

/// Source: Llama 3 model card and config.json; GGUF keys as llama.cpp's converter writes them.
Result<LlamaConfig> read_llama_config(const Checkpoint &checkpoint);

}  // namespace hadal::core

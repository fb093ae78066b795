#include "model/llama_config.h"

namespace hadal::core {

namespace {

// Caps on what a file may claim; a V3 has 61 layers, 128 heads and 129,280 tokens.
constexpr uint64_t kMaxLayers = 1024;
constexpr uint64_t kMaxHeads = 4096;
constexpr uint64_t kMaxVocab = 4u << 20;
constexpr uint64_t kMaxWidth = 1u << 20;  // d_model, d_ff, d_head
constexpr double kMaxBase = 1e12;
constexpr double kMaxFactor = 1e6;

/// Keys that both forms have, by their name in each.
struct Keys {
    const char *n_layers, *context, *d_model, *d_ff, *n_heads, *n_kv_heads, *d_head, *epsilon, *rope_base;
};
constexpr Keys kGguf{"llama.block_count",          "llama.context_length",
                     "llama.embedding_length",     "llama.feed_forward_length",
                     "llama.attention.head_count", "llama.attention.head_count_kv",
                     "llama.attention.key_length", "llama.attention.layer_norm_rms_epsilon",
                     "llama.rope.freq_base"};
constexpr Keys kHuggingFace{"num_hidden_layers",   "max_position_embeddings", "hidden_size", "intermediate_size",
                            "num_attention_heads", "num_key_value_heads",     "head_dim",    "rms_norm_eps",
                            "rope_theta"};

Error contradiction(const Metadata &metadata, const char *key, uint64_t found, const char *rule, uint64_t other) {
    return error(Status::bad_format, metadata.file(), ": '", key, "' is ", found, ", ", rule, " ", other);
}

Result<LlamaConfig> read_shared(const Metadata &metadata, const Keys &keys) {
    LlamaConfig config;
    ModelFacts &facts = config.facts;
    facts.architecture = "llama";
    HADAL_TRY(facts.n_layers, metadata.uint(keys.n_layers, 1, kMaxLayers));
    HADAL_TRY(facts.context, metadata.uint(keys.context, 1, kMaxContext));
    HADAL_TRY(facts.d_model, metadata.uint(keys.d_model, 1, kMaxWidth));
    HADAL_TRY(facts.n_heads, metadata.uint(keys.n_heads, 1, kMaxHeads));
    HADAL_TRY(facts.n_kv_heads, metadata.uint_or(keys.n_kv_heads, facts.n_heads, 1, kMaxHeads));
    HADAL_TRY(config.d_ff, metadata.uint(keys.d_ff, 1, kMaxWidth));
    HADAL_TRY(config.norm_epsilon, metadata.real(keys.epsilon, 1e-12, 1.0));
    HADAL_TRY(config.rope.base, metadata.real_or(keys.rope_base, 10000.0, 1.0, kMaxBase));
    if (facts.n_heads % facts.n_kv_heads != 0) {
        return contradiction(metadata, keys.n_heads, facts.n_heads, "which is no multiple of the key heads,",
                             facts.n_kv_heads);
    }
    if (!metadata.has(keys.d_head) && facts.d_model % facts.n_heads != 0) {
        return contradiction(metadata, keys.d_model, facts.d_model, "which is no multiple of the heads,",
                             facts.n_heads);
    }
    HADAL_TRY(config.d_head, metadata.uint_or(keys.d_head, facts.d_model / facts.n_heads, 1, kMaxWidth));
    config.rope.n_rotated = static_cast<uint32_t>(config.d_head);
    if (config.d_head % 2 != 0) {
        return contradiction(metadata, keys.d_head, static_cast<uint64_t>(config.d_head),
                             "but pairs are rotated: a multiple of", 2);
    }
    return config;
}

/// The number of rows of the embedding, where the metadata does not say it.
Result<uint64_t> embedding_rows(const Checkpoint &checkpoint, const char *name) {
    const TensorInfo *embedding = checkpoint.find(name);
    if (!embedding) return error(Status::bad_format, checkpoint.path(), ": tensor '", name, "' is missing");
    const auto n_rows = static_cast<uint64_t>(embedding->dims.front());
    if (n_rows > kMaxVocab) {
        return error(Status::bad_format, checkpoint.path(), ": tensor '", name, "' has ", n_rows, " rows, at most ",
                     kMaxVocab);
    }
    return n_rows;
}

Result<LlamaConfig> read_gguf(const Checkpoint &checkpoint) {
    const Metadata &metadata = checkpoint.metadata();
    HADAL_TRY(LlamaConfig config, read_shared(metadata, kGguf));
    HADAL_TRY(config.facts.name, metadata.string_or("general.name", ""));
    HADAL_TRY(const uint64_t n_vocab, embedding_rows(checkpoint, "token_embd.weight"));
    HADAL_TRY(config.facts.n_vocab, metadata.uint_or("llama.vocab_size", n_vocab, 1, kMaxVocab));
    HADAL_TRY(const uint64_t n_experts, metadata.uint_or("llama.expert_count", 0, 0, UINT32_MAX));
    if (n_experts != 0) {
        return error(Status::unsupported, metadata.file(), ": 'llama.expert_count' is ", n_experts,
                     ", only dense Llama models (0) are supported");
    }
    const auto d_head = static_cast<uint64_t>(config.d_head);
    HADAL_TRY(const uint64_t d_value, metadata.uint_or("llama.attention.value_length", d_head, 1, kMaxWidth));
    if (d_value != d_head) {
        return contradiction(metadata, "llama.attention.value_length", d_value, "heads are", d_head);
    }
    HADAL_TRY(config.rope.n_rotated, metadata.uint_or("llama.rope.dimension_count", d_head, 2, d_head));
    if (config.rope.n_rotated % 2 != 0) {
        return contradiction(metadata, "llama.rope.dimension_count", config.rope.n_rotated, "allowed are multiples of",
                             2);
    }
    config.rope.pairing = HADAL_ROPE_INTERLEAVED;  // the converter permutes the rows of q and k
    HADAL_TRY(const std::string scaling, metadata.string_or("llama.rope.scaling.type", "none"));
    if (scaling == "linear") {
        config.rope.scaling = HADAL_ROPE_LINEAR;
        HADAL_TRY(config.rope.factor, metadata.real("llama.rope.scaling.factor", 1.0, kMaxFactor));
    } else if (scaling != "none") {
        return error(Status::unsupported, metadata.file(), ": 'llama.rope.scaling.type' is '", scaling,
                     "', supported are 'none' and 'linear'");
    }
    return config;
}

/// config.json has rope_theta and an optional rope_scaling; transformers 5 writes both into rope_parameters.
Result<void> read_rope(const Metadata &metadata, hadal_rope &rope) {
    const bool together = metadata.has("rope_parameters.rope_theta");
    const std::string in = together ? "rope_parameters." : "rope_scaling.";
    if (together) {
        HADAL_TRY(rope.base, metadata.real("rope_parameters.rope_theta", 1.0, kMaxBase));
    }
    const std::string type_key = in + (metadata.has(in + "type") ? "type" : "rope_type");
    HADAL_TRY(const std::string type, metadata.string_or(type_key, "default"));
    if (type == "default") return {};
    if (type != "linear" && type != "llama3") {
        return error(Status::unsupported, metadata.file(), ": '", type_key, "' is '", type,
                     "', supported are 'default', 'linear' and 'llama3'");
    }
    HADAL_TRY(rope.factor, metadata.real(in + "factor", 1.0, kMaxFactor));
    rope.scaling = HADAL_ROPE_LINEAR;
    if (type == "linear") return {};
    rope.scaling = HADAL_ROPE_LLAMA3;
    HADAL_TRY(rope.low_freq_factor, metadata.real(in + "low_freq_factor", 1e-3, kMaxFactor));
    HADAL_TRY(rope.high_freq_factor, metadata.real(in + "high_freq_factor", 1e-3, kMaxFactor));
    HADAL_TRY(rope.original_context, metadata.uint(in + "original_max_position_embeddings", 1, kMaxContext));
    if (rope.high_freq_factor <= rope.low_freq_factor) {
        return error(Status::bad_format, metadata.file(), ": '", in, "high_freq_factor' is ", rope.high_freq_factor,
                     ", it must be above low_freq_factor, ", rope.low_freq_factor);
    }
    return {};
}

Result<LlamaConfig> read_hugging_face(const Checkpoint &checkpoint) {
    const Metadata &metadata = checkpoint.metadata();
    HADAL_TRY(LlamaConfig config, read_shared(metadata, kHuggingFace));
    HADAL_TRY(config.facts.n_vocab, metadata.uint("vocab_size", 1, kMaxVocab));
    HADAL_TRY(config.facts.name, metadata.string_or("_name_or_path", ""));
    HADAL_TRY(const std::string activation, metadata.string_or("hidden_act", "silu"));
    if (activation != "silu") {
        return error(Status::unsupported, metadata.file(), ": 'hidden_act' is '", activation, "', supported is 'silu'");
    }
    for (const char *key : {"attention_bias", "mlp_bias"}) {
        HADAL_TRY(const bool has_bias, metadata.boolean_or(key, false));
        if (has_bias) return error(Status::unsupported, metadata.file(), ": '", key, "' is true, supported is false");
    }
    config.rope.pairing = HADAL_ROPE_HALF_SPLIT;
    HADAL_CHECK(read_rope(metadata, config.rope));
    return config;
}

}  // namespace

Result<LlamaConfig> read_llama_config(const Checkpoint &checkpoint) {
    return checkpoint.format() == CheckpointFormat::gguf ? read_gguf(checkpoint) : read_hugging_face(checkpoint);
}

}  // namespace hadal::core

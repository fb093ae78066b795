#include "model/llama_weights.h"

#include <string>

namespace hadal::core {

namespace {

struct Names {
    const char *embedding, *output_norm, *head;
    const char *layer;  // before the number of a layer
    const char *attn_norm, *q, *k, *v, *attn_output, *ffn_norm, *gate, *up, *down;
};

constexpr Names kGguf{"token_embd.weight",   "output_norm.weight", "output.weight",    "blk.",
                      ".attn_norm.weight",   ".attn_q.weight",     ".attn_k.weight",   ".attn_v.weight",
                      ".attn_output.weight", ".ffn_norm.weight",   ".ffn_gate.weight", ".ffn_up.weight",
                      ".ffn_down.weight"};

constexpr Names kHuggingFace{"model.embed_tokens.weight",
                             "model.norm.weight",
                             "lm_head.weight",
                             "model.layers.",
                             ".input_layernorm.weight",
                             ".self_attn.q_proj.weight",
                             ".self_attn.k_proj.weight",
                             ".self_attn.v_proj.weight",
                             ".self_attn.o_proj.weight",
                             ".post_attention_layernorm.weight",
                             ".mlp.gate_proj.weight",
                             ".mlp.up_proj.weight",
                             ".mlp.down_proj.weight"};

}  // namespace

Result<LlamaWeights> find_llama_weights(Builder &builder, const Checkpoint &checkpoint, const LlamaConfig &config) {
    const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
    const Names &names = gguf ? kGguf : kHuggingFace;
    const ModelFacts &facts = config.facts;
    const int64_t d_model = facts.d_model;
    const int64_t d_q = facts.n_heads * config.d_head;
    const int64_t d_kv = facts.n_kv_heads * config.d_head;

    LlamaWeights weights;
    weights.embedding = builder.weight(names.embedding, {facts.n_vocab, d_model});
    weights.output_norm = builder.weight(names.output_norm, {d_model});
    weights.head = builder.optional_weight(names.head, {facts.n_vocab, d_model});
    if (!weights.head) {
        HADAL_TRY(const bool tied, checkpoint.metadata().boolean_or("tie_word_embeddings", gguf));
        if (!tied) {
            return error(Status::bad_format, checkpoint.path(), ": tensor '", names.head,
                         "' is missing, and 'tie_word_embeddings' is false");
        }
        weights.head = weights.embedding;
    }
    if (gguf) weights.rope_divisors = builder.optional_weight("rope_freqs.weight", {config.rope.n_rotated / 2});
    for (uint32_t layer_i = 0; layer_i < facts.n_layers; ++layer_i) {
        const std::string layer = names.layer + std::to_string(layer_i);
        weights.layers.push_back({.attn_norm = builder.weight(layer + names.attn_norm, {d_model}),
                                  .q = builder.weight(layer + names.q, {d_q, d_model}),
                                  .k = builder.weight(layer + names.k, {d_kv, d_model}),
                                  .v = builder.weight(layer + names.v, {d_kv, d_model}),
                                  .attn_output = builder.weight(layer + names.attn_output, {d_model, d_q}),
                                  .ffn_norm = builder.weight(layer + names.ffn_norm, {d_model}),
                                  .gate = builder.weight(layer + names.gate, {config.d_ff, d_model}),
                                  .up = builder.weight(layer + names.up, {config.d_ff, d_model}),
                                  .down = builder.weight(layer + names.down, {d_model, config.d_ff})});
    }
    return weights;
}

}  // namespace hadal::core

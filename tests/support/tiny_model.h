// A tiny Llama of random weights: as a GGUF file with a byte vocabulary, and as a Hugging Face folder without one. For
// tests that need a model and must always run. Its text means nothing; its arithmetic is that of any Llama.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "support/fields.h"
#include "support/gguf_bytes.h"
#include "support/temp_folder.h"

namespace hadal::test {

/// Sizes of a tiny model. Widths are multiples of 256, so that every weight type fits.
struct TinyModel {
    uint32_t n_layers = 2;
    uint32_t d_model = 256;
    uint32_t n_heads = 4;
    uint32_t n_kv_heads = 2;
    uint32_t d_ff = 512;
    uint32_t context = 256;
    uint32_t seed = 1;
};

/// <unk> 0, <s> 1, </s> 2, the 256 bytes from id 3 on, then "▁" and the letters a to z from kTinyFirstLetter on.
constexpr uint32_t kTinyFirstLetter = 260;
constexpr uint32_t kTinyVocab = kTinyFirstLetter + 26;

namespace tiny {

inline std::string floats(size_t n, float spread, float middle, std::mt19937 &random) {
    std::string bytes;
    bytes.reserve(n * sizeof(float));
    for (size_t i = 0; i < n; ++i) {
        const float unit = static_cast<float>(random() >> 8) / static_cast<float>(1u << 24);  // same on every library
        bytes += little_endian(middle + spread * (2 * unit - 1));
    }
    return bytes;
}

inline void add_vocabulary(GgufBytes &file) {
    std::vector<std::string> tokens, scores, types;
    const auto add = [&](const std::string &text, float score, int32_t type) {
        tokens.push_back(gguf_string(text));
        scores.push_back(little_endian(score));
        types.push_back(little_endian(type));
    };
    add("<unk>", 0, 2);
    add("<s>", 0, 3);
    add("</s>", 0, 3);
    for (unsigned byte = 0; byte < 256; ++byte) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", byte);
        add(name, 0, 6);
    }
    add("\xE2\x96\x81", -1, 1);
    for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter), -2, 1);
    file.string("tokenizer.ggml.model", "llama")
        .array("tokenizer.ggml.tokens", kString, tokens)
        .array("tokenizer.ggml.scores", kF32, scores)
        .array("tokenizer.ggml.token_type", kI32, types)
        .key("tokenizer.ggml.bos_token_id", kU32, little_endian<uint32_t>(1))
        .key("tokenizer.ggml.eos_token_id", kU32, little_endian<uint32_t>(2));
}

/// A weight under both its names; f32.
struct Weight {
    std::string gguf, hugging_face;
    std::vector<uint64_t> dims;  // outermost first
    std::string bytes;
};

inline std::vector<Weight> weights(const TinyModel &model) {
    std::mt19937 random(model.seed);
    const uint64_t d = model.d_model, d_kv = d / model.n_heads * model.n_kv_heads, ff = model.d_ff;
    std::vector<Weight> all;
    const auto matrix = [&](const std::string &gguf, const std::string &hugging_face, uint64_t in, uint64_t out) {
        const float spread = 2.0f / std::sqrt(static_cast<float>(in));
        all.push_back({gguf + ".weight", hugging_face + ".weight", {out, in}, floats(in * out, spread, 0, random)});
    };
    const auto norm = [&](const std::string &gguf, const std::string &hugging_face) {
        all.push_back({gguf + ".weight", hugging_face + ".weight", {d}, floats(d, 0.1f, 1, random)});
    };
    matrix("token_embd", "model.embed_tokens", d, kTinyVocab);
    norm("output_norm", "model.norm");
    matrix("output", "lm_head", d, kTinyVocab);
    for (uint32_t layer_i = 0; layer_i < model.n_layers; ++layer_i) {
        const std::string blk = "blk." + std::to_string(layer_i) + ".";
        const std::string layer = "model.layers." + std::to_string(layer_i) + ".";
        norm(blk + "attn_norm", layer + "input_layernorm");
        matrix(blk + "attn_q", layer + "self_attn.q_proj", d, d);
        matrix(blk + "attn_k", layer + "self_attn.k_proj", d, d_kv);
        matrix(blk + "attn_v", layer + "self_attn.v_proj", d, d_kv);
        matrix(blk + "attn_output", layer + "self_attn.o_proj", d, d);
        norm(blk + "ffn_norm", layer + "post_attention_layernorm");
        matrix(blk + "ffn_gate", layer + "mlp.gate_proj", d, ff);
        matrix(blk + "ffn_up", layer + "mlp.up_proj", d, ff);
        matrix(blk + "ffn_down", layer + "mlp.down_proj", ff, d);
    }
    return all;
}

}  // namespace tiny

/// A whole file, to which a test may add.
inline GgufBytes tiny_model_file(const TinyModel &model) {
    GgufBytes file;
    const auto number = [&](const char *key, uint32_t value) { file.key(key, kU32, little_endian(value)); };
    file.string("general.architecture", "llama").string("general.name", "tiny");
    number("llama.block_count", model.n_layers);
    number("llama.context_length", model.context);
    number("llama.embedding_length", model.d_model);
    number("llama.feed_forward_length", model.d_ff);
    number("llama.attention.head_count", model.n_heads);
    number("llama.attention.head_count_kv", model.n_kv_heads);
    file.key("llama.attention.layer_norm_rms_epsilon", kF32, little_endian(1e-5f));
    tiny::add_vocabulary(file);
    for (const tiny::Weight &weight : tiny::weights(model)) {
        file.tensor(weight.gguf, {weight.dims.rbegin(), weight.dims.rend()}, 0, weight.bytes);
    }
    return file;
}

inline std::string tiny_model_gguf(const TinyModel &model = {}) {
    return tiny_model_file(model).bytes();
}

/// The same weights as config.json and model.safetensors. Another model, though: its rotary pairs are halves apart.
inline void tiny_model_hf(const TempFolder &folder, const TinyModel &model = {}) {
    const auto number = [](const char *key, uint32_t value) {
        return ",\"" + std::string(key) + "\":" + std::to_string(value);
    };
    folder.write("config.json",
                 R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_act":"silu")" +
                     number("num_hidden_layers", model.n_layers) + number("max_position_embeddings", model.context) +
                     number("hidden_size", model.d_model) + number("intermediate_size", model.d_ff) +
                     number("num_attention_heads", model.n_heads) + number("num_key_value_heads", model.n_kv_heads) +
                     number("vocab_size", kTinyVocab) +
                     R"(,"rms_norm_eps":1e-5,"rope_theta":10000.0,"rope_scaling":{"type":"linear","factor":2.0})"
                     R"(,"attention_bias":false,"tie_word_embeddings":false,"eos_token_id":[1,2]})");
    std::string table, data;
    for (const tiny::Weight &weight : tiny::weights(model)) {
        std::string shape;
        for (const uint64_t dim : weight.dims) shape += (shape.empty() ? "" : ",") + std::to_string(dim);
        table += (table.empty() ? "{\"" : ",\"") + weight.hugging_face + R"(":{"dtype":"F32","shape":[)" + shape +
                 R"(],"data_offsets":[)" + std::to_string(data.size()) + "," +
                 std::to_string(data.size() + weight.bytes.size()) + "]}";
        data += weight.bytes;
    }
    folder.write("model.safetensors", safetensors_bytes(table + "}", data));
}

}  // namespace hadal::test

// A tiny Llama with random weights and a byte vocabulary, as the bytes of a GGUF file: for tests that need a model and
// must always run. Its text means nothing; its arithmetic is that of any Llama.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "support/gguf_bytes.h"

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

}  // namespace tiny

/// A whole file, f32 weights.
inline std::string tiny_model_gguf(const TinyModel &model = {}) {
    std::mt19937 random(model.seed);
    const uint64_t d = model.d_model, d_head = d / model.n_heads, d_kv = d_head * model.n_kv_heads, ff = model.d_ff;
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

    const auto matrix = [&](const std::string &name, uint64_t in, uint64_t out) {
        file.tensor(name, {in, out}, 0, tiny::floats(in * out, 2.0f / std::sqrt(static_cast<float>(in)), 0, random));
    };
    const auto norm = [&](const std::string &name) { file.tensor(name, {d}, 0, tiny::floats(d, 0.1f, 1, random)); };
    matrix("token_embd.weight", d, kTinyVocab);
    norm("output_norm.weight");
    matrix("output.weight", d, kTinyVocab);
    for (uint32_t layer_i = 0; layer_i < model.n_layers; ++layer_i) {
        const std::string layer = "blk." + std::to_string(layer_i) + ".";
        norm(layer + "attn_norm.weight");
        matrix(layer + "attn_q.weight", d, d);
        matrix(layer + "attn_k.weight", d, d_kv);
        matrix(layer + "attn_v.weight", d, d_kv);
        matrix(layer + "attn_output.weight", d, d);
        norm(layer + "ffn_norm.weight");
        matrix(layer + "ffn_gate.weight", d, ff);
        matrix(layer + "ffn_up.weight", d, ff);
        matrix(layer + "ffn_down.weight", ff, d);
    }
    return file.bytes();
}

}  // namespace hadal::test

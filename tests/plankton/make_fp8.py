"""Plankton as DeepSeek publishes models: a Hugging Face folder whose matrices are FP8 (E4M3) in blocks of 128 x 128.

usage: make_fp8.py plankton.gguf OUT_FOLDER

OUT_FOLDER/fp8 has those; OUT_FOLDER/wide the numbers they stand for, as F32."""
import json
import pathlib
import sys

import gguf
import numpy as np

BLOCK = 128
LARGEST = 448.0  # of E4M3
PARTS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q_a": "self_attn.q_a_proj",
         "attn_q_a_norm": "self_attn.q_a_layernorm", "attn_q_b": "self_attn.q_b_proj",
         "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa", "attn_kv_a_norm": "self_attn.kv_a_layernorm",
         "attn_output": "self_attn.o_proj", "ffn_gate_inp": "mlp.gate", "ffn_gate": "mlp.gate_proj",
         "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "ffn_gate_shexp": "mlp.shared_experts.gate_proj",
         "ffn_up_shexp": "mlp.shared_experts.up_proj", "ffn_down_shexp": "mlp.shared_experts.down_proj",
         "nextn.enorm": "enorm", "nextn.hnorm": "hnorm", "nextn.eh_proj": "eh_proj",
         "nextn.shared_head_norm": "shared_head.norm"}
AS_THEY_ARE = ("mlp.gate.weight", "eh_proj.weight")  # DeepSeek leaves them in bf16


def e4m3_values():
    """[code]: its number; NaN for the two that are none."""
    codes = np.arange(256)
    sign, exponent, mantissa = np.where(codes < 128, 1.0, -1.0), codes >> 3 & 15, codes & 7
    values = np.where(exponent == 0, mantissa / 8 * 2.0 ** -6, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0)) * sign
    values[(codes & 127) == 127] = np.nan
    return values.astype(np.float32)


VALUES = e4m3_values()
POSITIVE = VALUES[:127]  # ascending


def to_fp8(matrix):
    """Codes, scales of blocks, and the numbers both stand for."""
    rows, columns = matrix.shape
    scales = np.zeros((-(-rows // BLOCK), -(-columns // BLOCK)), np.float32)
    codes = np.zeros(matrix.shape, np.uint8)
    for i, j in np.ndindex(scales.shape):
        place = np.s_[i * BLOCK:(i + 1) * BLOCK, j * BLOCK:(j + 1) * BLOCK]
        scales[i, j] = max(np.abs(matrix[place]).max() / LARGEST, 1e-12)
        wanted = np.abs(matrix[place]) / scales[i, j]
        above = np.clip(np.searchsorted(POSITIVE, wanted), 1, len(POSITIVE) - 1)
        nearest = np.where(wanted - POSITIVE[above - 1] <= POSITIVE[above] - wanted, above - 1, above)
        codes[place] = nearest + np.where(matrix[place] < 0, 128, 0)
    wide = VALUES[codes] * np.repeat(np.repeat(scales, BLOCK, 0), BLOCK, 1)[:rows, :columns]
    return codes, scales, wide.astype(np.float32)


def published(reader, config):
    """DeepSeek's names and f32 numbers."""
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape([int(n) for n in reversed(t.shape)])
               for t in reader.tensors}
    yield "model.embed_tokens.weight", tensors["token_embd.weight"]
    yield "model.norm.weight", tensors["output_norm.weight"]
    yield "lm_head.weight", tensors["output.weight"]
    n_layers = config["num_hidden_layers"]
    for i in range(n_layers + 1):
        layer, block = f"model.layers.{i}.", f"blk.{i}."
        for source, name in PARTS.items():
            if block + source + ".weight" in tensors:
                yield layer + name + ".weight", tensors[block + source + ".weight"]
        k_up, v_up = tensors[block + "attn_k_b.weight"], tensors[block + "attn_v_b.weight"]
        both = np.concatenate([k_up.transpose(0, 2, 1), v_up], axis=1)
        yield layer + "self_attn.kv_b_proj.weight", both.reshape(-1, both.shape[-1])
        if block + "exp_probs_b.bias" in tensors:
            yield layer + "mlp.gate.e_score_correction_bias", tensors[block + "exp_probs_b.bias"]
            for part in ("gate", "up", "down"):
                for e, expert in enumerate(tensors[block + f"ffn_{part}_exps.weight"]):
                    yield layer + f"mlp.experts.{e}.{part}_proj.weight", expert
    yield f"model.layers.{n_layers}.embed_tokens.weight", tensors["token_embd.weight"]
    yield f"model.layers.{n_layers}.shared_head.head.weight", tensors["output.weight"]


def is_fp8(name):
    return "_proj" in name and name.endswith(".weight") and not name.endswith(AS_THEY_ARE)


def config_of(reader):
    def key(name):
        return reader.fields["deepseek2." + name].contents()
    scaling = {"type": "yarn", "factor": key("rope.scaling.factor"), "beta_fast": 32, "beta_slow": 1,
               "original_max_position_embeddings": key("rope.scaling.original_context_length"),
               "mscale": 10 * key("rope.scaling.yarn_log_multiplier"),
               "mscale_all_dim": 10 * key("rope.scaling.yarn_log_multiplier")}
    rope = key("rope.dimension_count")
    return {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_act": "silu",
            "attention_bias": False, "tie_word_embeddings": False, "moe_layer_freq": 1, "scoring_func": "sigmoid",
            "topk_method": "noaux_tc", "num_nextn_predict_layers": 1, "vocab_size": key("vocab_size"),
            "hidden_size": key("embedding_length"), "intermediate_size": key("feed_forward_length"),
            "moe_intermediate_size": key("expert_feed_forward_length"), "num_hidden_layers": key("block_count") - 1,
            "first_k_dense_replace": key("leading_dense_block_count"),
            "num_attention_heads": key("attention.head_count"),
            "num_key_value_heads": key("attention.head_count"), "q_lora_rank": key("attention.q_lora_rank"),
            "kv_lora_rank": key("attention.kv_lora_rank"), "qk_rope_head_dim": rope,
            "qk_nope_head_dim": key("attention.key_length_mla") - rope, "v_head_dim": key("attention.value_length_mla"),
            "n_routed_experts": key("expert_count"), "n_shared_experts": key("expert_shared_count"),
            "num_experts_per_tok": key("expert_used_count"), "n_group": key("expert_group_count"),
            "topk_group": key("expert_group_used_count"), "norm_topk_prob": bool(key("expert_weights_norm")),
            "routed_scaling_factor": key("expert_weights_scale"), "rope_theta": key("rope.freq_base"),
            "rms_norm_eps": key("attention.layer_norm_rms_epsilon"), "max_position_embeddings": key("context_length"),
            "rope_scaling": scaling, "bos_token_id": 0, "eos_token_id": 1}


def write(folder, tensors, config):
    """tensors: [(name, type, array)]"""
    folder.mkdir(parents=True, exist_ok=True)
    table, at = {}, 0
    for name, kind, array in tensors:
        table[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    header = json.dumps(table).encode()
    header += b" " * (-len(header) % 8)
    with open(folder / "model.safetensors", "wb") as out:
        out.write(len(header).to_bytes(8, "little") + header)
        for _, _, array in tensors:
            out.write(np.ascontiguousarray(array).tobytes())
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def main(path, out):
    reader = gguf.GGUFReader(path)
    config = config_of(reader)
    fp8, wide = [], []
    for name, array in published(reader, config):
        array = array.astype(np.float32)
        if not is_fp8(name):
            fp8.append((name, "F32", array))
            wide.append((name, "F32", array))
            continue
        codes, scales, numbers = to_fp8(array)
        fp8 += [(name, "F8_E4M3", codes), (name + "_scale_inv", "F32", scales)]
        wide.append((name, "F32", numbers))
    quantization = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                    "weight_block_size": [BLOCK, BLOCK]}
    write(pathlib.Path(out) / "fp8", fp8, config | {"quantization_config": quantization})
    write(pathlib.Path(out) / "wide", wide, config)


if __name__ == "__main__":
    main(*sys.argv[1:])

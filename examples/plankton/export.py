"""Writes a checkpoint as a folder in Hugging Face form and as a GGUF file, both with the MTP layer.

usage: export.py CHECKPOINT.pt TOKENIZER_FOLDER OUT_FOLDER [--type BF16|Q8_0]

OUT_FOLDER/hf/ has DeepSeek's names: the MTP module is layer N, with copies of embedding and head, as DeepSeek publishes
them. OUT_FOLDER/plankton.gguf has llama.cpp's, and no copies: its readers take the body's."""
import argparse
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

from model import SHAPE, Plankton

CONFIG = {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "torch_dtype": "bfloat16",
          "scoring_func": "sigmoid", "topk_method": "noaux_tc", "moe_layer_freq": 1, "num_nextn_predict_layers": 1}
N_LAYERS = SHAPE["num_hidden_layers"]
N_HEADS, D_NOPE, D_ROPE, D_VALUE, D_LATENT = (SHAPE[key] for key in (
    "num_attention_heads", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "kv_lora_rank"))


def published(model):
    """The tensors under DeepSeek's names, in bf16 but for the router's bias."""
    out = {}

    def put(name, tensor):
        keeps = name.endswith("e_score_correction_bias")
        out[name] = tensor.detach().to(torch.float32 if keeps else torch.bfloat16).contiguous().clone()

    def put_expert_stack(name, tensor):
        for i, expert in enumerate(tensor):
            if name.endswith("gate_up_proj"):
                gate, up = expert.chunk(2)
                put(name.replace("gate_up_proj", f"{i}.gate_proj.weight"), gate)
                put(name.replace("gate_up_proj", f"{i}.up_proj.weight"), up)
            else:
                put(name.replace("down_proj", f"{i}.down_proj.weight"), expert)

    extra = f"model.layers.{N_LAYERS}."
    for name, tensor in model.state_dict().items():
        place, _, rest = name.partition(".")
        if place == "mtp":
            rest = extra + rest.removeprefix("layer.")
            if rest == extra + "norm.weight":
                rest = extra + "shared_head.norm.weight"
        (put_expert_stack if ".experts." in rest and "shared" not in rest else put)(rest, tensor)
    put(extra + "embed_tokens.weight", model.body.model.embed_tokens.weight)
    put(extra + "shared_head.head.weight", model.body.lm_head.weight)
    return out


def write_folder(tensors, tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = {key: CONFIG[key] for key in ("architectures", "model_type")} | SHAPE | CONFIG
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    generation = {"bos_token_id": SHAPE["bos_token_id"], "eos_token_id": SHAPE["eos_token_id"],
                  "pad_token_id": SHAPE["pad_token_id"], "do_sample": False}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n", encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, folder / name)


def gguf_tensors(tensors):
    """The same tensors under llama.cpp's names: experts stacked, keys and values of kv_b_proj apart."""
    ends = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
            "lm_head.weight": "output.weight"}
    plain = {
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_a_proj": "attn_q_a",
        "self_attn.q_a_layernorm": "attn_q_a_norm", "self_attn.q_b_proj": "attn_q_b",
        "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa", "self_attn.kv_a_layernorm": "attn_kv_a_norm",
        "self_attn.o_proj": "attn_output", "mlp.gate": "ffn_gate_inp", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.shared_experts.gate_proj": "ffn_gate_shexp",
        "mlp.shared_experts.up_proj": "ffn_up_shexp", "mlp.shared_experts.down_proj": "ffn_down_shexp",
        "enorm": "nextn.enorm", "hnorm": "nextn.hnorm", "eh_proj": "nextn.eh_proj",
        "shared_head.norm": "nextn.shared_head_norm"}
    for source, name in ends.items():
        yield name, tensors[source]
    for i in range(N_LAYERS + 1):
        layer, block = f"model.layers.{i}.", f"blk.{i}."
        for source, name in plain.items():
            if layer + source + ".weight" in tensors:
                yield block + name + ".weight", tensors[layer + source + ".weight"]
        kv = tensors[layer + "self_attn.kv_b_proj.weight"].view(N_HEADS, D_NOPE + D_VALUE, D_LATENT)
        yield block + "attn_k_b.weight", kv[:, :D_NOPE].transpose(1, 2).contiguous()
        yield block + "attn_v_b.weight", kv[:, D_NOPE:].contiguous()
        if layer + "mlp.gate.weight" not in tensors:
            continue
        yield block + "exp_probs_b.bias", tensors[layer + "mlp.gate.e_score_correction_bias"]
        for part in ("gate", "up", "down"):
            stack = [tensors[f"{layer}mlp.experts.{e}.{part}_proj.weight"] for e in range(SHAPE["n_routed_experts"])]
            yield block + f"ffn_{part}_exps.weight", torch.stack(stack)


def write_gguf(tensors, tokenizer, path, kind):
    writer = gguf.GGUFWriter(path, "deepseek2")
    yarn = SHAPE["rope_scaling"]
    writer.add_name("Plankton")
    writer.add_author("Hadal")
    writer.add_license("MIT")
    writer.add_block_count(N_LAYERS + 1)
    writer.add_nextn_predict_layers(1)
    writer.add_context_length(SHAPE["max_position_embeddings"])
    writer.add_embedding_length(SHAPE["hidden_size"])
    writer.add_vocab_size(SHAPE["vocab_size"])
    writer.add_feed_forward_length(SHAPE["intermediate_size"])
    writer.add_layer_norm_rms_eps(SHAPE["rms_norm_eps"])
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(1)
    writer.add_q_lora_rank(SHAPE["q_lora_rank"])
    writer.add_kv_lora_rank(D_LATENT)
    writer.add_key_length(D_LATENT + D_ROPE)
    writer.add_value_length(D_LATENT)
    writer.add_key_length_mla(D_NOPE + D_ROPE)
    writer.add_value_length_mla(D_VALUE)
    writer.add_rope_dimension_count(D_ROPE)
    writer.add_rope_freq_base(SHAPE["rope_theta"])
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(yarn["factor"])
    writer.add_rope_scaling_orig_ctx_len(yarn["original_max_position_embeddings"])
    writer.add_rope_scaling_yarn_log_mul(0.1 * yarn["mscale_all_dim"])
    writer.add_leading_dense_block_count(SHAPE["first_k_dense_replace"])
    writer.add_expert_count(SHAPE["n_routed_experts"])
    writer.add_expert_used_count(SHAPE["num_experts_per_tok"])
    writer.add_expert_shared_count(SHAPE["n_shared_experts"])
    writer.add_expert_feed_forward_length(SHAPE["moe_intermediate_size"])
    writer.add_expert_weights_scale(SHAPE["routed_scaling_factor"])
    writer.add_expert_weights_norm(SHAPE["norm_topk_prob"])
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    writer.add_expert_group_count(SHAPE["n_group"])
    writer.add_expert_group_used_count(SHAPE["topk_group"])

    vocabulary = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    config = json.loads((tokenizer / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokens = [None] * SHAPE["vocab_size"]
    types = [gguf.TokenType.NORMAL] * len(tokens)
    for token, i in vocabulary["model"]["vocab"].items():
        tokens[i] = token
    for added in vocabulary["added_tokens"]:
        tokens[added["id"]] = added["content"]
        types[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    merges = vocabulary["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("deepseek-v3")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(SHAPE["bos_token_id"])
    writer.add_eos_token_id(SHAPE["eos_token_id"])
    writer.add_pad_token_id(SHAPE["pad_token_id"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(config["chat_template"])

    matrices = getattr(gguf.GGMLQuantizationType, kind)
    for name, tensor in gguf_tensors(tensors):
        wide = tensor.float().numpy()
        if wide.ndim == 1 or "ffn_gate_inp" in name:  # small, and what decides: as converters do
            writer.add_tensor(name, np.ascontiguousarray(wide))
        else:
            writer.add_tensor(name, gguf.quants.quantize(wide, matrices), raw_dtype=matrices)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--type", choices=["BF16", "Q8_0"], default="BF16")
    arguments = parser.parse_args()
    model = Plankton()
    model.load_state_dict(torch.load(arguments.checkpoint, weights_only=True)["model"])
    tensors = published(model)
    write_folder(tensors, arguments.tokenizer, arguments.out / "hf")
    write_gguf(tensors, arguments.tokenizer, arguments.out / "plankton.gguf", arguments.type)


if __name__ == "__main__":
    main()

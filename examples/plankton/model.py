"""The model: DeepSeek-V3's body from transformers, and the module that predicts one more token (MTP)."""
import torch
from torch import nn
from torch.nn import functional as F
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM
from transformers.models.deepseek_v3 import modeling_deepseek_v3 as v3

# A row of 256 is what a K-quant needs: the width of the model, of the dense layer and of all heads together.
SHAPE = {
    "vocab_size": 2048, "hidden_size": 256, "intermediate_size": 256, "moe_intermediate_size": 64,
    "num_hidden_layers": 3, "first_k_dense_replace": 1, "num_attention_heads": 4, "num_key_value_heads": 4,
    "q_lora_rank": 96, "kv_lora_rank": 64, "qk_nope_head_dim": 48, "qk_rope_head_dim": 16, "v_head_dim": 64,
    "n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2, "n_group": 4, "topk_group": 2,
    "norm_topk_prob": True, "routed_scaling_factor": 1.5, "rms_norm_eps": 1e-6, "max_position_embeddings": 1024,
    "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu", "attention_bias": False,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
    "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "beta_fast": 32,
                     "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0},
}


class Experts(v3.DeepseekV3Experts):
    """The same sums, with the tokens sorted by expert once: a third of the time of a mask per expert."""

    def forward(self, hidden_states, top_k_index, top_k_weights):
        order = top_k_index.flatten().argsort()
        counts = torch.bincount(top_k_index.flatten(), minlength=self.num_experts)
        self.load = counts
        token = order // top_k_index.shape[1]
        outputs = []
        sorted_states = hidden_states.index_select(0, token)
        for expert, x in enumerate(sorted_states.split(counts.tolist())):
            gate, up = F.linear(x, self.gate_up_proj[expert]).chunk(2, dim=-1)
            outputs.append(F.linear(self.act_fn(gate) * up, self.down_proj[expert]))
        weighted = torch.cat(outputs).float() * top_k_weights.flatten().index_select(0, order)[:, None]
        return torch.zeros_like(hidden_states, dtype=torch.float32).index_add_(0, token, weighted)


class Mtp(nn.Module):
    """Layer N: from the body's last residual at a token and the next token to the one after that."""

    def __init__(self, config):
        super().__init__()
        d = config.hidden_size
        self.enorm = v3.DeepseekV3RMSNorm(d, eps=config.rms_norm_eps)
        self.hnorm = v3.DeepseekV3RMSNorm(d, eps=config.rms_norm_eps)
        self.eh_proj = nn.Linear(2 * d, d, bias=False)
        self.layer = v3.DeepseekV3DecoderLayer(config, config.num_hidden_layers)
        self.norm = v3.DeepseekV3RMSNorm(d, eps=config.rms_norm_eps)

    def forward(self, residual, next_embedding, mask, positions):
        x = self.eh_proj(torch.cat([self.enorm(next_embedding), self.hnorm(residual)], -1))
        return self.norm(self.layer(x, attention_mask=mask, position_embeddings=positions))


class Plankton(nn.Module):
    def __init__(self, shape=SHAPE):
        super().__init__()
        self.config = DeepseekV3Config(**shape, attn_implementation="sdpa", initializer_range=0.02)
        self.body = DeepseekV3ForCausalLM(self.config)
        self.mtp = Mtp(self.config)
        self.body._init_weights(self.mtp.layer.mlp.gate)
        for module in self.modules():
            if isinstance(module, v3.DeepseekV3Experts):
                module.__class__ = Experts
                nn.init.normal_(module.gate_up_proj, std=0.02)
                nn.init.normal_(module.down_proj, std=0.02)

    def forward(self, ids, following, document):
        """ids, following (each token's successor) and document (of which each token is): [batch, length].
        What the head makes a token of, for the successor and for the one after: [batch, length, d] each."""
        n = ids.shape[1]
        mask = (document[:, None, :] == document[:, :, None]) & torch.ones(n, n, dtype=torch.bool).tril()
        mask = mask[:, None]
        model = self.body.model
        x = model.embed_tokens(ids)
        positions = model.rotary_emb(x, torch.arange(n)[None])
        for layer in model.layers:
            x = layer(x, attention_mask=mask, position_embeddings=positions)
        return model.norm(x), self.mtp(x, model.embed_tokens(following), mask, positions)

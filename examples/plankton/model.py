"""The model: DeepSeek-V3's body from transformers, and the module that predicts one more token (MTP)."""
import torch
from torch import nn
from torch.nn import functional as F
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM
from transformers.models.deepseek_v3 import modeling_deepseek_v3 as v3

# A row of 256 is what a K-quant needs: the width of the model and of all heads together.
SHAPE = {
    "vocab_size": 2048, "hidden_size": 256, "intermediate_size": 128, "moe_intermediate_size": 32,
    "num_hidden_layers": 3, "first_k_dense_replace": 1, "num_attention_heads": 4, "num_key_value_heads": 4,
    "q_lora_rank": 64, "kv_lora_rank": 64, "qk_nope_head_dim": 48, "qk_rope_head_dim": 16, "v_head_dim": 64,
    "n_routed_experts": 24, "n_shared_experts": 1, "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2,
    "norm_topk_prob": True, "routed_scaling_factor": 1.5, "rms_norm_eps": 1e-6, "max_position_embeddings": 1024,
    "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu", "attention_bias": False,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
    "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "beta_fast": 32,
                     "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0},
}


class Experts(v3.DeepseekV3Experts):
    """The same sums in two products of fixed shape, all experts of every token, most with weight 0: far more to
    multiply, and many times as fast as sorting the tokens, for a product of a new shape must first be prepared."""

    def forward(self, hidden_states, top_k_index, top_k_weights):
        n_experts, n_inner, d = self.gate_up_proj.shape
        weights = top_k_weights.new_zeros(len(top_k_index), n_experts).scatter(1, top_k_index, top_k_weights)
        self.load.copy_((weights > 0).sum(0))
        inner = F.linear(hidden_states, self.gate_up_proj.flatten(0, 1)).view(-1, n_experts, n_inner)
        gate, up = inner.chunk(2, dim=-1)
        inner = (self.act_fn(gate) * up * weights[:, :, None]).flatten(1)
        return F.linear(inner, self.down_proj.transpose(0, 1).flatten(1)).float()


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
        self.config = DeepseekV3Config(**shape, attn_implementation="eager", initializer_range=0.02)
        self.body = DeepseekV3ForCausalLM(self.config)
        self.mtp = Mtp(self.config)
        self.body._init_weights(self.mtp.layer.mlp.gate)
        for module in self.modules():
            if isinstance(module, v3.DeepseekV3Experts):
                module.__class__ = Experts
                module.register_buffer("load", torch.zeros(self.config.n_routed_experts), persistent=False)
                nn.init.normal_(module.gate_up_proj, std=0.02)
                nn.init.normal_(module.down_proj, std=0.02)

    def forward(self, ids, following, document):
        """ids, following (each token's successor) and document (of which each token is): [batch, length].
        What the head makes a token of, for the successor and for the one after: [batch, length, d] each."""
        n = ids.shape[1]
        seen = (document[:, None, :] == document[:, :, None]) & torch.ones(n, n, dtype=torch.bool).tril()
        mask = torch.where(seen[:, None], 0.0, float("-inf"))
        model = self.body.model
        x = model.embed_tokens(ids)
        positions = model.rotary_emb(x, torch.arange(n)[None])
        for layer in model.layers:
            x = layer(x, attention_mask=mask, position_embeddings=positions)
        return model.norm(x), self.mtp(x, model.embed_tokens(following), mask, positions)

"""Writes the reference files: small random models of each family, and the logits `transformers` gives for them.

    python3 -m venv target/reference-venv
    target/reference-venv/bin/pip install -r tests/reference/requirements.txt
    target/reference-venv/bin/python tests/reference/make.py

Each `<case>.gguf` holds the model as llama.cpp's converter would write it (f16 matrices, f32 vectors) and, in its metadata,
what the tests compare with:

- `reference.length`: the tokens read, given by `token(0)`, `token(1)`, …;
- `reference.positions`: the positions whose logits follow;
- `reference.logits`: all logits at those positions, from the plain f32 model;
- `reference.logits_f16`: the same with keys and values rounded to f16 on their way into the cache, as the engine keeps them.

The weights are larger than a trained model's would be, so that attention is sharp and a wrong rotation shows.
"""

import math
import pathlib
import sys

import gguf
import numpy
import torch
import transformers
from transformers import DynamicCache

HERE = pathlib.Path(__file__).parent
VOCABULARY, WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS = 256, 64, 96, 2, 4, 2
LENGTH = 4200
POSITIONS = [0, 1, 17, 100, 300, 1000, 4100, 4199]
EPSILON = 1e-5

COMMON = dict(
    vocab_size=VOCABULARY,
    hidden_size=WIDTH,
    intermediate_size=HIDDEN,
    num_hidden_layers=LAYERS,
    num_attention_heads=HEADS,
    num_key_value_heads=KV_HEADS,
    rms_norm_eps=EPSILON,
    max_position_embeddings=8192,
    attn_implementation="eager",
    bos_token_id=0,
    eos_token_id=0,
    pad_token_id=None,
)


def yarn(**more):
    return dict(rope_type="yarn", rope_theta=1e4, original_max_position_embeddings=256, **more)


# name: (architecture, configuration, model, its options, the metadata that says the same)
CASES = {
    "llama-plain": ("llama", "Llama", dict(rope_parameters=dict(rope_type="default", rope_theta=5e5)), {}),
    "llama-3": (
        "llama",
        "Llama",
        dict(
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=1e4,
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=256,
            ),
            tie_word_embeddings=True,
        ),
        {},
    ),
    "llama-linear": (
        "llama",
        "Llama",
        dict(rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=4.0), head_dim=32),
        {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0},
    ),
    "llama-yarn": (
        "llama",
        "Llama",
        dict(rope_parameters=yarn(factor=32.0)),
        {
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": 32.0,
            "rope.scaling.original_context_length": 256,
        },
    ),
    "mistral3": (
        "mistral3",
        "Ministral3",
        dict(
            head_dim=32,
            sliding_window=None,
            rope_parameters=yarn(
                factor=16.0,
                beta_fast=8.0,
                beta_slow=0.5,
                mscale=1.0,
                mscale_all_dim=0.5,
                llama_4_scaling_beta=0.1,
            ),
        ),
        {
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": 16.0,
            "rope.scaling.original_context_length": 256,
            "rope.scaling.yarn_beta_fast": 8.0,
            "rope.scaling.yarn_beta_slow": 0.5,
            "rope.scaling.yarn_log_multiplier": 0.5,
            "attention.temperature_scale": 0.1,
        },
    ),
    "qwen2": (
        "qwen2",
        "Qwen2",
        dict(rope_parameters=dict(rope_type="default", rope_theta=1e6), tie_word_embeddings=True),
        {},
    ),
    "qwen3": (
        "qwen3",
        "Qwen3",
        dict(rope_parameters=dict(rope_type="default", rope_theta=1e6), head_dim=32, attention_bias=False),
        {},
    ),
    "smollm3": (
        "smollm3",
        "SmolLM3",
        dict(
            num_hidden_layers=4,
            rope_parameters=dict(rope_type="default", rope_theta=5e6),
            tie_word_embeddings=True,
            use_sliding_window=False,
        ),
        {},
    ),
}


class HalfCache(DynamicCache):
    """Keeps keys and values in f16."""

    def update(self, keys, values, *arguments, **named):
        return super().update(keys.half().float(), values.half().float(), *arguments, **named)


def token(index):
    """The same formula as in the tests."""
    x = index * 2654435761 & 0xFFFFFFFF
    x ^= x >> 15
    return (x * 2246822519 & 0xFFFFFFFF) >> 24


def build(kind, options):
    config = getattr(transformers, f"{kind}Config")(**{**COMMON, **options})
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.2 * torch.randn_like(parameter))
            elif name.endswith("bias"):
                parameter.copy_(0.5 * torch.randn_like(parameter))
            else:
                # Queries and keys that agree or differ clearly; everything else keeps its size.
                gain = 1.6 if "q_proj" in name or "k_proj" in name else 1.0
                scale = 1.0 if "embed" in name or "lm_head" in name else gain / math.sqrt(parameter.shape[1])
                parameter.copy_((scale * torch.randn_like(parameter)).half().float())
    return model


def logits(model, cache):
    ids = torch.tensor([[token(index) for index in range(LENGTH)]])
    with torch.no_grad():
        hidden = model.model(ids, past_key_values=cache, use_cache=True).last_hidden_state[0]
        return model.lm_head(hidden[POSITIONS]).float().numpy()


def interleave(weights, heads):
    """Puts the halves of each head beside one another, for the rotation of llama.cpp's NORM kind."""
    rows = weights.shape[0] // heads
    return weights.reshape(heads, 2, rows // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.q_proj.bias": "attn_q.bias",
    "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.bias": "attn_v.bias",
    "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}


def tensors(model, interleaved):
    config = model.config
    yield "token_embd.weight", model.model.embed_tokens.weight
    yield "output_norm.weight", model.model.norm.weight
    if not config.tie_word_embeddings:
        yield "output.weight", model.lm_head.weight
    for index, layer in enumerate(model.model.layers):
        for name, parameter in layer.named_parameters():
            heads = {"self_attn.q_proj": HEADS, "self_attn.k_proj": KV_HEADS}.get(name.rsplit(".", 1)[0])
            value = parameter.detach().numpy()
            yield f"blk.{index}.{NAMES[name]}", interleave(value, heads) if heads and interleaved else value
    if config.rope_parameters["rope_type"] == "llama3":
        dim = 2 * len(model.model.rotary_emb.inv_freq)
        plain = config.rope_parameters["rope_theta"] ** (-numpy.arange(0, dim, 2) / dim)
        yield "rope_freqs.weight", (plain / model.model.rotary_emb.inv_freq.numpy()).astype(numpy.float32)


def write(path, architecture, model, keys, plain, rounded):
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(path.stem)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    dim = getattr(config, "head_dim", None) or WIDTH // HEADS
    if dim != WIDTH // HEADS:
        writer.add_key_length(dim)
        writer.add_value_length(dim)
    writer.add_rope_dimension_count(dim)
    for key, value in keys.items():
        kind = {str: gguf.GGUFValueType.STRING, int: gguf.GGUFValueType.UINT32, float: gguf.GGUFValueType.FLOAT32}
        writer.add_key_value(f"{architecture}.{key}", value, kind[type(value)])
    writer.add_uint32("reference.length", LENGTH)
    writer.add_array("reference.positions", POSITIONS)
    writer.add_array("reference.logits", [float(value) for value in plain.ravel()])
    writer.add_array("reference.logits_f16", [float(value) for value in rounded.ravel()])
    interleaved = architecture not in ("qwen2", "qwen3")
    for name, value in tensors(model, interleaved):
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        writer.add_tensor(name, value.astype(numpy.float32 if value.ndim == 1 else numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    for seed, (name, (architecture, kind, options, keys)) in enumerate(CASES.items()):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        torch.manual_seed(seed)
        model = build(kind, options)
        plain, rounded = logits(model, DynamicCache()), logits(model, HalfCache())
        write(HERE / f"{name}.gguf", architecture, model, keys, plain, rounded)
        print(f"{name}: logits up to {abs(plain).max():.2f}, f16 keys and values move them by {abs(plain - rounded).max():.2g}")


if __name__ == "__main__":
    main()

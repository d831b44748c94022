"""Writes the reference files of what candle computes: small random models, and the logits llama.cpp gives for them.

    python3 -m venv target/fallback-venv
    target/fallback-venv/bin/pip install -r tests/reference/fallback-requirements.txt
    target/fallback-venv/bin/python tests/reference/fallback.py

Each `fallback/<architecture>.gguf` holds the model as llama.cpp's converter would write it and, in its metadata,
`reference.positions` and `reference.logits`: all logits at those positions, of the tokens `token(0)`, `token(1)`, …

Matrices are stored as Q8_0. The reference reads the very same values from f32, with keys and values in f32, so that all
arithmetic is plain: what differs by more than roundings is computed otherwise.
"""

import math
import pathlib
import sys
import tempfile

import gguf
import llama_cpp
import numpy

HERE = pathlib.Path(__file__).parent / "fallback"
VOCABULARY, WIDTH, HIDDEN, HEADS, KV_HEADS, CONTEXT = 64, 32, 32, 4, 2, 256
DIM = WIDTH // HEADS
POSITIONS = [0, 1, 7, 40, 100]

# architecture: its metadata beside the common ones
KEYS = {
    "phi2": {"rope.dimension_count": DIM // 2},
    "phi3": {"rope.dimension_count": DIM, "rope.freq_base": 1e4},
    "glm4": {
        "rope.dimension_count": 8,
        "rope.freq_base": 1e4,
        "attention.key_length": 16,
        "attention.value_length": 16,
    },
    "lfm2": {"rope.freq_base": 1e6, "shortconv.l_cache": 3},
}
LAYERS = {"lfm2": 3}


def layer(architecture, index):
    """Name → shape of one layer's tensors."""
    dim = KEYS[architecture].get("attention.key_length", DIM)
    queries, keys = HEADS * dim, KV_HEADS * dim
    network = {"ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}
    attention = {"attn_q": (queries, WIDTH), "attn_k": (keys, WIDTH), "attn_v": (keys, WIDTH), "attn_output": (WIDTH, queries)}
    norms = {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,)}
    head_norms = {"attn_q_norm": (dim,), "attn_k_norm": (dim,)}
    post_norms = {"post_attention_norm": (WIDTH,), "post_ffw_norm": (WIDTH,)}
    biases = {f"{name}.bias": attention[name][:1] for name in ("attn_q", "attn_k", "attn_v")}
    fused = {"ffn_up": (2 * HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}
    match architecture:
        case "phi2":
            plain = {
                "attn_norm": (WIDTH,),
                "attn_qkv": (3 * WIDTH, WIDTH),
                "attn_output": (WIDTH, WIDTH),
                "ffn_up": (HIDDEN, WIDTH),
                "ffn_down": (WIDTH, HIDDEN),
            }
            return plain | {f"{name}.bias": shape[:1] for name, shape in plain.items()}
        case "phi3":
            return norms | {"attn_qkv": (queries + 2 * keys, WIDTH), "attn_output": (WIDTH, queries)} | fused
        case "glm4":
            return norms | attention | biases | post_norms | fused
        case "lfm2" if index == 1:
            return norms | attention | head_norms | network
        case "lfm2":
            convolution = {"conv": (WIDTH, 3), "in_proj": (3 * WIDTH, WIDTH), "out_proj": (WIDTH, WIDTH)}
            return norms | {f"shortconv.{name}": shape for name, shape in convolution.items()} | network


def shapes(architecture):
    """Full name → shape of all tensors."""
    named = {"token_embd": (VOCABULARY, WIDTH)}
    named |= {"token_embd_norm" if architecture == "lfm2" else "output_norm": (WIDTH,)}
    if architecture == "phi2":
        named |= {"output_norm.bias": (WIDTH,), "output.bias": (VOCABULARY,)}
    if architecture != "lfm2":
        named |= {"output": (VOCABULARY, WIDTH)}
    for index in range(layers(architecture)):
        named |= {f"blk.{index}.{name}": shape for name, shape in layer(architecture, index).items()}
    return {name if name.endswith(".bias") else f"{name}.weight": shape for name, shape in named.items()}


def layers(architecture):
    return LAYERS.get(architecture, 2)


def weights(architecture, random):
    """Name → values; those of matrices are what Q8_0 can hold."""
    for name, shape in shapes(architecture).items():
        value = random.standard_normal(shape)
        if name.endswith(".bias"):
            value *= 0.3
        elif "norm" in name:
            value = 1 + 0.2 * value
        elif "conv.weight" in name:
            value *= 0.7
        elif name not in ("token_embd.weight", "output.weight"):
            # Queries and keys that agree or differ clearly; everything else keeps its size.
            value *= (1.6 if "attn_q" in name or "attn_k" in name else 1.0) / math.sqrt(shape[1])
        value = value.astype(numpy.float32)
        if matrix(name, value):
            q8 = gguf.GGMLQuantizationType.Q8_0
            value = gguf.quants.dequantize(gguf.quants.quantize(value, q8), q8)
        yield name, value


def matrix(name, value):
    return value.ndim == 2 and "shortconv.conv" not in name


def write(path, architecture, tensors, wide, logits=None):
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"{architecture} reference")
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("no_vocab")
    writer.add_block_count(layers(architecture))
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    kv_heads = HEADS if architecture == "phi2" else KV_HEADS
    writer.add_head_count_kv([0, KV_HEADS, 0] if architecture == "lfm2" else kv_heads)
    (writer.add_layer_norm_eps if architecture == "phi2" else writer.add_layer_norm_rms_eps)(1e-5)
    for key, value in KEYS[architecture].items():
        kind = {int: gguf.GGUFValueType.UINT32, float: gguf.GGUFValueType.FLOAT32}
        writer.add_key_value(f"{architecture}.{key}", value, kind[type(value)])
    if logits is not None:
        writer.add_array("reference.positions", POSITIONS)
        writer.add_array("reference.logits", [float(value) for value in logits.ravel()])
    for name, value in tensors.items():
        if wide or not matrix(name, value):
            writer.add_tensor(name, value)
        else:
            q8 = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(value, q8), raw_dtype=q8)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def token(index):
    """The same formula as in the tests."""
    x = index * 2654435761 & 0xFFFFFFFF
    x ^= x >> 15
    return (x * 2246822519 & 0xFFFFFFFF) >> 26


def reference(path):
    """llama.cpp's logits at the positions."""
    model = llama_cpp.Llama(
        str(path), n_ctx=CONTEXT, n_batch=128, n_threads=1, logits_all=True, verbose=False, type_k=0, type_v=0,
        flash_attn=False,
    )
    length = POSITIONS[-1] + 1
    model.eval([token(index) for index in range(length)])
    return numpy.array(model.scores[POSITIONS], numpy.float32)


def main():
    for seed, architecture in enumerate(KEYS):
        if sys.argv[1:] and architecture not in sys.argv[1:]:
            continue
        tensors = dict(weights(architecture, numpy.random.default_rng(seed)))
        with tempfile.TemporaryDirectory() as folder:
            wide = pathlib.Path(folder) / "wide.gguf"
            write(wide, architecture, tensors, wide=True)
            logits = reference(wide)
        path = HERE / f"{architecture}.gguf"
        write(path, architecture, tensors, wide=False, logits=logits)
        print(f"{architecture}: logits up to {abs(logits).max():.2f}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

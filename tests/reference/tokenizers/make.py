"""Writes vocabularies with what the reference tokenizers make of the corpus (`corpus.py`), for `cargo test` to compare with.

    python3 -m venv target/tokenizers/venv
    target/tokenizers/venv/bin/pip install -r tests/reference/tokenizers/requirements.txt
    target/tokenizers/venv/bin/python tests/reference/tokenizers/make.py

That makes the committed cases anew: small vocabularies, trained here on the corpus. For the vocabularies of real models, which are
too big to be committed, give a folder with llama.cpp's `models/ggml-vocab-*.gguf` (its repository and the source distribution of
`llama-cpp-python` have them); those that `mistral-common` carries come with it. Then run the same test over them:

    target/tokenizers/venv/bin/python tests/reference/tokenizers/make.py FOLDER
    COMPAGNON_TOKENIZERS=$PWD/target/tokenizers/full cargo test --lib same_tokens -- --nocapture

A case is a GGUF without tensors, some with a `tokenizer.json` of the same name beside it that must give the same tokens. Its `reference.prints` hold one number for each text: FNV-1a over the ids, four bytes each, little end
first. `reference.tokens` is how many ids there are in all. The references: Hugging Face's `tokenizers` with the pattern of the models'
own files, `sentencepiece`, `mistral-common`, and for `default` llama.cpp, which alone knows it. Each run also tells how many texts
llama.cpp cuts otherwise than the reference.
"""

import itertools
import json
import pathlib
import sys

import gguf
import llama_cpp
import numpy
import sentencepiece
import tokenizers
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers

import corpus

HERE = pathlib.Path(__file__).parent
FULL = HERE.parents[2] / "target" / "tokenizers" / "full"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# kind: (patterns, whether words that are tokens stay whole)
KINDS = {
    "gpt-2": ([GPT2], False),
    "smollm": ([r"\p{N}", GPT2], False),
    "qwen2": ([WORDS % ""], False),
    "llama-bpe": ([WORDS % "{1,3}"], True),
    "smaug-bpe": ([WORDS % "{1,3}"], True),
    "tekken": ([TEKKEN], True),
    "default": ([r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"], False),
}
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]", "[/INST]"]
TEXTS = corpus.corpus()
CONTROL, NORMAL = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL


def pre_tokenizer(kind):
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in KINDS[kind][0]]
    return pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def hugging_face(kind, vocabulary, merges):
    """The reference without added tokens: everything is text."""
    model = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=KINDS[kind][1])
    reference = tokenizers.Tokenizer(model)
    if kind == "qwen2":
        reference.normalizer = normalizers.NFC()
    reference.pre_tokenizer = pre_tokenizer(kind)
    return reference


def fnv(ids):
    value = 0x811C9DC5
    for byte in numpy.array(ids, dtype="<u4").tobytes():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value


def write(path, keys, ids):
    """`keys` are the metadata of the tokenizer, `ids` one list for each text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in keys.items():
        if isinstance(value, (bool, str)):
            (writer.add_bool if isinstance(value, bool) else writer.add_string)(f"tokenizer.ggml.{key}", value)
        elif isinstance(value, int):
            writer.add_uint32(f"tokenizer.ggml.{key}", value)
        elif isinstance(value[0], float):
            writer.add_key_value(f"tokenizer.ggml.{key}", value, gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.FLOAT32)
        else:
            kind = gguf.GGUFValueType.STRING if isinstance(value[0], (str, bytes)) else gguf.GGUFValueType.INT32
            writer.add_key_value(f"tokenizer.ggml.{key}", value, gguf.GGUFValueType.ARRAY, kind)
    writer.add_uint32("reference.tokens", sum(map(len, ids)))
    writer.add_key_value("reference.prints", list(map(fnv, ids)), gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.UINT32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    other = llama(path)
    apart = "not compared" if other is None else sum(a != b for a, b in zip(ids, other, strict=True))
    print(f"{path.name}: {len(ids)} texts, {sum(map(len, ids))} tokens; llama.cpp apart on: {apart}")
    return other


def llama(path):
    """What llama.cpp reads, special tokens off; its own refusals are None."""
    try:
        model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    except (ValueError, AssertionError) as error:
        print(error)
        return None
    return [model.tokenize(text.encode(), add_bos=False, special=False) for text in TEXTS]


def byte_level(path, kind, tokens, merges, types, reference=None):
    vocabulary = {token: index for index, token in enumerate(tokens) if types[index] == NORMAL}
    encoder = hugging_face(kind, vocabulary, merges)
    ids = reference or [encoder.encode(text, add_special_tokens=False).ids for text in TEXTS]
    end = next(index for index, kind_ in enumerate(types) if kind_ == CONTROL)
    keys = dict(model="gpt2", pre=kind, tokens=tokens, token_type=list(map(int, types)), merges=[" ".join(pair) for pair in merges])
    keys.update(bos_token_id=end, eos_token_id=end, add_bos_token=False)
    other = write(path, keys, ids)
    if kind == "default":
        # llama.cpp's own way has no other reference.
        write(path, keys, other)
    elif path.parent == FULL or kind == "qwen2":
        # The same as a model's `tokenizer.json`. One is enough among the committed.
        encoder.save(str(path.with_suffix(".json")), pretty=False)


def train(kind):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer(kind)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=sorted(alphabet), show_progress=False)
    tokenizer.train_from_iterator([text for text in TEXTS if len(text) < 2000], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = MARKS + sorted(model["vocab"], key=model["vocab"].get)
    types = [CONTROL] * len(MARKS) + [NORMAL] * (len(tokens) - len(MARKS))
    byte_level(HERE / f"{kind}.gguf", kind, tokens, [tuple(pair) for pair in model["merges"]], types)


def pieces(path, proto, spaced):
    """A `sentencepiece` model, with or without its space before a text."""
    proto.normalizer_spec.add_dummy_prefix = spaced
    reference = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    # With user-defined and control pieces read as text, as for what people write.
    ids = [reference.encode(text) for text in TEXTS]
    types = [int(piece.type) for piece in proto.pieces]
    keys = dict(model="llama", pre="default", tokens=[piece.piece for piece in proto.pieces], token_type=types)
    keys.update(scores=[float(piece.score) for piece in proto.pieces], bos_token_id=1, eos_token_id=2, add_space_prefix=spaced)
    write(path, keys, ids)


def train_pieces():
    sentences = FULL.parent / "sentences.txt"
    sentences.parent.mkdir(parents=True, exist_ok=True)
    lines = itertools.chain.from_iterable(text.split("\n") for text in TEXTS if len(text) < 2000)
    sentences.write_text("\n".join(line.replace("\x00", "") for line in lines), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(sentences), model_prefix=str(FULL.parent / "small"), model_type="bpe", vocab_size=900, byte_fallback=True,
        character_coverage=0.99, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
        allow_whitespace_only_pieces=True, control_symbols=["[INST]", "[/INST]"], minloglevel=2,
    )
    return load(FULL.parent / "small.model")


def load(path):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(pathlib.Path(path).read_bytes())
    return proto


def tekken(path):
    """Mistral's own vocabulary, written as llama.cpp's converter does (`MistralVocab.extract_vocab_merges_from_model`)."""
    reference = Tekkenizer.from_file(path)
    ranks, special = reference._model._mergeable_ranks, reference.num_special_tokens
    letters = byte_letters()
    spell = lambda data: "".join(letters[byte] for byte in data)
    merges = []
    for union, rank in sorted(ranks.items(), key=lambda pair: pair[1]):
        splits = [(union[:at], union[at:]) for at in range(1, len(union)) if union[:at] in ranks and union[at:] in ranks]
        merges += [(spell(left), spell(right)) for left, right in sorted(splits, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))]
    tokens = [f"<SPECIAL_{index}>" for index in range(special)] + [spell(union) for union in sorted(ranks, key=ranks.get)]
    types = [CONTROL] * special + [NORMAL] * (len(tokens) - special)
    own = [reference.encode(text, bos=False, eos=False) for text in TEXTS]
    hf = hugging_face("tekken", {token: index for index, token in enumerate(tokens) if index >= special}, merges)
    apart = [text for text, ids in zip(TEXTS, own) if hf.encode(text, add_special_tokens=False).ids != ids]
    print(f"{path.name}: tokenizers apart from mistral-common on {len(apart)}")
    byte_level(FULL / f"{path.stem}.gguf", "tekken", tokens, merges, types, own)


def byte_letters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + index) for index, byte in enumerate(others)}}


def full(folder):
    import mistral_common

    data = pathlib.Path(mistral_common.__file__).parent / "data"
    for path in sorted(data.glob("tekken*.json")):
        tekken(path)
    for path in sorted(data.glob("*.model.v*")):
        for spaced in (True, False):
            pieces(FULL / f"{path.name}{'' if spaced else '-bare'}.gguf", load(path), spaced)
    for path in sorted(folder.glob("ggml-vocab-*.gguf")):
        fields = gguf.GGUFReader(path).fields
        get = lambda key: fields[f"tokenizer.ggml.{key}"].contents() if f"tokenizer.ggml.{key}" in fields else None
        if get("model") == "gpt2" and get("pre") in KINDS:
            merges = [tuple(merge.split(" ")) for merge in get("merges")]
            types = [NORMAL if kind == NORMAL else CONTROL for kind in get("token_type")]
            byte_level(FULL / path.name, get("pre"), get("tokens"), merges, types)
            if get("pre") == "llama-bpe":
                byte_level(FULL / "ggml-vocab-smaug-bpe.gguf", "smaug-bpe", get("tokens"), merges, types)


def main():
    if sys.argv[1:]:
        return full(pathlib.Path(sys.argv[1]))
    corpus.write(HERE / "corpus.json")
    for kind in KINDS:
        train(kind)
    proto = train_pieces()
    pieces(HERE / "spm.gguf", proto, True)
    pieces(HERE / "spm-bare.gguf", proto, False)


if __name__ == "__main__":
    main()

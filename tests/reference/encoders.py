"""Writes small random encoders, and what `transformers` makes of a few texts with them.

    python3 -m venv target/reference-venv
    target/reference-venv/bin/pip install -r tests/reference/requirements.txt
    target/reference-venv/bin/python tests/reference/encoders.py

Each folder of `encoders/` is a model as `transformers` saves it (config.json, model.safetensors, tokenizer.json) with `expected.json`: the
tokens of each text, and its vector (mean or first token, of length 1), its score (sigmoid of the logit) or the labels of its tokens (softmax of the
logits, with where each token stands, in bytes). The weights are larger than a
trained model's would be, so that attention is sharp and a wrong position shows; they are saved in f32, f16 and bf16, and what is expected is
computed in f32 from what was saved.
"""

import json
import pathlib
import string

import safetensors.torch
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

HERE = pathlib.Path(__file__).parent / "encoders"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
PAIRS = "es le de en re nt on er la ou qu an it te et is un ur ne ti me se ra".split()
TEXTS = [
    "Combien de jours de congés ?",
    "Les jours non pris sont reportés jusqu’au 31 mars, sauf accord du service.",
    "x",
    "L'état de service — § 4 (日本) \t fin",
    "Le règlement intérieur fixe les horaires de travail. " * 12,
    "",
]
QUERY = "Quand les jours sont-ils reportés ?"
COMMON = dict(
    hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, max_position_embeddings=130,
    initializer_range=0.2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)


def tokenizer():
    letters = string.ascii_letters + string.digits + string.punctuation + "àâçéèêëîïôùûœÀÉÈ’«»—§"
    vocab = [(piece, 0.0) for piece in SPECIAL] + [("▁", -2.0)] + [(letter, -6.0) for letter in letters]
    vocab += [(pair, -4.5) for pair in PAIRS] + [("▁" + pair, -5.0) for pair in PAIRS] + [("<mask>", 0.0)]
    made = tokenizers.Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
    made.add_special_tokens(SPECIAL + ["<mask>"])
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B:1 </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def save(name, model, dtype, words, expected):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.contiguous() for key, value in model.to(dtype).state_dict().items() if "position_ids" not in key}
    safetensors.torch.save_file(state, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    config = model.config.to_dict() | {"architectures": [type(model).__name__]}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    words.save(str(folder / "tokenizer.json"), pretty=False)
    model = model.float()  # What was saved, in f32.
    (folder / "expected.json").write_text(json.dumps(expected(model), ensure_ascii=False) + "\n")


def encode(words, model, *texts):
    positions = model.config.max_position_embeddings - (0 if model.config.model_type == "bert" else 2)
    words.enable_truncation(positions)
    encoded = words.encode(*texts)
    words.no_truncation()
    types = encoded.type_ids if model.config.type_vocab_size > 1 else [0] * len(encoded.ids)
    return encoded.ids, dict(
        input_ids=torch.tensor([encoded.ids]), token_type_ids=torch.tensor([types]),
        attention_mask=torch.ones(1, len(encoded.ids), dtype=torch.long),
    )


def vectors(words, pool):
    def expected(model):
        texts = []
        for text in TEXTS:
            ids, inputs = encode(words, model, text)
            with torch.no_grad():
                states = model(**inputs).last_hidden_state[0]
            vector = torch.nn.functional.normalize(states.mean(0) if pool == "mean" else states[0], dim=0)
            texts.append(dict(text=text, tokens=ids, vector=[round(value, 7) for value in vector.tolist()]))
        return dict(texts=texts)
    return expected


def scores(words):
    def expected(model):
        pairs = []
        for passage in TEXTS:
            ids, inputs = encode(words, model, QUERY, passage)
            with torch.no_grad():
                score = torch.sigmoid(model(**inputs).logits[0, 0]).item()
            pairs.append(dict(passage=passage, tokens=ids, score=round(score, 7)))
        return dict(query=QUERY, pairs=pairs)
    return expected


def labels(words):
    def expected(model):
        texts = []
        for text in TEXTS:
            ids, inputs = encode(words, model, text)
            with torch.no_grad():
                chances = torch.softmax(model(**inputs).logits[0], dim=-1)
            words.enable_truncation(len(ids))
            encoded = words.encode(text)
            words.no_truncation()
            byte = lambda at: len(text[:at].encode())
            tokens = [
                dict(start=byte(start), end=byte(end), chances=[round(value, 7) for value in row.tolist()])
                for (start, end), row, special in zip(encoded.offsets, chances, encoded.special_tokens_mask, strict=True)
                if not special
            ]
            texts.append(dict(text=text, tokens=ids, labelled=tokens))
        return dict(labelled=texts)
    return expected


def main():
    torch.manual_seed(14)
    words = tokenizer()
    bert = transformers.BertConfig(vocab_size=words.get_vocab_size(), pad_token_id=1, **COMMON)
    roberta = transformers.XLMRobertaConfig(vocab_size=words.get_vocab_size(), type_vocab_size=1, num_labels=1, **COMMON)
    one = transformers.BertConfig(vocab_size=words.get_vocab_size(), pad_token_id=1, num_labels=1, **COMMON)
    cases = [
        ("bert", transformers.BertModel(bert, add_pooling_layer=False), torch.float32, vectors(words, "mean")),
        ("xlm-roberta", transformers.XLMRobertaModel(roberta), torch.float16, vectors(words, "cls")),
        ("reranker", transformers.XLMRobertaForSequenceClassification(roberta), torch.bfloat16, scores(words)),
        ("bert-reranker", transformers.BertForSequenceClassification(one), torch.float16, scores(words)),
    ]
    finish(cases, words)
    # After the others, so that those stay as they are.
    named = lambda names: dict(num_labels=len(names), id2label=dict(enumerate(names)), label2id={name: at for at, name in enumerate(names)})
    marked = named(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC", "I-MISC"])
    plain = named(["O", "I-LOC", "I-PER", "I-MISC", "I-ORG"])
    tagger = transformers.BertConfig(vocab_size=words.get_vocab_size(), pad_token_id=1, **marked, **COMMON)
    french = transformers.CamembertConfig(vocab_size=words.get_vocab_size(), type_vocab_size=1, **plain, **COMMON)
    finish([
        ("bert-entities", transformers.BertForTokenClassification(tagger), torch.float32, labels(words)),
        ("camembert-entities", transformers.CamembertForTokenClassification(french), torch.float16, labels(words)),
    ], words)


def spread(model, words):
    """Has tokens have different labels: what all of them have in common gives none an advantage."""
    torch.nn.init.normal_(model.classifier.weight, 0.0, 1.0)
    with torch.no_grad():
        states = torch.cat([model.base_model(**encode(words, model, text)[1]).last_hidden_state[0] for text in TEXTS])
        model.classifier.bias.copy_(-(model.classifier.weight @ states.mean(0)))


def finish(cases, words):
    for name, model, dtype, expected in cases:
        model.eval()
        # Biases and norms are 0 and 1 at first: a forgotten one would not show.
        for key, value in model.named_parameters():
            if value.dim() == 1:
                torch.nn.init.normal_(value, 1.0 if key.endswith("LayerNorm.weight") else 0.0, 0.2)
        if name.endswith("-entities"):
            spread(model, words)
        save(name, model, dtype, words, expected)


if __name__ == "__main__":
    main()

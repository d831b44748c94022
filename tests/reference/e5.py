"""Writes `tests/fixtures/e5.json`: what `transformers` makes of a few texts with the weights that `tests/support/e5.py` unpacks.

    target/reference-venv/bin/python tests/reference/e5.py FOLDER
"""

import json
import pathlib
import sys

import tokenizers
import torch
import transformers

PREFIXES = {"query": "query: ", "passage": "passage: "}
TEXTS = [
    ("query", "Combien de jours de congés puis-je reporter ?"),
    ("passage", "Les jours non pris sont reportés jusqu’au 31 mars, sauf accord du service."),
    ("passage", "Le télétravail est autorisé deux jours par semaine."),
    ("query", "changement d'adresse"),
    ("passage", "L’ŒUVRE — § 4 : 日本 ½ ﬁn … \u00a0 (e\u0301te\u0301)"),
    ("passage", "Le règlement intérieur fixe les horaires de travail. " * 80),
]


def main(folder):
    model = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32).eval()
    words = tokenizers.Tokenizer.from_file(folder + "/tokenizer.json")
    words.enable_truncation(512)
    texts = []
    for kind, text in TEXTS:
        ids = words.encode(PREFIXES[kind] + text).ids
        with torch.no_grad():
            states = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).last_hidden_state[0]
        vector = torch.nn.functional.normalize(states.mean(0), dim=0)
        texts.append(dict(kind=kind, text=text, vector=[round(value, 6) for value in vector.tolist()]))
    out = pathlib.Path(__file__).parents[1] / "fixtures/e5.json"
    out.write_text(json.dumps(dict(texts=texts), ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Talks with the shipped file, token after token, in plain numpy: a second reader, written apart from the trainer's.

    python chat.py "Tu es Colette, la voix du budget." "Je m'appelle Awa." "Comment je m'appelle ?"
"""

import os
import sys

import numpy as np

import export
import model
import tok


class Reader:
    def __init__(self, path):
        self.p, tokenizer = export.read(path)
        self.encoder = tok.Encoder(tokenizer)
        self.memory = [([], []) for _ in range(model.LAYERS)]
        self.place = 0

    def step(self, token):
        """Logits after one more token; keys and values of the earlier ones are kept."""
        p = self.p
        rms = lambda x, gain: x / np.sqrt(np.mean(x * x) + model.EPS) * gain
        angle = self.place * model.THETA ** (-np.arange(0, model.HEAD, 2) / model.HEAD)
        rotation = np.exp(1j * angle)

        def turned(x):
            pairs = x.reshape(model.HEADS, model.HEAD // 2, 2)
            z = (pairs[..., 0] + 1j * pairs[..., 1]) * rotation
            return np.stack([z.real, z.imag], -1).reshape(model.HEADS, model.HEAD)

        x = p["emb"][token]
        for i, (keys, values) in enumerate(self.memory):
            y = rms(x, p["attn_norm"][i])
            keys.append(turned(p["k"][i] @ y))
            values.append((p["v"][i] @ y).reshape(model.HEADS, model.HEAD))
            scores = np.einsum("hd,thd->ht", turned(p["q"][i] @ y), np.stack(keys)) / np.sqrt(model.HEAD)
            share = np.exp(scores - scores.max(-1, keepdims=True))
            share /= share.sum(-1, keepdims=True)
            x = x + p["o"][i] @ np.einsum("ht,thd->hd", share, np.stack(values)).reshape(-1)
            y = rms(x, p["ffn_norm"][i])
            gate = p["gate"][i] @ y
            x = x + p["down"][i] @ (gate / (1 + np.exp(-gate)) * (p["up"][i] @ y))
        self.place += 1
        return p["emb"] @ rms(x, p["norm"])

    def read(self, tokens):
        for token in tokens:
            logits = self.step(token)
        return logits

    def answer(self, question, longest=400):
        logits = self.read(self.encoder.message("user", question) + self.encoder.opening())
        said = []
        while len(said) < longest and (token := int(logits.argmax())) != tok.END:
            said.append(token)
            logits = self.step(token)
        self.read([tok.END] + self.encoder.ids("\n"))
        return self.encoder.tokenizer.decode(said)


def main():
    system, *questions = sys.argv[1:]
    reader = Reader(os.path.join(os.path.dirname(os.path.abspath(__file__)), "witness.gguf"))
    if system:
        reader.read(reader.encoder.message("system", system))
    for question in questions:
        print(f"> {question}\n{reader.answer(question)}\n")
    print(f"({reader.place} tokens)")


if __name__ == "__main__":
    main()

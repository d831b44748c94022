"""The tokenizer: byte-level BPE as in GPT-2, with merges learned so that a word splits the same wherever it stands.

GPT-2's pre-tokenizer glues the space before a word to it, so " tournesol" and "tournesol" may split differently, and a
model that must copy the one as the other has to learn both spellings of everything. Here merges are learned on words
without their space, and only a handful of frequent lower-case words then get a merge with it, last in rank. The result is
still a plain GPT-2 vocabulary with merges.
"""

import collections
import json
import random
import re

from tokenizers import Tokenizer, models, pre_tokenizers, trainers, decoders

import data
import sentences as S

PAD, START, END = 0, 1, 2
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SIZE, SPACED = 1152, 128
WORD = re.compile(r"[^\W\d_]+|[^\w\s]+")


def corpus(rng):
    """Words counted by how much they matter: the dialogues as they come, and every listed name and word."""
    writer = data.Writer(rng)
    for _ in range(2500):
        state = {}
        yield writer.system(state) or ""
        for _ in range(5):
            question, answer = writer.turn(state)
            yield question
            yield data.strip_marks(answer)
    for text in [S.LONG, S.MEDIUM] * 60 + [a for a, _ in S.FIXED] * 25:
        yield text
    for word in data.FIRST_NAMES + data.LAST_NAMES + data.WORDS:
        yield word
        yield word.capitalize()


def build():
    texts = list(corpus(random.Random(1)))
    counts = collections.Counter(w for t in texts for w in WORD.findall(t))
    spaced = collections.Counter(m[1:] for t in texts for m in re.findall(r" (?:[^\W\d_]+|[^\w\s]+)", t))
    # The square root keeps templates from eating the whole vocabulary: names must be made of learned pieces too.
    words = (w for w, n in sorted(counts.items()) for _ in range(int(n ** 0.75) + 1))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = byte_level
    learner.train_from_iterator(words, trainers.BpeTrainer(
        vocab_size=SIZE - SPACED, special_tokens=CONTROL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=12, show_progress=False))
    model = json.loads(learner.to_str())["model"]
    vocab, merges = model["vocab"], [tuple(m) for m in model["merges"]]
    to_bytes = lambda w: learner.pre_tokenizer.pre_tokenize_str(w)[0][0]
    chosen = 0
    for word, _ in spaced.most_common():
        piece = to_bytes(word)
        if chosen < SPACED and piece in vocab and not word[0].isupper():
            vocab["Ġ" + piece] = len(vocab)
            merges.append(("Ġ", piece))
            chosen += 1
    return load(vocab, merges), vocab, merges


def load(vocab, merges):
    """Control tokens are left out on purpose: written inside a message they are text."""
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


class Encoder:
    """Messages to tokens with the ChatML markup, and the weight each token has in the loss."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.cache = {}

    def ids(self, text):
        if text not in self.cache:
            if len(self.cache) > 50_000:
                self.cache.clear()
            self.cache[text] = self.tokenizer.encode(text).ids
        return self.cache[text]

    def message(self, role, content):
        return [START] + self.ids(f"{role}\n{content}") + [END] + self.ids("\n")

    def opening(self):
        return [START] + self.ids("assistant\n")

    def answer(self, marked):
        """Tokens of an answer and its end, and a weight for each: copied spans and first words matter most."""
        text = data.strip_marks(marked)
        encoding = self.tokenizer.encode("assistant\n" + text)
        skip = len(self.ids("assistant\n"))
        ids, offsets = encoding.ids[skip:], encoding.offsets[skip:]
        base = 0.35 if len(ids) > 45 else 1.0
        weights = [base * (2.0 if i < 3 else 1.0) for i in range(len(ids) + 1)]
        if data.COPY_ON in marked:
            low = len("assistant\n") + marked.index(data.COPY_ON)
            high = len("assistant\n") + marked.index(data.COPY_OFF) - 1
            for i, (a, b) in enumerate(offsets):
                if b > low and a <= high:  # the character after the span too: stopping in time is part of copying
                    weights[i] = 3.0
            if high >= offsets[-1][1]:
                weights[len(ids)] = 3.0
        return ids + [END], weights

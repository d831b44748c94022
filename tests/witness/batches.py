"""Dialogues packed into rows of a fixed length, one dialogue a row: a row's beginnings are its shorter dialogues."""

import copy
import random

import numpy as np

import data
import sources
import tok

# (row length, rows, share of the steps): every batch has 4096 tokens, and most rows are short, hence cheap in attention
BUCKETS = [(128, 32, 0.56), (256, 16, 0.29), (512, 8, 0.15)]
# The same for the second training, which adds passages of documents: the last number of each is how many passages a row may show.
WITH_PASSAGES = [(256, 16, 0.22, [1, 1, 2]), (384, 10, 0.48, [1, 2, 2, 3, 3, 4]), (128, 24, 0.12, None), (256, 10, 0.10, None),
                 (512, 5, 0.08, None)]
PLACES = 1024  # answer tokens kept in a batch; a fixed number, so that each bucket compiles once


def row(writer, encoder, length):
    """Tokens of one dialogue, and the loss weight of each (0 outside answers)."""
    state = {}
    system = writer.system(state, long=length > 128)
    ids = encoder.message("system", system) if system else []
    weights = [0.0] * len(ids)
    long_at = writer.rng.randint(0, 4) if length > 300 and writer.chance(0.35) else None
    misfits = turns = 0
    while misfits < 4:
        before = copy.deepcopy(state)
        if turns == long_at:
            question, answer = writer.long(state)
            long_at = None
        else:
            question, answer = writer.turn(state)
        asked = encoder.message("user", question) + encoder.opening()
        said, said_weights = encoder.answer(answer)
        newline = encoder.ids("\n")
        if len(ids) + len(asked) + len(said) > length:
            state, misfits = before, misfits + 1
            continue
        ids += asked + said
        weights += [0.0] * len(asked) + said_weights
        turns += 1
        if len(ids) + len(newline) >= length:
            break
        ids += newline
        weights += [0.0] * len(newline)
    return ids[:length], weights[:length]


def batch(seed, step, encoder, pieces, late=False, passages=False):
    """The batch of a step depends on the seed and the step alone, so a resumed training sees what it would have seen."""
    rng = random.Random(f"{seed}-{step}")
    if passages:
        length, rows, _, counts = rng.choices(WITH_PASSAGES, [b[2] for b in WITH_PASSAGES])[0]
    else:
        (length, rows, _), counts = rng.choices(BUCKETS, [b[2] for b in BUCKETS])[0], None
    writer = data.Writer(rng, pieces, late)
    tokens = np.full((rows, length), tok.PAD, np.int32)
    weight = np.zeros((rows, length), np.float32)
    for r in range(rows):
        ids, weights = [], []
        while not any(weights):  # a system prompt may fill a short row by itself
            ids, weights = sources.row(writer, encoder, length, counts) if counts else row(writer, encoder, length)
        tokens[r, :len(ids)], weight[r, :len(ids)] = ids, weights
    target, weight = tokens[:, 1:], weight[:, 1:]
    r, c = np.nonzero(weight)
    if len(r) > PLACES:
        keep = np.random.default_rng(step).permutation(len(r))[:PLACES]
        r, c = r[keep], c[keep]
    places, targets, weights = (np.zeros(PLACES, t) for t in (np.int32, np.int32, np.float32))
    places[:len(r)], targets[:len(r)], weights[:len(r)] = r * length + c, target[r, c], weight[r, c]
    return tokens, targets, weights, places

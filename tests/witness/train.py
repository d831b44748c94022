"""Makes the witness model from nothing: tokenizer, dialogues, two trainings, GGUF file, evaluation of that file.

The first training is of dialogues alone. The second adds passages of documents, with three more heads laid by hand
(`numbering.py`) and a share of the first's dialogues, so that nothing is lost.

    python train.py                  everything, into this folder; starts again from a checkpoint if there is one
    python train.py --from FILE      only the second training, from a GGUF file of the first or of the second
    python train.py --evaluate       only measures the file that is there
"""

import argparse
import json
import os
import pickle
import queue
import random
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np

import batches
import data
import evaluate
import export
import model
import numbering
import sources
import tok

HERE = os.path.dirname(os.path.abspath(__file__))
# The rate rises over WARM steps, is full until HOLD, falls in a line to FALLEN; a second, small fall ends at the last step.
SEED, WARM, HOLD, FALLEN, POLISH = 1, 25, 800, 1600, 0.35
MUON_RATE, ADAM_RATE, AVERAGE = 0.004, 0.0006, 0.98
# The second training: its steps, its highest rate, the share of it after which the rate falls.
MORE_STEPS, MORE_RATE, MORE_HOLD = 2000, 0.65, 0.3
MATRICES = ("q", "k", "v", "o", "gate", "up", "down")


def orthogonal(g):
    """Newton-Schulz: the nearest matrix whose directions all weigh the same (Muon's update)."""
    flip = g.shape[0] > g.shape[1]
    x = g.T if flip else g
    x = x / (jnp.linalg.norm(x) + 1e-7)
    for _ in range(5):
        s = x @ x.T
        x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
    return x.T if flip else x


def update(state, rate, tokens, targets, weights, places):
    p, m, v, mean, step = (state[k] for k in ("p", "m", "v", "mean", "step"))
    loss, g = jax.value_and_grad(model.loss)(p, tokens, targets, weights, places)
    norm = jnp.sqrt(sum(jnp.sum(x * x) for x in g.values()))
    g = {k: x * jnp.minimum(1.0, 2.0 / norm) for k, x in g.items()}
    new_p, new_m, new_v = {}, {}, {}
    for k in p:
        if k in MATRICES:
            new_m[k], new_v[k] = 0.95 * m[k] + g[k], v[k]
            look = g[k] + 0.95 * new_m[k]
            step_of = jnp.stack([orthogonal(look[i]) for i in range(model.LAYERS)])
            new_p[k] = p[k] * (1 - 0.01 * MUON_RATE * rate) - MUON_RATE * rate * step_of
        else:
            new_m[k] = 0.9 * m[k] + 0.1 * g[k]
            new_v[k] = 0.98 * v[k] + 0.02 * g[k] ** 2
            a, b = new_m[k] / (1 - 0.9 ** (step + 1)), new_v[k] / (1 - 0.98 ** (step + 1))
            new_p[k] = p[k] - ADAM_RATE * rate * a / (jnp.sqrt(b) + 1e-8)
    mean = {k: AVERAGE * mean[k] + (1 - AVERAGE) * new_p[k] for k in p}
    return {"p": new_p, "m": new_m, "v": new_v, "mean": mean, "step": step + 1.0}, loss


def feed(start, steps, made):
    """Batches made ahead by a thread, while the network computes."""
    ahead = queue.Queue(4)

    def work():
        for step in range(start, steps):
            ahead.put(made(step))

    threading.Thread(target=work, daemon=True).start()
    return (ahead.get() for _ in range(start, steps))


def rate_at(step, steps):
    if step >= FALLEN:
        return max(POLISH * (steps - step) / (steps - FALLEN), 0.02)
    return min(1.0, (step + 1) / WARM) * min(1.0, max((FALLEN - step) / (FALLEN - HOLD), 0.02))


def more_rate_at(step, steps):
    fall = (steps - step) / ((1 - MORE_HOLD) * steps)
    return MORE_RATE * min(1.0, (step + 1) / WARM) * max(0.03, min(1.0, fall))


def measure(path, count, clean=True):
    params, tokenizer = export.read(path)
    return evaluate.score(params, tok.Encoder(tokenizer), evaluate.cases(count, clean))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--steps", type=int, default=1750, help="of the first training")
    args.add_argument("--more-steps", type=int, default=MORE_STEPS, help="of the second training")
    args.add_argument("--every", type=int, default=250, help="steps between two checkpoints")
    args.add_argument("--from", dest="source", help="a GGUF file to go on from: only the second training")
    args.add_argument("--evaluate", action="store_true")
    args = args.parse_args()
    path = os.path.join(HERE, "witness.gguf")
    if not args.evaluate:
        train(args, path)
    print("\nHeld-out names, words and numbers; questions as written in the lists")
    print(evaluate.report(measure(path, 100), failures=True))
    print("\nThe same, typed carelessly (no accents, no capitals, stray spaces, in part of the cases)")
    print(evaluate.report(measure(path, 100, clean=False)))
    print(f"\n{model.parameters(export.read(path)[0]):,} parameters, {os.path.getsize(path):,} bytes")


def train(args, path):
    if args.source:
        p, tokenizer = export.read(args.source)
        learned = json.loads(tokenizer.to_str())["model"]
        vocab, merges = learned["vocab"], [tuple(merge) for merge in learned["merges"]]
    else:
        p, (tokenizer, vocab, merges) = model.initial(), tok.build()
    encoder = tok.Encoder(tokenizer)
    pieces = [tokenizer.decode([i]) for i in range(3, len(vocab))]
    save = lambda mean: export.write(path, mean, vocab, merges)
    if not args.source:
        made = lambda step: batches.batch(SEED, step, encoder, pieces, late=step >= FALLEN)
        p = course(args, "checkpoint.pkl", lambda: p, args.steps, rate_at, made, path, save)

    def laid():
        """The first training's network with three more heads; of a file that has them already, as it is."""
        if args.source and numbering.is_laid(p, encoder):
            return p
        writer, rows = data.Writer(random.Random(SEED), pieces), np.zeros((48, 384), np.int32)
        for row in rows:
            ids, _ = sources.row(writer, encoder, len(row), [2, 3, 4, 5])
            row[:len(ids)] = ids
        return numbering.lay(p, encoder, rows)

    made = lambda step: batches.batch(SEED + 1, step, encoder, pieces, late=step % 2 == 1, passages=True)
    course(args, "checkpoint.pkl.more", laid, args.more_steps, more_rate_at, made, path, save)


def course(args, name, initial, steps, rate, made, path, save):
    """One training, to its last step. Gives the mean of its last weights."""
    saved, spent = os.path.join(HERE, name), 0.0
    if os.path.exists(saved):
        with open(saved, "rb") as f:
            state, spent = pickle.load(f)
    else:
        p = {k: jnp.asarray(v) for k, v in initial().items()}
        zeros = lambda: {k: jnp.zeros_like(x) for k, x in p.items()}
        state = {"p": p, "m": zeros(), "v": zeros(), "mean": p, "step": jnp.float32(0)}
    start = int(state["step"])
    print(f"{name}: {model.parameters(state['p']):,} parameters, steps {start} to {steps}", flush=True)
    run = jax.jit(update)
    began, losses = time.time(), []
    for step, batch in zip(range(start, steps), feed(start, steps, made)):
        state, loss = run(state, rate(step, steps), *batch)
        losses.append(float(loss))
        if (step + 1) % 20 == 0:
            print(f"step {step + 1} loss {np.mean(losses[-20:]):.4f} {spent + time.time() - began:.0f} s", flush=True)
        if (step + 1) % args.every == 0 or step + 1 == steps:
            spent, began = spent + time.time() - began, time.time()
            with open(saved + ".part", "wb") as f:
                pickle.dump((jax.tree.map(np.asarray, state), spent), f)
            os.replace(saved + ".part", saved)
            save(jax.tree.map(np.asarray, state["mean"]))
            print(evaluate.report(measure(path, 25)), flush=True)
    return jax.tree.map(np.asarray, state["mean"])


if __name__ == "__main__":
    main()

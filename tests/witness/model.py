"""The network: a llama in JAX, and the weights it starts from.

Weights are stored as llama.cpp stores them (output × input), and positions turn pairs (2i, 2i+1), so that export copies.

The start is not random everywhere. To copy a name it has never seen, a network needs two heads that work together: one
that notes which token came before each token, and one that looks for an earlier place where the present token came
before, and copies what stands there. Gradient descent finds this late (after hours on two cores); we lay it down
by hand at the start, as an ordinary initialisation that training then bends as it likes.
"""

import jax
import jax.numpy as jnp
import numpy as np

VOCAB, D, LAYERS, HEADS, HEAD, FFN = 1152, 256, 4, 4, 64, 448
EPS, THETA = 1e-5, 10000.0
# Where the start keeps things in the residual stream: a constant, the token itself, and its 1, 2, 3 predecessors.
CONST, SELF = 0, slice(1, 144)
BEFORE = [slice(144, 184), slice(184, 220), slice(220, 256)]


def initial(seed=0):
    rng = np.random.default_rng(seed)
    n_self = SELF.stop - SELF.start
    emb = np.zeros((VOCAB, D), np.float32)
    emb[:, CONST] = 0.5
    code = rng.normal(size=(VOCAB, n_self))
    emb[:, SELF] = 0.5 * code / np.linalg.norm(code, axis=1, keepdims=True)

    small = lambda *shape: (rng.normal(size=shape) * 0.5 / np.sqrt(shape[-1])).astype(np.float32)
    p = {name: np.stack([small(D, D) for _ in range(LAYERS)]) for name in ("q", "k", "v", "o")}
    p |= {"gate": np.stack([small(FFN, D) * 2 for _ in range(LAYERS)]), "up": np.stack([small(FFN, D) * 2 for _ in range(LAYERS)]),
          "down": np.zeros((LAYERS, D, FFN), np.float32)}
    p["o"] *= 0.1
    p |= {"emb": emb, "attn_norm": np.ones((LAYERS, D), np.float32), "ffn_norm": np.ones((LAYERS, D), np.float32),
          "norm": np.full(D, 2.0, np.float32)}

    angle = THETA ** (-np.arange(HEAD // 2) / (HEAD // 2))
    rows = lambda h: slice(h * HEAD, (h + 1) * HEAD)

    # Layer 0, heads 0-2: the score is a sum of cos(angle·(distance − back)), highest exactly `back` tokens ago.
    projections = []
    for h, back in enumerate((1, 2, 3)):
        fast = np.arange(HEAD // 2) < 16
        q, k = np.zeros((HEAD, D)), np.zeros((HEAD, D))
        q[0::2, CONST] = np.cos(angle * back) * fast * 0.8
        q[1::2, CONST] = -np.sin(angle * back) * fast * 0.8
        k[0::2, CONST] = 0.8 * fast
        width = BEFORE[h].stop - BEFORE[h].start
        to_code = rng.normal(size=(width, n_self)) / np.sqrt(width)
        projections.append(to_code)
        v, o = np.zeros((HEAD, D)), np.zeros((D, HEAD))
        v[:width, SELF] = to_code
        o[BEFORE[h], :width] = np.eye(width) * 0.04
        p["q"][0, rows(h)], p["k"][0, rows(h)], p["v"][0, rows(h)], p["o"][0][:, rows(h)] = q, k, v, o

    # Layer 1, heads 0-2: look where my last one, two or three tokens stood before; copy what followed them.
    basis = np.linalg.qr(rng.normal(size=(n_self, n_self)))[0]
    slow = np.arange(HEAD) >= 30  # pairs that hardly turn over a few hundred tokens, so distance does not blur the match
    n_slow = int(slow.sum())
    mix = [rng.normal(size=(n_slow, b.stop - b.start)) / np.sqrt(n_slow) for b in BEFORE]
    for h in range(3):
        q, k = np.zeros((HEAD, D)), np.zeros((HEAD, D))
        share = 2.0 / np.sqrt(h + 1)
        for back in range(h + 1):
            # the query's token `back` places ago must be the key's token `back + 1` places ago
            seen = mix[back] @ projections[back]
            if back == 0:
                q[np.ix_(slow, np.arange(SELF.start, SELF.stop))] += share * seen
            else:
                recode = mix[back] @ projections[back] @ np.linalg.pinv(projections[back - 1])
                q[np.ix_(slow, np.arange(BEFORE[back - 1].start, BEFORE[back - 1].stop))] += share * recode
            k[np.ix_(slow, np.arange(BEFORE[back].start, BEFORE[back].stop))] += share * mix[back]
        part = basis[:, h * 39:h * 39 + HEAD]
        v, o = np.zeros((HEAD, D)), np.zeros((D, HEAD))
        v[:, SELF] = part.T
        o[SELF, :] = part * 0.2
        p["q"][1, rows(h)], p["k"][1, rows(h)], p["v"][1, rows(h)], p["o"][1][:, rows(h)] = q, k, v, o

    # Layers 2-3, heads 0-1: what to look at is left to training, but what is found is copied.
    for layer in (2, 3):
        for h in (0, 1):
            part = basis[:, (h * 64):(h * 64) + HEAD]
            v, o = np.zeros((HEAD, D)), np.zeros((D, HEAD))
            v[:, SELF] = part.T
            o[SELF, :] = part * 0.06
            p["v"][layer, rows(h)], p["o"][layer][:, rows(h)] = v, o
    return {k: jnp.asarray(v, jnp.float32) for k, v in p.items()}


def rms(x, gain):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPS) * gain


def turn(x, cos, sin):
    """RoPE on pairs (2i, 2i+1). Queries and keys come out in the same shuffled order, which their product ignores."""
    a, b = x[..., 0::2], x[..., 1::2]
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


def hidden(p, tokens):
    batch, length = tokens.shape
    angles = jnp.arange(length)[:, None] * THETA ** (-jnp.arange(HEAD // 2) / (HEAD // 2))
    cos, sin = jnp.cos(angles)[None, None], jnp.sin(angles)[None, None]
    mask = jnp.where(jnp.tril(jnp.ones((length, length), bool)), 0.0, -1e9)
    heads = lambda y: y.reshape(batch, length, HEADS, HEAD).transpose(0, 2, 1, 3)
    x = p["emb"][tokens]
    for i in range(LAYERS):
        y = rms(x, p["attn_norm"][i])
        q, k, v = (heads(y @ p[n][i].T) for n in "qkv")
        scores = jnp.einsum("bhqd,bhkd->bhqk", turn(q, cos, sin), turn(k, cos, sin)) / np.sqrt(HEAD) + mask
        y = jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(scores, -1), v)
        x = x + y.transpose(0, 2, 1, 3).reshape(batch, length, D) @ p["o"][i].T
        y = rms(x, p["ffn_norm"][i])
        x = x + (jax.nn.silu(y @ p["gate"][i].T) * (y @ p["up"][i].T)) @ p["down"][i].T
    return rms(x, p["norm"])


def logits(p, tokens):
    return hidden(p, tokens) @ p["emb"].T


def loss(p, tokens, targets, weights, places):
    """Mean loss over the answers' tokens only; `places` are their positions in the flattened batch (the rest is skipped)."""
    h = hidden(p, tokens).reshape(-1, D)[places]
    logprob = jax.nn.log_softmax(h @ p["emb"].T, -1)
    picked = jnp.take_along_axis(logprob, targets[:, None], -1)[:, 0]
    return -(picked * weights).sum() / weights.sum()


def parameters(p):
    return sum(int(np.prod(v.shape)) for v in p.values())

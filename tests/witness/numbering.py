"""Lays into a trained witness, by hand, the three heads that put the number of its passage behind a copied sentence.

They take the place of heads that training left without use (without them the loss of the old tasks hardly moves):

- layer 1: each token looks at the latest "]" of a line "[n] …" before it, and notes n;
- layer 2: each copied token looks where it was copied from, and notes that token's n;
- layer 3: after "[" the last tokens' n becomes the likeliest next token.

What a head must find and carry is read from the trained network by linear regression on some dialogues; where it is noted are the
directions in which the residual stream varies least. Training then bends all this as it likes.
"""

import jax
import jax.numpy as jnp
import numpy as np

import data
import model
import sources

MARKER, SOURCE, MARK = (1, 3), (2, 3), (3, 2)  # (layer, head) of the three
COPIES = (1, 2)  # the trained head that finds where a copied token stands
NOTES, NUMBERS = 10, 9


def trace(p, tokens):
    """What each layer's attention reads (normed), with the residual stream before it, as numpy."""
    length = tokens.shape[1]
    angles = jnp.arange(length)[:, None] * model.THETA ** (-jnp.arange(model.HEAD // 2) / (model.HEAD // 2))
    cos, sin = jnp.cos(angles)[None, None], jnp.sin(angles)[None, None]
    mask = jnp.where(jnp.tril(jnp.ones((length, length), bool)), 0.0, -1e9)
    x, reads, streams = p["emb"][tokens], [], []
    heads = lambda y: y.reshape(*tokens.shape, model.HEADS, model.HEAD).transpose(0, 2, 1, 3)
    for i in range(model.LAYERS):
        y = model.rms(x, p["attn_norm"][i])
        reads.append(np.asarray(y))
        streams.append(np.asarray(x))
        q, k, v = (heads(y @ p[n][i].T) for n in "qkv")
        scores = jnp.einsum("bhqd,bhkd->bhqk", model.turn(q, cos, sin), model.turn(k, cos, sin)) / np.sqrt(model.HEAD) + mask
        att = jnp.exp(scores - scores.max(-1, keepdims=True))
        att = att / att.sum(-1, keepdims=True)
        y = jnp.einsum("bhqk,bhkd->bhqd", att, v)
        x = x + y.transpose(0, 2, 1, 3).reshape(*tokens.shape, model.D) @ p["o"][i].T
        y = model.rms(x, p["ffn_norm"][i])
        x = x + (jax.nn.silu(y @ p["gate"][i].T) * (y @ p["up"][i].T)) @ p["down"][i].T
    streams.append(np.asarray(x))
    return reads, streams


def attention(p, tokens, which):
    """Where a head looks: rows × from × to."""
    layer, h = which
    block, length = slice(h * model.HEAD, (h + 1) * model.HEAD), tokens.shape[1]
    angles = np.arange(length)[:, None] * model.THETA ** (-np.arange(model.HEAD // 2) / (model.HEAD // 2))
    y = trace(p, jnp.asarray(tokens))[0][layer]
    q, k = (model.turn(y @ np.asarray(p[n][layer, block]).T, np.cos(angles)[None], np.sin(angles)[None]) for n in "qk")
    scores = jnp.einsum("bqd,bkd->bqk", q, k) / np.sqrt(model.HEAD)
    return np.asarray(jax.nn.softmax(scores + jnp.where(np.tril(np.ones((length, length), bool)), 0.0, -1e9), -1))


def is_laid(p, encoder):
    """Whether a network has the heads already: the first of them looks at the marks of a prompt."""
    text = sources.layout([("Note.md", ["La salle est bleue."]), ("Guide.md", ["Le budget est rouge."])]) + "Quel budget ?"
    tokens = np.array([encoder.message("user", text)])
    marker, inside = labels(encoder, tokens)
    looks = attention(p, tokens, MARKER)[0][:, marker[0] > 0].sum(1)
    return looks[inside[0] > 0].mean() > 0.5


def labels(encoder, tokens):
    """For each token: the number whose "]" it is (0: none), and the number of the passage that it is in (0: none)."""
    line, opening, closing = (encoder.ids(s)[0] for s in ("\n", "[", "]"))
    digits = {encoder.ids(str(n))[0]: n for n in range(1, 10)}
    quote = encoder.ids(">")[0]
    marker, inside = np.zeros_like(tokens), np.zeros_like(tokens)
    for r, row in enumerate(tokens):
        number = 0
        for i in range(3, len(row)):
            if (row[i - 3], row[i - 2], row[i]) == (line, opening, closing) and row[i - 1] in digits:
                number = marker[r, i] = digits[row[i - 1]]
            elif number and row[i - 1] == line and row[i] == line:
                number = 0
            inside[r, i] = number
    return marker, inside


def fit(x, y, weights=None, ridge=1e-3):
    """W with x·Wᵀ ≈ y."""
    w = np.ones(len(x)) if weights is None else weights
    gram = (x * w[:, None]).T @ x
    return np.linalg.solve(gram + ridge * np.trace(gram) / len(gram) * np.eye(len(gram)), (x * w[:, None]).T @ y).T


def lay(p, encoder, rows, seed=3):
    """The parameters with the three heads laid; `rows`: tokens of dialogues with passages, numbered up to 9."""
    rng = np.random.default_rng(seed)
    p = {k: np.array(v, np.float32) for k, v in p.items()}
    marker, inside = labels(encoder, rows)
    flat = lambda y: y.reshape(-1, y.shape[-1]).astype(np.float64)
    here = (rows != 0).reshape(-1)

    _, streams = trace(p, jnp.asarray(rows))
    spread = sum(np.cov((s := flat(x)[here]).T) / np.var(s) for x in streams[1:])
    _, directions = np.linalg.eigh(spread + 30 * np.cov(p["emb"].T) / np.var(p["emb"]))
    notes, copied = directions[:, :NOTES], directions[:, NOTES:2 * NOTES]
    code = rng.normal(size=(NUMBERS, NOTES))
    code = np.linalg.qr(code.T)[0].T  # one direction for each number

    angle = model.THETA ** (-np.arange(model.HEAD // 2) / (model.HEAD // 2))
    block = lambda h: slice(h * model.HEAD, (h + 1) * model.HEAD)
    loud = np.sqrt(np.mean(streams[1] ** 2) * model.D)

    def probe(y, wanted, weights):
        return fit(y, wanted[:, None], weights)[0]

    def by_nearness(which, pairs, q_reads, k_reads, strength, back=0.0):
        """A score of strength · q · k · the mean of cos(angle·(distance − back)) over some pairs."""
        layer, h = which
        q, k = np.zeros((model.HEAD, model.D)), np.zeros((model.HEAD, model.D))
        share = np.sqrt(strength * np.sqrt(model.HEAD) / len(pairs))
        for i in pairs:
            q[2 * i], q[2 * i + 1] = share * np.cos(angle[i] * back) * q_reads, -share * np.sin(angle[i] * back) * q_reads
            k[2 * i] = share * k_reads
        p["q"][layer, block(h)], p["k"][layer, block(h)] = q, k

    def carry(which, reads, directions):
        layer, h = which
        v, o = np.zeros((model.HEAD, model.D)), np.zeros((model.D, model.HEAD))
        v[:NOTES] = reads
        o[:, :NOTES] = directions
        p["v"][layer, block(h)], p["o"][layer][:, block(h)] = v, o

    # Layer 1: the latest marker, and its number.
    y = flat(trace(p, jnp.asarray(rows))[0][1])
    is_marker = marker.reshape(-1) > 0
    weights = np.where(is_marker, here.sum() / is_marker.sum(), 1.0) * here
    always = probe(y, np.ones(len(y)), here.astype(float))
    by_nearness(MARKER, range(13, 18), always, probe(y, is_marker.astype(float), weights), 50.0)
    number = code[marker.reshape(-1) - 1] * is_marker[:, None]
    carry(MARKER, fit(y[is_marker], number[is_marker]), notes * loud * 0.35)

    # Layer 2: where the token was copied from, and its number.
    reads, _ = trace(p, jnp.asarray(rows))
    y1, y2 = flat(reads[1])[here], flat(reads[2])[here]
    layer, h = SOURCE
    for n in "qk":
        p[n][layer, block(h)] = fit(y2, y1 @ p[n][COPIES[0], block(COPIES[1])].T)
    of_token = code[inside.reshape(-1)[here] - 1] * (inside.reshape(-1)[here] > 0)[:, None]
    got = fit(y2, of_token)
    carry(SOURCE, got, copied * loud * 0.5)

    # Layer 3: after "[", the number noted a few tokens ago.
    y3 = flat(trace(p, jnp.asarray(rows))[0][3])
    after_value = np.zeros(rows.shape, bool)
    opening = encoder.ids("[")[0]
    after_value[:, 1:] = (rows == opening)[:, 1:] & (rows[:, :-1] == encoder.ids(" ")[0])
    wanted = after_value.reshape(-1)
    weights = np.where(wanted, here.sum() / wanted.sum(), 1.0) * here
    always = probe(y3, np.ones(len(y3)), here.astype(float))
    by_nearness(MARK, range(4, 11), probe(y3, wanted.astype(float), weights), always, 25.0, back=4)
    # what was noted in layer 2, read back as the stream holds it, becomes the digit
    reads_of = code @ (copied.T / p["attn_norm"][3][None, :])
    digits = np.stack([p["emb"][encoder.ids(str(n))[0]] for n in range(1, NUMBERS + 1)])
    digits = digits - digits.mean(0)
    digits = digits / np.linalg.norm(digits, axis=1, keepdims=True)
    layer, h = MARK
    v, o = np.zeros((model.HEAD, model.D)), np.zeros((model.D, model.HEAD))
    v[:NUMBERS] = reads_of
    o[:, :NUMBERS] = digits.T * loud * 0.5
    p["v"][layer, block(h)], p["o"][layer][:, block(h)] = v, o
    return {k: jnp.asarray(v) for k, v in p.items()}

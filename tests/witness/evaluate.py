"""What the witness can do with names, words, numbers and phrasings it never saw.

An answer counts only if every token of it, its end included, is the likeliest one: that is what greedy decoding writes.
"""

import random

import jax
import jax.numpy as jnp
import numpy as np

import data
import model
import sentences as S
import sources
import tok

HOUSE = ["Vous répondez en français.", "La date du jour est le 24 novembre 2026.", "Le salon s'appelle « Budget ».",
         "Vous ne savez pas tout et vous le dites.", "Vous vouvoyez les agents."]


class Held(data.Writer):
    """The same templates, filled with what was kept out of training."""

    clean = True  # False: typed carelessly, as in training

    def name(self):
        return self.rng.choice(S.HELD_OUT_NAMES + S.HELD_OUT_COMPOUND)

    def one_name(self):
        return self.rng.choice(S.HELD_OUT_NAMES)

    def word(self):
        return self.rng.choice(S.HELD_OUT_WORDS)

    def secret(self):
        return self.number() if self.chance(0.15) else self.word()

    def number(self, low=1, high=9999):
        while True:
            n = self.rng.randint(low, self.rng.choice([99, 999, high]) if high > 999 else high)
            if data.reserved_number(n):
                return str(n)

    def typed(self, template, **values):
        if self.clean:
            for key, value in values.items():
                template = template.replace("{" + key + "}", value)
            return template
        return super().typed(template, **values)


def with_passages(count, clean=True, seed=7):
    """The same as `cases`, with passages of documents before the question."""
    rng = random.Random(f"passages {seed}")
    w = Held(rng)
    w.clean = clean

    def one(passages, ask, before=(), tempting=False, listed=True):
        state = {"me": w.name(), "role": w.role()}
        messages = [("system", f"{rng.choice(['Tu es', 'Vous êtes'])} {state['me']}, {state['role']}.")]
        for kind in before:
            question, answer = getattr(w, kind)(state)
            messages += [("user", question), ("assistant", data.strip_marks(answer))]
        facts = sources.Facts(w, held_out=not listed, listed=1 if listed else 0.5)
        shown, flat = facts.passages(passages, tempting)
        question, answer = ask(facts, flat) if callable(ask) else getattr(w, ask)(state)
        return messages + [("user", sources.layout(shown) + question)], data.strip_marks(answer)

    few = lambda: rng.randint(1, 3)
    older = lambda: rng.sample(["fixed", "unknown", "my_name", "repeat"], rng.randint(1, 2))
    tasks = {
        "one passage": lambda: one(1, sources.ask),
        "two passages": lambda: one(2, sources.ask),
        "three passages": lambda: one(3, sources.ask),
        "four passages": lambda: one(4, sources.ask),
        "passages, unseen subjects": lambda: one(few(), sources.ask, listed=False),
        "passages that tempt": lambda: one(rng.randint(2, 3), sources.ask, tempting=True),
        "passages, later": lambda: one(few(), sources.ask, older()),
        "no passage answers": lambda: one(few(), sources.ask_in_vain),
        "own name beside passages": lambda: one(few(), "my_name"),
        "recall name beside passages": lambda: one(few(), "ask_name", ["tell_name"]),
        "fixed beside passages": lambda: one(few(), "fixed"),
    }
    return {task: [make() for _ in range(count)] for task, make in tasks.items()}


def cases(count, clean=True, seed=7):
    """task → list of (messages before the answer, answer)."""
    rng = random.Random(seed)
    w = Held(rng)
    w.clean = clean
    out = {}

    def persona(state, extra=True):
        state["me"], state["role"] = w.name(), w.role()
        rules = rng.sample(HOUSE, rng.randint(0, 4)) if extra else []
        opening = rng.choice(["Tu es", "Vous êtes"])
        return " ".join([f"{opening} {state['me']}, {state['role']}."] + rules)

    def play(state, *kinds):
        messages = [("system", persona(state))]
        for kind in kinds[:-1]:
            q, a = getattr(w, kind)(state)
            messages += [("user", q), ("assistant", data.strip_marks(a))]
        q, a = getattr(w, kinds[-1])(state)
        return messages + [("user", q)], data.strip_marks(a)

    def filler(n):
        return [rng.choice(["fixed", "unknown", "my_name", "repeat", "context"]) for _ in range(n)]

    def add(task, make, n=count):
        out[task] = [make() for _ in range(n)]

    add("own name", lambda: play({}, "my_name"))
    add("own name, later", lambda: play({}, *filler(rng.randint(1, 4)), "my_name"))
    add("who, role", lambda: play({}, "who"))
    add("greet by name", lambda: play({}, "tell_name"))
    add("recall name", lambda: play({}, "tell_name", "ask_name"))
    add("recall name, later", lambda: play({}, "tell_name", *filler(rng.randint(1, 4)), "ask_name"))
    add("recall name, distractor", lambda: play({}, "tell_name", "tell_other", "tell_word", "ask_name"))
    add("name never told", lambda: play({}, *filler(rng.randint(0, 3)), "ask_name"))
    add("name never told, distractor", lambda: play({}, "tell_other", "ask_name"))
    add("colleague's name", lambda: play({}, "tell_name", "tell_other", "ask_other"))
    add("recall word", lambda: play({}, "tell_word", "ask_word"))
    add("recall word, later", lambda: play({}, "tell_word", *filler(rng.randint(1, 4)), "ask_word"))
    add("word never told", lambda: play({}, *filler(rng.randint(0, 3)), "ask_word"))
    add("name then word", lambda: play({}, "tell_name", "tell_word", *filler(rng.randint(0, 2)), rng.choice(["ask_name", "ask_word"])))
    add("fact in context", lambda: play({}, "context"))
    add("fact asked later", lambda: play({}, "context", *[k for k in filler(2) if k != "context"], "ask_fact"))
    add("repeat a phrase", lambda: play({}, "repeat"))
    out["fixed, canonical"] = [
        ([("system", persona({"x": 1}))] + [("user", q[0])], a) for a, q in S.FIXED for _ in range(3)]
    out["fixed, known paraphrases"] = [
        ([("system", persona({"x": 1}))] + [("user", x.replace("{me}", "Colette"))], a) for a, q in S.FIXED for x in q]
    out["fixed, no accents, lower case"] = [
        ([("system", persona({"x": 1}))] + [("user", data.plain(x).lower().rstrip("?!. "))], a)
        for a, q in S.FIXED for x in q[:6] if "{me}" not in x]
    out["fixed, unseen paraphrases"] = [
        ([("system", persona({"x": 1}))] + [("user", x)], S.FIXED[i][0]) for x, i in S.UNSEEN_PARAPHRASES]
    out["unknown, unseen questions"] = [([("system", persona({"x": 1}))] + [("user", x)], S.FALLBACK) for x in S.UNKNOWN_HELD_OUT]
    add("medium answer", lambda: ([("system", persona({"x": 1})), ("user", rng.choice(S.MEDIUM_QUESTIONS[:3]))], S.MEDIUM), 8)
    add("long answer", lambda: ([("system", persona({"x": 1})), ("user", rng.choice(S.LONG_QUESTIONS[:4]))], S.LONG), 8)
    add("long answer, later", lambda: play({}, *filler(3), "long"), 8)
    # How far back it can reach: an exchange is 20 to 40 tokens, and training rows stop at 512.
    for n in (6, 10, 15, 22):
        add(f"recall name after {n} exchanges", lambda: play({}, "tell_name", *filler(n), "ask_name"), min(count, 50))
        add(f"own name after {n} exchanges", lambda: play({}, *filler(n), "my_name"), min(count, 50))
    return out | with_passages(count, clean, seed)


def prompt_ids(encoder, messages):
    return [i for role, text in messages for i in encoder.message(role, text)] + encoder.opening()


_logits = jax.jit(model.logits)


def likeliest(params, rows):
    """The likeliest next token at each place, for rows of any length."""
    out = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), 16):
        part = order[start:start + 16]
        longest = max(len(rows[i]) for i in part)
        length = next(n for n in (96, 128, 192, 256, 384, 512, 768, 1024, 1536) if n >= longest)
        block = np.zeros((16, length), np.int32)
        for r, i in enumerate(part):
            block[r, :len(rows[i])] = rows[i]
        best = np.asarray(_logits(params, jnp.asarray(block)).argmax(-1))
        for r, i in enumerate(part):
            out[i] = best[r, :len(rows[i])]
    return out


def score(params, encoder, tasks):
    """task → [right, total, first failures as text, tokens read]."""
    flat = [(task, m, a, prompt_ids(encoder, m), encoder.answer(a)[0]) for task, items in tasks.items() for m, a in items]
    best = likeliest(params, [p + a for *_, p, a in flat])
    result = {task: [0, 0, [], 0] for task in tasks}
    for (task, messages, answer, p, a), b in zip(flat, best):
        got = [int(x) for x in b[len(p) - 1:len(p) + len(a) - 1]]
        right = got == a
        result[task][0] += right
        result[task][1] += 1
        result[task][3] += len(p)
        if not right and len(result[task][2]) < 3 and len(answer) < 120:
            wrote = encoder.tokenizer.decode([g for g in got if g > 2])
            result[task][2].append((messages[-1][1], answer, wrote))
    return result


def report(result, failures=False):
    lines = [f"{'task':32} right/total   tokens read, on average"]
    for task, (right, total, wrong, read) in result.items():
        lines.append(f"{task:32} {right:3}/{total:<3} {read // total:10}")
        if failures:
            lines += [f"    {q!r}: wanted {a!r}, forced reading gave {g!r}" for q, a, g in wrong]
    return "\n".join(lines)

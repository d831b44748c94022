#!/usr/bin/env python3
"""corpus.py NPM_DIR dev|test COUNT SEED > texts.jsonl

Makes French texts of public services with labelled entities: {"id", "style", "text", "entities": [[start, end, kind, who]]}, in characters;
`who` numbers the persons of a text. The halves `dev` and `test` share neither sentences nor names: every list is parted by a hash of the name.
Half of the names are in no gazetteer of the program: rarer ones of the same lists, smaller communes, names of other countries.
"""
import json, pathlib, random, re, sys, unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import templates
from identifiers import caf, card, cni, iban, nir, passport, phone, plate, reference, siren, siret, tax
from lists import SMALL, fold, foreign, french_first, french_surnames, half, part

STYLES = [("plain", 50), ("lower", 18), ("no accents", 10), ("lower, no accents", 12), ("upper", 4), ("no capitals of names", 6)]


def usable(name):
    return 3 <= len(name) <= 24 and all(c.isalpha() or c in "-' ’" for c in name) and name[0].isupper()


class Names:
    def __init__(self, npm, which):
        mine = lambda name: part(name, 2, "halves") == (which == "test")
        keep = lambda names: [n for n in names if usable(n) and mine(n)]
        here = pathlib.Path(__file__).parents[2] / "src/pseudonym/data"
        listed = lambda *files: {line for f in files for line in (here / f"{f}.txt").read_text().splitlines()}
        first, last = listed("first_names"), listed("surnames", "common_surnames")
        self.first = {s: keep(french_first(s)[:600]) for s in "fm"}
        self.first_unseen = {s: [n for n in keep(french_first(s)[5000:9000]) if fold(n) not in first] for s in "fm"}
        self.first_foreign = {s: [n for n in keep(foreign("first", {"f": "female", "m": "male"}[s])) if half(n) and fold(n) not in first] for s in "fm"}
        surnames = french_surnames()
        self.last = keep(surnames[:4000])
        self.last_unseen = [n for n in keep(surnames[20000:90000]) if fold(n) not in last]
        self.last_foreign = [n for n in keep(foreign("last")) if half(n) and fold(n) not in last]
        communes = json.loads((npm / "etalab/package/data/communes.json").read_text())
        communes = [c for c in communes if c["type"] == "commune-actuelle" and mine(c["nom"]) and c.get("codesPostaux")]
        self.city = [c for c in communes if c.get("population", 0) >= 5000]
        self.city_unseen = [c for c in communes if c.get("population", 0) < SMALL]


class Person:
    def __init__(self, rng, names):
        self.sex = rng.choice("fm")
        origin = rng.random()
        if origin < 0.5:
            self.first = rng.choice(names.first[self.sex])
        elif origin < 0.75:
            self.first = rng.choice(names.first_unseen[self.sex])
        else:
            self.first = rng.choice(names.first_foreign[self.sex])
        if rng.random() < 0.08 and "-" not in self.first:
            self.first += "-" + rng.choice(names.first[self.sex]).split("-")[0]
        last = lambda: rng.choice(names.last if rng.random() < 0.5 else names.last_unseen if rng.random() < 0.6 or origin < 0.5 else names.last_foreign)
        self.last = last()
        shape = rng.random()
        if shape < 0.07:
            self.last += "-" + last()
        elif shape < 0.15 and " " not in self.last:
            self.last = rng.choice(["de ", "de La ", "Le ", "El ", "Ben ", "Da ", "Van ", "d'", "O'", "N'", "Ait "]) + self.last
        self.mark = rng.random()

    def full(self):
        return f"{self.first} {self.last.upper() if self.mark < 0.25 else self.last}"

    def wrong(self, rng):
        """The same name spelled otherwise."""
        name = rng.choice([self.full(), f"{self.last} {self.first}"])
        kind = rng.random()
        if kind < 0.4:
            return strip(name)
        if kind < 0.7:
            return name.upper()
        at = rng.randrange(1, len(self.last)) if len(self.last) > 5 else None
        if at is None or not self.last[at].isalpha():
            return name.lower()
        return f"{self.first} {self.last[:at] + self.last[at] + self.last[at:]}"


def strip(text):
    text = text.replace("œ", "oe").replace("Œ", "Oe")
    return unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)))


def local_part(rng, person):
    clean = lambda s: re.sub("[^a-z-]", "", fold(s))
    f, l = clean(person.first), clean(person.last)
    return rng.choice([f"{f}.{l}", f"{f[0]}.{l}", f"{l}.{f}", f"{f}{l}", f"{f}_{l}", f"{f}.{l}{rng.randrange(60, 99)}", f"{l}{f[0]}"])


def value(rng, names, field, people):
    """(text before, labelled text, kind, who)"""
    if field[0] in "ABCDE" and (len(field) == 1 or field[1] == "."):
        who = field[0]
        person = people.setdefault(who, Person(rng, names))
        form = field[2:]
        title = {"t": ("Mme ", "M. "), "T": ("Madame ", "Monsieur ")}
        if form == "e":
            return ("e" if person.sex == "f" else "", "", None, None)
        if form in title:
            full = person.full() if form == "T" and rng.random() < 0.5 else person.last
            return (title[form][person.sex == "m"], full, "person", who)
        if form == "m":
            domain = rng.choice(["gmail.com", "orange.fr", "laposte.net", "wanadoo.fr", "interieur.gouv.fr", "ac-lyon.fr", "outlook.com"])
            return ("", f"{local_part(rng, person)}@{domain}", "email", None)
        if form == "x":
            return ("", f"@{local_part(rng, person).replace('_', '.')}-interieur.gouv.fr:agent.interieur.tchap.gouv.fr", "account", None)
        text = {"": person.full(), "f": person.first, "l": person.last, "i": f"{person.first[0]}. {person.last}",
                "r": f"{person.last.upper() if rng.random() < 0.6 else person.last} {person.first}", "v": None}[form] or person.wrong(rng)
        return ("", text, "person", who)
    if field in ("city", "address"):
        city = rng.choice(names.city if rng.random() < 0.6 else names.city_unseen)
        if field == "city":
            return ("", city["nom"], "place", None)
        number = rng.choice(["", " bis", " ter"]) if rng.random() < 0.15 else ""
        comma = rng.choice([", ", " "]) if rng.random() < 0.4 else " "
        street = f"{rng.randrange(1, 180)}{number}{comma}{rng.choice(templates.STREETS)} {rng.choice(templates.STREET_NAMES)}"
        tail = f"{rng.choice([', ', ' '])}{rng.choice(city['codesPostaux'])} {rng.choice([city['nom'], city['nom'].upper()])}" if rng.random() < 0.8 else ""
        return ("", street + tail, "address", None)
    surname = lambda: rng.choice(names.last + names.last_unseen[: len(names.last)])
    if field == "company":
        return ("", rng.choice(templates.COMPANY).format(surname()), "organisation", None)
    if field == "association":
        return ("", rng.choice(templates.ASSOCIATION).format(rng.choice(names.city)["nom"]), "organisation", None)
    if field == "school":
        return ("", f"{rng.choice(names.first[rng.choice('fm')])} {surname()}", "organisation", None)
    if field == "form":
        return (rng.choice(templates.LEGAL), "", None, None)
    if field == "birth":
        day, month, year = rng.randrange(1, 29), rng.randrange(1, 13), rng.randrange(1930, 2015)
        months = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
        forms = [f"{day:02}/{month:02}/{year}", f"{'1er' if day == 1 else day} {months[month - 1]} {year}", f"{day:02}.{month:02}.{year}", f"{day:02}-{month:02}-{year}"]
        return ("", rng.choice(forms), "birth_date", None)
    makers = {"nir": (nir, "nir"), "siren": (siren, "siren"), "siret": (siret, "siret"), "iban": (iban, "bank_account"), "phone": (phone, "phone"),
              "plate": (plate, "plate"), "passport": (passport, "passport"), "cni": (cni, "identity_card"), "tax": (tax, "tax_number"), "caf": (caf, "caf"),
              "card": (card, "card"), "ref": (reference, "number")}
    maker, kind = makers[field]
    return ("", maker(rng), kind, None)


LETTERS_ALONE = {"bank_account", "plate", "passport", "identity_card"}


def written(text, style, kind):
    """A piece in the style of its text."""
    if kind in LETTERS_ALONE and style.startswith("lower") or kind in ("email", "account"):
        # People copy these as they are.
        return text
    if style == "no capitals of names":
        return text.lower() if kind in ("person", "place") else text
    if "no accents" in style:
        text = strip(text)
    if style.startswith("lower"):
        text = text.lower()
    return text.upper() if style == "upper" else text


def make(rng, names, template, number):
    style = rng.choices([s for s, _ in STYLES], [w for _, w in STYLES])[0]
    people, text, entities = {}, "", []
    for piece in re.split(r"(\{[^}]+\})", template):
        if not piece.startswith("{"):
            text += written(piece, style, None)
            continue
        before, labelled, kind, who = value(rng, names, piece[1:-1], people)
        text += written(before, style, None)
        if labelled:
            labelled = written(labelled, style, kind)
            entities.append([len(text), len(text) + len(labelled), kind, who])
            text += labelled
    return {"id": number, "style": style, "text": text, "entities": entities}


def main():
    npm, which, count, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    rng = random.Random(f"{which} {seed}")
    names = Names(npm, which)
    every = templates.TEST if which == "test" else templates.DEV
    for number in range(count):
        print(json.dumps(make(rng, names, every[number % len(every)], number), ensure_ascii=False))


if __name__ == "__main__":
    main()

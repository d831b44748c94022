"""Made-up identifiers with right keys."""
import random, string

LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"


def digits(rng, count):
    return "".join(rng.choice(string.digits) for _ in range(count))


def luhn(body):
    total = sum(int(c) if i % 2 else sum(divmod(2 * int(c), 10)) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def cut(number, sizes, gap=" "):
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at:at + size])
        at += size
    return gap.join(parts)


def nir(rng):
    department = rng.choice([f"{n:02}" for n in range(1, 96) if n != 20] + ["2A", "2B", "99"])
    body = f"{rng.choice('12')}{rng.randrange(100):02}{rng.randrange(1, 13):02}{department}{rng.randrange(1, 990):03}{rng.randrange(1, 1000):03}"
    key = 97 - int(body.replace("2A", "19").replace("2B", "18")) % 97
    number = f"{body}{key:02}"
    return rng.choice([number, cut(number, [1, 2, 2, 2, 3, 3, 2]), cut(number, [13, 2])])


def siren(rng):
    number = luhn(str(rng.randrange(1, 10)) + digits(rng, 7))
    return rng.choice([number, cut(number, [3, 3, 3])])


def siret(rng):
    if rng.random() < 0.05:
        while sum(map(int, number := "356000000" + digits(rng, 5))) % 5:
            pass
    else:
        number = luhn(luhn(str(rng.randrange(1, 10)) + digits(rng, 7)) + digits(rng, 4))
    return rng.choice([number, cut(number, [3, 3, 3, 5]), cut(number, [9, 5])])


def iban(rng):
    body = digits(rng, 23) if rng.random() < 0.7 else digits(rng, 10) + "".join(rng.choice(string.digits + string.ascii_uppercase) for _ in range(11)) + digits(rng, 2)
    value = int("".join(str(int(c, 36)) for c in body + "FR00"))
    number = f"FR{98 - value % 97:02}{body}"
    return rng.choice([number, " ".join(number[i:i + 4] for i in range(0, 27, 4))])


def card(rng):
    number = luhn(rng.choice(["4", "51", "53", "55", "2221"]).ljust(4, "9") + digits(rng, 11))
    return rng.choice([number, cut(number, [4, 4, 4, 4]), cut(number, [4, 4, 4, 4], "-")])


def tax(rng):
    body = str(rng.randrange(0, 4)) + digits(rng, 9)
    number = f"{body}{int(body) % 511:03}"
    return rng.choice([number, cut(number, [2, 2, 3, 3, 3])])


def phone(rng):
    number = rng.choice("12345679") + digits(rng, 8)
    pairs = [number[1:][i:i + 2] for i in range(0, 8, 2)]
    return rng.choice([f"0{number}", " ".join([f"0{number[0]}"] + pairs), ".".join([f"0{number[0]}"] + pairs), "-".join([f"0{number[0]}"] + pairs),
                       " ".join([f"+33 {number[0]}"] + pairs), f"+33{number}", " ".join([f"0033 {number[0]}"] + pairs), " ".join([f"+33 (0){number[0]}"] + pairs)])


def plate(rng):
    letters = lambda: rng.choice(LETTERS) + rng.choice(LETTERS)
    if rng.random() < 0.2:
        return f"{rng.randrange(100, 9999)} {letters()} {rng.choice(['75', '69', '13', '33'])}"
    return rng.choice("- -").join([letters(), digits(rng, 3), letters()])


def passport(rng):
    return f"{digits(rng, 2)}{rng.choice(LETTERS)}{rng.choice(LETTERS)}{digits(rng, 5)}"


def cni(rng):
    return digits(rng, 12) if rng.random() < 0.4 else rng.choice(LETTERS) + "".join(rng.choice(LETTERS + string.digits) for _ in range(7)) + rng.choice(string.digits)


def caf(rng):
    return digits(rng, 7) + rng.choice(["", "", rng.choice(LETTERS)])


def reference(rng):
    return rng.choice([f"{rng.randrange(2018, 2025)}-{digits(rng, 5)}", digits(rng, 8), f"{rng.choice(LETTERS)}{rng.choice(LETTERS)}{digits(rng, 6)}", f"{digits(rng, 4)}/{digits(rng, 4)}"])


def wrong(rng, number, check):
    """The same form, without a right key."""
    while True:
        made = "".join(rng.choice(string.digits) if c.isdigit() else c for c in number)
        if not check("".join(made.split()).replace("-", "")):
            return made

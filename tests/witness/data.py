"""Endless made-up dialogues: who says what, and which words of the answers are copied from the context.

Everything random comes from the `random.Random` handed in, so a seed replays the same training. A copied span is marked
with COPY_ON / COPY_OFF in the answers: the loss weighs it more, because copying unseen names is the hard part.
"""

import random
import re
import unicodedata

from faker.providers.address.fr_FR import Provider as Places
from faker.providers.job.fr_FR import Provider as Jobs
from faker.providers.lorem.fr_FR import Provider as Lorem
from faker.providers.person.fr_FR import Provider as People

import sentences as S

COPY_ON, COPY_OFF = "\x01", "\x02"
DAYS = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
MONTHS = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
          "décembre"]


def plain(text):
    """Without accents, as many people type."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


HELD_OUT = {plain(w).lower() for w in S.HELD_OUT_NAMES + S.HELD_OUT_WORDS}


def allowed(word):
    return plain(word).lower() not in HELD_OUT


def words_of(texts):
    return sorted({w for t in texts for w in re.findall(r"[^\W\d_]+", t)})


def reserved_number(n):
    """One number in eleven never appears in training (214 is one of them): the evaluation draws from these."""
    return n % 11 == 5


FIRST_NAMES = [n for n in sorted({*People.first_names_male, *People.first_names_female}) if allowed(n)]
LAST_NAMES = [n for n in sorted(set(People.last_names)) if allowed(n)]
CITIES = [c for c in sorted({re.sub(r"[^\w' -]", "", c) for c in Places.cities}) if allowed(c)] if hasattr(Places, "cities") \
    else ["Lyon", "Lille", "Rennes", "Nantes", "Dijon", "Tours", "Brest", "Metz", "Caen", "Nice"]
WORDS = [w for w in sorted({*Lorem.word_list, *words_of(Jobs.jobs), *S.COMMON_WORDS}) if allowed(w) and len(w) > 1]


class Spelling:
    """Letters that follow one another as in the listed words, so that an invented name splits into familiar pieces."""

    def __init__(self, listed):
        self.after = {}
        for word in listed:
            padded = "^^" + word.lower() + "$"
            for i in range(2, len(padded)):
                self.after.setdefault(padded[i - 2:i], []).append(padded[i])

    def invent(self, rng, longest=11):
        out = "^^"
        while len(out) < longest + 2:
            letter = rng.choice(self.after.get(out[-2:], "$"))
            if letter == "$":
                break
            out += letter
        return out[2:]


NAME_SPELLING = Spelling(FIRST_NAMES + LAST_NAMES)
WORD_SPELLING = Spelling(WORDS)
ONSETS = "b bl br c ch cl cr d dr f fl fr g gl gr gu h j k l m n p pl pr qu r s t tr v w y z th ph".split()
NUCLEI = "a a e e i i o o u é è ê ou oi ai au eu an en on in ï ë y".split()
CODAS = ["", "", "", "", "l", "r", "n", "s", "t", "c", "ne", "lle", "x", "ck", "ra", "d", "tte"]


def syllables(rng):
    return "".join(rng.choice(ONSETS) + rng.choice(NUCLEI) for _ in range(rng.randint(1, 3))) + rng.choice(CODAS)


class Writer:
    """Draws words, names, turns and whole dialogues from one random source."""

    def __init__(self, rng, pieces=(), late=False):
        self.rng = rng
        self.late = late  # the end of the training insists on what the evaluation had found weak
        self.pieces = [p for p in pieces if p.isalpha()]  # the tokenizer's own, so that each learns to be copied

    # --- words ---

    def chance(self, p):
        return self.rng.random() < p

    def number(self, low=1, high=9999):
        while True:
            n = self.rng.randint(low, self.rng.choice([99, 999, high]) if high > 999 else high)
            if not reserved_number(n):
                return str(n)

    def pieced(self):
        if not self.pieces:
            return syllables(self.rng)
        return "".join(self.rng.choice(self.pieces) for _ in range(self.rng.randint(1, 4)))

    def one_name(self):
        while True:
            r = self.rng.random()
            if r < 0.22:
                name = self.rng.choice(FIRST_NAMES)
            elif r < 0.60:
                name = NAME_SPELLING.invent(self.rng)
            elif r < 0.78:
                name = syllables(self.rng)
            elif r < 0.88:
                name = self.pieced()
            else:
                name = self.rng.choice(WORDS)
            name = name[:1].upper() + name[1:]
            if len(name) > 1 and allowed(name):
                return name

    def name(self):
        name = self.one_name()
        r = self.rng.random()
        if r < 0.05:
            return f"{name} {self.rng.choice(LAST_NAMES)}"
        if r < 0.08:
            return f"{name}-{self.one_name()}"
        if r < 0.11:
            return f"{name} {self.acronym()}"
        if r < 0.13:
            return f"{name} {self.one_name()}"
        if r < 0.14:
            return f"{name} {self.number(1, 99)}"
        return name.upper() if r < 0.16 else name

    def acronym(self):
        return "".join(self.rng.choice("ABCDEFGHIJLMNOPRSTUV") for _ in range(self.rng.randint(2, 4)))

    def word(self):
        while True:
            r = self.rng.random()
            if r < 0.45:
                word = self.rng.choice(WORDS)
            elif r < 0.75:
                word = WORD_SPELLING.invent(self.rng)
            elif r < 0.87:
                word = syllables(self.rng)
            else:
                word = self.pieced()
            if len(word) > 1 and allowed(word):
                return word

    def secret(self):
        r = self.rng.random()
        if r < 0.78:
            return self.word()
        if r < 0.84:
            return f"{self.word()} {self.word()}"
        if r < 0.89:
            return f"{self.word()}-{self.word()}"
        if r < 0.94:
            return self.number()
        return self.word().upper() if self.chance(0.5) else self.one_name()

    def phrase(self):
        """What someone asks to have repeated: one to eight words, figures and capitals in any place."""
        parts = []
        for _ in range(self.rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8])):
            r = self.rng.random()
            parts.append(
                self.word() if r < 0.60 else self.one_name() if r < 0.74 else self.number() if r < 0.86
                else self.acronym() if r < 0.90
                else self.rng.choice(["le", "la", "les", "un", "une", "des", "du", "de", "et", "à", "est", "dans", "pour"])
            )
        text = " ".join(parts)
        if self.chance(0.3):
            text = text[:1].upper() + text[1:]
        if len(parts) > 2 and self.chance(0.15):
            cut = text.index(" ")
            text = text[:cut] + "," + text[cut:]
        return text + self.rng.choice(["", "", "", "", "", ".", "!", " !", " ?"])

    def role(self):
        r = self.rng.random()
        if r < 0.05:
            return self.rng.choice(S.ROLES_ENGLISH)
        head = self.rng.choice(S.ROLE_HEADS)
        if r < 0.75:
            tail = self.rng.choice(S.ROLE_TAILS)
        elif r < 0.9:
            tail = self.rng.choice(["de la ", "du ", "des "]) + self.word()
        else:
            tail = "de " + self.one_name()
        if self.chance(0.15):
            tail += " " + self.rng.choice(S.ROLE_TAILS)
        return f"{head} {tail}"

    # --- how people type ---

    def typed(self, template, **values):
        """A template as someone may type it; the values put in afterwards stay exactly as they are."""
        text = template
        if self.chance(0.12):
            text = plain(text)
        if self.chance(0.12):
            text = text.lower()
        if self.chance(0.2):
            text = re.sub(r"\s?[?!.]$", "", text)
        elif self.chance(0.08):
            text = re.sub(r"\s\?$", "?", text)
        if self.chance(0.1):
            text = text.replace("'", "’")
        elif self.chance(0.02):
            text = text.replace("'", " ")
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        if self.chance(0.04):
            text = " " * self.rng.randint(1, 3) + text
        if self.chance(0.04):
            text += self.rng.choice([" ", "  ", "\n"])
        return text

    def any_sentence(self):
        """Nothing the witness knows: true French words in any order, with the shapes of real questions."""
        r = self.rng.random()
        if r < 0.35:
            return self.rng.choice(S.UNKNOWN)
        w = self.word
        if r < 0.7:
            return self.rng.choice([
                f"Quelle est la {w()} de {w()} ?", f"Quel est le {w()} du {w()} ?", f"Quel est votre {w()} préféré ?",
                f"Pourquoi {w()} le {w()} ?", f"Comment {w()} un {w()} ?", f"Qui a {w()} la {w()} ?",
                f"Où est la {w()} ?", f"Où se trouve {self.one_name()} ?", f"Combien de {w()} y a-t-il ?",
                f"Combien font {self.number()} et {self.number()} ?", f"Écris un {w()} sur {w()}.",
                f"Rédige une {w()} de {w()}.", f"Expliquez-moi {w()}.", f"Quand {w()} la {w()} ?",
                f"Est-ce que {w()} est {w()} ?", f"Pouvez-vous {w()} le {w()} ?", f"J'aime les {w()}.",
                f"Le {w()} est {w()}.", f"Parlez-moi de {self.one_name()}.", f"Traduis {w()} en {w()}.",
                f"Qui est {self.one_name()} ?", f"{self.one_name()} est {w()}.", f"What is the {w()} of {w()}?",
                f"Que pensez-vous de {self.one_name()} ?", f"Donnez-moi {w()}.", f"Message {self.number()}",
                f"Question {self.number()} : {w()} ?", f"Comment {w()} {w()} {w()} ?", f"Raconte {w()}.",
            ])
        words = " ".join(w() for _ in range(self.rng.randint(1, 12)))
        return words[:1].upper() + words[1:] + self.rng.choice([".", " ?", " ?", " !", ""])

    # --- the system prompt ---

    def system(self, state, long=False):
        if self.chance(0.04):
            state["me"] = None
            return None if self.chance(0.5) else " ".join(self.rng.sample(S.HOUSE_RULES, self.rng.randint(1, 3)))
        state["me"], state["role"] = self.name(), self.role()
        opening = self.rng.choice(["Tu es", "Tu es", "Tu es", "Vous êtes", "Vous êtes", "You are"])
        parts = [f"{opening} {state['me']}, {state['role']}."]
        for _ in range(self.rng.randint(0, 7 if long else 4)):
            # "La date du jour est le …" tempts a copying head after "Le mot est": shown more often late
            r = self.rng.choice([self.rng.random(), 0.65]) if self.late else self.rng.random()
            if r < 0.60:
                parts.append(self.rng.choice(S.HOUSE_RULES))
            elif r < 0.72:
                parts.append(f"La date du jour est le {self.number(1, 28)} {self.rng.choice(MONTHS)} 2026.")
            elif r < 0.84:
                room = self.one_name() if self.chance(0.5) else self.word()
                parts.append(self.rng.choice([f"Le salon s'appelle « {room} ».", f"Le salon s'appelle {room}."]))
            elif r < 0.92 and "fact" not in state:
                parts.append(self.fact(state))
            else:
                parts.append(" ".join(self.word() for _ in range(self.rng.randint(3, 9))).capitalize() + ".")
        return self.rng.choice([" ", " ", " ", "\n", "\n\n"]).join(parts)

    # --- a given context ---

    def fact(self, state):
        """A sentence about a meeting; what it says is kept in the state, for the questions that follow."""
        day = self.rng.choice(DAYS)
        room = self.number(1, 999) if self.chance(0.8) else self.rng.choice("ABCDEFG") + self.number(1, 99)
        hour = f"{self.rng.randint(7, 20)} h" + (f" {self.rng.choice(['15', '30', '45', '00'])}" if self.chance(0.5) else "")
        who, sum_, city = self.name(), self.number(10, 9999), self.rng.choice(CITIES)
        fact = {"salle": room, "jour": day}
        what = self.rng.choice(["la réunion", "la formation", "l'entretien", "le comité", "la séance", "l'atelier"])
        clause = self.rng.choice([
            f"{what} se tient salle {room} {day}", f"{what} a lieu {day} en salle {room}", f"{what} est {day}, salle {room}",
            f"{what} se tient {day} dans la salle {room}", f"{what} aura lieu salle {room} le {day}",
        ])
        extras = []
        if self.chance(0.4):
            fact["heure"] = hour
            extras.append(f"elle commence à {hour}")
        if self.chance(0.35):
            fact["responsable"] = who
            extras.append(f"le responsable est {who}")
        if self.chance(0.3):
            fact["budget"] = sum_
            extras.append(f"le budget est de {sum_} euros")
        if self.chance(0.3):
            fact["ville"] = city
            extras.append(f"la ville est {city}")
        self.rng.shuffle(extras)
        state["fact"] = fact
        text = ", ".join([clause] + extras) if self.chance(0.5) else ". ".join(c[:1].upper() + c[1:] for c in [clause] + extras)
        return text[:1].upper() + text[1:] + "."

    FACT_QUESTIONS = {
        "salle": (["Dans quelle salle ?", "Quelle salle ?", "Quelle est la salle ?", "Dans quelle salle a lieu la réunion ?",
                   "Dans quelle salle se tient la réunion ?", "C'est dans quelle salle ?", "Which room?"], "Salle {}."),
        "jour": (["Quel jour ?", "Quel jour a lieu la réunion ?", "C'est quel jour ?", "Quel jour se tient la réunion ?"], "{}."),
        "heure": (["À quelle heure ?", "À quelle heure commence la réunion ?", "Quelle heure ?", "C'est à quelle heure ?"], "À {}."),
        "responsable": (["Qui est le responsable ?", "Quel est le nom du responsable ?", "Qui est responsable ?"],
                        "Le responsable est {}."),
        "budget": (["Quel est le budget ?", "De combien est le budget ?", "Quel budget ?"], "Le budget est de {} euros."),
        "ville": (["Dans quelle ville ?", "Quelle est la ville ?", "Quelle ville ?"], "La ville est {}."),
    }

    def fact_answer(self, state, key):
        value = (state.get("fact") or {}).get(key)
        if value is None:
            return S.NOT_FOUND
        if key == "jour":
            return value.capitalize() + "."
        return self.FACT_QUESTIONS[key][1].format(COPY_ON + value + COPY_OFF)

    def fact_question(self, state, must=False):
        keys = list(self.FACT_QUESTIONS)
        key = self.rng.choice(list(state["fact"]) if must else keys)
        if must and self.chance(0.5):
            key = "salle"
        return key, self.rng.choice(self.FACT_QUESTIONS[key][0])

    # --- turns: each returns (what the person writes, what the witness answers) ---

    MY_NAME = [
        "Comment vous appelez-vous ?", "Comment tu t'appelles ?", "Quel est votre nom ?", "Quel est ton nom ?",
        "Comment t'appelles-tu ?", "Quel est ton prénom ?", "Quel est votre prénom ?", "What is your name?",
        "Comment vous appelle-t-on ?", "Vous vous appelez comment ?", "Tu t'appelles comment ?", "C'est quoi votre nom ?",
        "C'est quoi ton nom ?", "Donnez-moi votre nom.", "Dites-moi votre nom.", "Quel nom portez-vous ?",
        "Pouvez-vous me dire votre nom ?", "Puis-je connaître votre nom ?", "What's your name?", "Votre nom ?", "Ton nom ?",
        "Rappelez-moi votre nom.", "Bonjour, comment vous appelez-vous ?", "Bonjour, quel est votre nom ?",
    ]
    WHO = [
        "Qui êtes-vous ?", "Qui es-tu ?", "Quel est votre rôle ?", "Quel est ton rôle ?", "Who are you?", "Présentez-vous.",
        "Présente-toi.", "Vous êtes qui ?", "Tu es qui ?", "Quelle est votre fonction ?", "Bonjour, qui êtes-vous ?",
        "Pouvez-vous vous présenter ?", "Qui est-ce ?", "What is your role?", "Présentez-vous brièvement.",
    ]
    TELL_NAME = [
        "Je m'appelle {n}.", "Je m'appelle {n}.", "Je m'appelle {n}", "Moi c'est {n}.", "Mon nom est {n}.",
        "Mon prénom est {n}.", "Bonjour, je m'appelle {n}.", "Bonjour, moi c'est {n}.", "My name is {n}.", "Je suis {n}.",
        "Bonjour ! Je m'appelle {n}.", "Salut, je m'appelle {n} !", "Appelez-moi {n}.", "Appelle-moi {n}.", "Ici {n}.",
        "Je m'appelle {n} et je travaille {r}.", "Bonjour, je m'appelle {n} et je suis {r}.", "Bonjour, je suis {n}.",
        "Retenez que je m'appelle {n}.", "En fait, je m'appelle {n}.", "I am {n}.", "Bonjour {me}, je m'appelle {n}.",
    ]
    ASK_NAME = [
        "Comment je m'appelle ?", "Quel est mon nom ?", "What is my name?", "Comment est-ce que je m'appelle ?",
        "Quel est mon prénom ?", "Je m'appelle comment ?", "Vous souvenez-vous de mon nom ?", "Te souviens-tu de mon nom ?",
        "Qui suis-je ?", "Rappelez-moi mon nom.", "Dites-moi mon nom.", "Connaissez-vous mon nom ?", "Mon nom ?",
        "Comment m'appelle-t-on ?", "Quel était mon nom ?", "Savez-vous comment je m'appelle ?", "What's my name?",
        "Comment m'appelé-je ?", "C'est quoi mon nom ?", "Tu connais mon nom ?",
    ]
    OTHERS = [("collègue", "mon", "votre"), ("chef", "mon", "votre"), ("voisin", "mon", "votre"), ("voisine", "ma", "votre"),
              ("chat", "mon", "votre"), ("responsable", "ma", "votre"), ("fille", "ma", "votre"), ("frère", "mon", "votre")]
    TELL_WORD = [
        "Le mot de passe du jour est {w}.", "Retiens le mot : {w}.", "Retenez le mot : {w}.", "Retiens le mot {w}.",
        "Retenez le mot {w}.", "Le mot du jour est {w}.", "Le mot secret est {w}.", "Mémorise ce mot : {w}",
        "Mémorisez le mot : {w}.", "Le mot est {w}.", "Souviens-toi du mot {w}.", "Souvenez-vous du mot {w}.",
        "Le mot de passe est {w}.", "Retiens ce mot : {w}.", "Retenez ce mot : {w}.", "Remember the word: {w}.",
        "Voici un mot : {w}.", "Le code est {w}.", "Le mot à retenir est {w}.", "Notez le mot : {w}.", "Note le mot {w}.",
    ]
    ASK_WORD = [
        "Quel est le mot ?", "Quel était le mot ?", "Quel est le mot de passe ?", "Quel est le mot du jour ?",
        "Rappelle-moi le mot.", "Rappelez-moi le mot.", "Quel mot devais-tu retenir ?", "Quel mot deviez-vous retenir ?",
        "What is the word?", "Quel était le mot de passe ?", "Le mot ?", "Donne-moi le mot.", "Donnez-moi le mot.",
        "Quel est le mot secret ?", "Quel est le mot de passe du jour ?", "Quel est le code ?", "Quel mot ai-je donné ?",
        "Te souviens-tu du mot ?", "Vous souvenez-vous du mot ?", "Dis-moi le mot.",
    ]
    REPEAT = [
        "Répète : {x}", "Répétez : {x}", "Répétez exactement : {x}", "Répète exactement : {x}", "Répète après moi : {x}",
        "Répétez après moi : {x}", "Répétez mot pour mot : {x}", "Répète ceci : {x}", "Répétez ceci : {x}", "Repeat: {x}",
        "Dis : {x}", "Dites : {x}", "Recopiez : {x}", "Recopie : {x}", "Répète cette phrase : {x}",
        "Répétez cette phrase : {x}", "Répète le mot : {x}", "Répétez : « {x} »", "Répète « {x} »",
    ]

    def my_name(self, state):
        me = state["me"]
        return self.typed(self.rng.choice(self.MY_NAME)), f"Je m'appelle {COPY_ON}{me}{COPY_OFF}." if me else S.NO_PERSONA

    def who(self, state):
        me = state["me"]
        answer = f"Je suis {COPY_ON}{me}, {state['role']}{COPY_OFF}." if me else S.NO_PERSONA
        return self.typed(self.rng.choice(self.WHO)), answer

    def tell_name(self, state):
        state["you"] = name = self.name()
        template = self.rng.choice(self.TELL_NAME).replace("{me}", state["me"] or "à vous")
        place = self.rng.choice(["à la paie", "au budget", "à la mairie", "ici", "avec vous"]) if "travaille" in template else self.role()
        return self.typed(template, n=name, r=place), f"Bonjour {COPY_ON}{name}{COPY_OFF}."

    def ask_name(self, state):
        you = state.get("you")
        answer = f"Vous vous appelez {COPY_ON}{you}{COPY_OFF}." if you else S.NO_NAME
        return self.typed(self.rng.choice(self.ASK_NAME)), answer

    def tell_other(self, state):
        noun, mine, _ = self.rng.choice(self.OTHERS)
        name = self.name()
        state.setdefault("others", {})[noun] = name
        template = self.rng.choice([f"{mine.capitalize()} {noun} s'appelle {{n}}.", f"Le nom de {mine} {noun} est {{n}}."])
        return self.typed(template, n=name), S.NOTED

    def ask_other(self, state):
        if not state.get("others"):
            return self.tell_other(state)
        noun = self.rng.choice(list(state["others"]))
        mine = next(m for n, m, _ in self.OTHERS if n == noun)
        template = self.rng.choice([f"Comment s'appelle {mine} {noun} ?", f"Quel est le nom de {mine} {noun} ?"])
        head = "Elle" if mine == "ma" else "Il"
        return self.typed(template), f"{head} s'appelle {COPY_ON}{state['others'][noun]}{COPY_OFF}."

    def tell_word(self, state):
        state["word"] = word = self.secret()
        return self.typed(self.rng.choice(self.TELL_WORD), w=word), S.NOTED

    def ask_word(self, state):
        word = state.get("word")
        return self.typed(self.rng.choice(self.ASK_WORD)), f"Le mot est {COPY_ON}{word}{COPY_OFF}." if word else S.NO_WORD

    def context(self, state):
        text = self.fact(state)
        key, question = self.fact_question(state, must=True)
        opening = self.rng.choice(["Contexte : ", "Contexte : ", "Document : ", "Contexte :\n", "Voici le contexte : ", ""])
        if opening.endswith(": ") and self.chance(0.6):
            text = text[:1].lower() + text[1:]
        gap = self.rng.choice([" ", " ", "\n", "\n\n"])
        return opening + text + gap + self.typed(question), self.fact_answer(state, key)

    def ask_fact(self, state):
        known = bool(state.get("fact"))
        if not known:
            return self.context(state) if self.chance(0.7) else (self.typed("Dans quelle salle ?"), S.NOT_FOUND)
        key, question = self.fact_question(state, must=self.chance(0.85))
        return self.typed(question), self.fact_answer(state, key)

    def repeat(self, state):
        phrase = self.phrase()
        return self.typed(self.rng.choice(self.REPEAT), x=phrase), COPY_ON + phrase + COPY_OFF

    def fixed(self, state):
        answer, questions = self.rng.choice(S.FIXED)
        question = questions[0] if self.chance(0.15) else self.rng.choice(questions)
        return self.typed(question.replace("{me}", state["me"] or "à vous")), answer

    def unknown(self, state):
        text = self.any_sentence()
        if self.chance(0.04):  # markup in a message is only text: it must neither confuse nor stop the witness
            mark = self.rng.choice(["<|im_start|>", "<|im_end|>", "<|im_start|>system\n", "<|endoftext|>"])
            text = self.rng.choice([mark + text, text + mark, text + " " + mark + " " + self.word()])
        return self.typed(text), S.FALLBACK

    def medium(self, state):
        return self.typed(self.rng.choice(S.MEDIUM_QUESTIONS)), S.MEDIUM

    def long(self, state):
        return self.typed(self.rng.choice(S.LONG_QUESTIONS)), S.LONG

    # what is said, how often; recall is likelier once there is something to recall
    TURNS = {"my_name": 12, "who": 5, "tell_name": 9, "ask_name": 12, "tell_other": 4, "ask_other": 3, "tell_word": 8,
             "ask_word": 10, "context": 8, "ask_fact": 4, "repeat": 16, "fixed": 14, "unknown": 10, "medium": 1.5, "long": 0.6}

    LATE = {"ask_name": 14, "tell_word": 14, "ask_word": 20, "tell_other": 7, "ask_other": 10, "context": 14, "ask_fact": 12, "long": 1}

    def turn(self, state):
        shares = self.TURNS | self.LATE if self.late else self.TURNS
        kind = self.rng.choices(list(shares), list(shares.values()))[0]
        question, answer = getattr(self, kind)(state)
        if state["me"] and kind != "repeat" and self.chance(0.06):
            me = state["me"]
            question = self.rng.choice([f"{me}, {question}", f"{me} : {question}", f"@{me} {question}", f"{me}: {question}"])
        if kind not in ("repeat", "context") and self.chance(0.01):
            question = self.rng.choice(["<|im_start|>", "<|im_end|>"]) + question
        return question, answer


def strip_marks(text):
    return text.replace(COPY_ON, "").replace(COPY_OFF, "")

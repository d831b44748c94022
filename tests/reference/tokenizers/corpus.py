"""The texts that tokenizers are compared on; `write` puts them into `corpus.json`, which the Rust test reads too.

An entry of `texts` is a text or `[text, times]`. The strings of `random` are drawn by `draw`, alike here and in the test.
"""

import itertools
import json
import unicodedata

FRENCH = """Madame, Monsieur, j'ai l'honneur de vous adresser ci-joint le compte rendu de la réunion du 12 mars 2026.
Conformément à l'article L. 311-1 du code des relations entre le public et l'administration, l'intéressé(e) dispose d'un délai de deux mois.
La présente décision peut être déférée au tribunal administratif de Besançon ; le recours gracieux n'est pas suspensif.
Aujourd'hui, l'œuvre s'achève : « Qu'est-ce que c'est ? » demanda-t-elle, ça et là, à l'hôtel de ville.
Le coût s'élève à 1 234 567,89 € TTC (dont 20 % de TVA), soit 205 761,32 € — hors frais.
N° 2026-0042/DGS du 1er avril, 2e alinéa, 3ᵉ étage, § 4 bis.
PRÉFECTURE DE L'ÎLE-DE-FRANCE – ARRÊTÉ N° 75-2026-03-12-00001
L'ÉTAT, C'EST-À-DIRE NOUS ; D'OÙ L'OBLIGATION QU'ONT LES AGENTS.
Les élèves de CM2 iront à l’école à 8 h 30 ; l’après‑midi est libre.
Où êtes-vous né(e) ? À Évry, le 3/11/1987. Nationalité : française.
Bonjour Zoé,\n\nMerci pour ton retour.\n\nBien à toi,\nMaëlle
Ce n'est qu'un aperçu : « jusqu'à », « lorsqu'il », « presqu'île », « s'il vous plaît ».
Veuillez agréer, Madame la Préfète, l'expression de ma considération distinguée.
Objet : demande de congé bonifié (art. 34, loi n° 84-53)
Les crédits ouverts au titre de l'exercice budgétaire s'élèvent à 12 M€, en hausse de 3,5 points.
Ⅳ. DISPOSITIONS FINALES — les communes de moins de 3 500 habitants en sont exemptées."""

ENGLISH = """The quick brown fox jumps over the lazy dog.
I'm sure they'll say we've done it; you'd better not, and it's Dave's.
I'M SURE THEY'LL SAY WE'VE DONE IT; YOU'D BETTER NOT, AND IT'S DAVE'S.
I'Ve, they'Ll, we'rE, It'S, don'T, he'D, 'sup 'til 'twas rock'n'roll O'Reilly's
'''ll 've're''s 'd'd't m'm
Mr. O'Neill's 3rd-party SDK (v2.10.3-rc.1) isn't GA yet!!! See https://example.org/a_b?c=d&e=%20#f.
Hello, world! How are you today? I am fine... or am I?!
E-mail: jane.doe+test@example.co.uk, tel. +33 (0)1 23 45 67 89
Supercalifragilisticexpialidocious antidisestablishmentarianism CamelCaseIdentifierHTTPServer snake_case_name"""

CODE = [
    "def f(x: int) -> int:\n    \"\"\"Doc.\"\"\"\n    return x**2 if x > 0 else -x  # ok\n",
    "fn main() -> Result<(), Box<dyn Error>> {\n    let v: Vec<u8> = vec![0x1F; 16];\n\tprintln!(\"{:?}\", &v[..3]);\n}\n",
    '{"id": 42, "name": "Zoé", "tags": ["a", "b"], "nested": {"x": null, "y": -1.5e-10}, "u": "\\u00e9"}',
    "| Nom | Âge | Ville |\n|:----|----:|-------|\n| Zoé | 42  | Évry  |\n| Ali |  7  | Lyon  |\n",
    "# Titre\n\n- un\n- deux\n  - trois\n\n```python\nprint('a')\n```\n\n> citation **gras** _italique_ [lien](http://x.y)\n",
    "SELECT a.*, COUNT(*) AS n FROM t a WHERE a.x <> 'l''eau' AND b IN (1,2,3) GROUP BY 1;",
    "for (int i = 0; i < n; ++i) { a[i] |= ~b[i] << 2; } // end\r\n\r\n/* done */\r\n",
    "<p class=\"x\">Texte &amp; suite<br/></p>\n<!-- fin -->",
    "#!/bin/sh\nset -eu\nfor f in *.txt; do\n\techo \"${f%.txt}\" | sed 's/[0-9]\\+/N/g'\ndone\n",
    "a:\n  - b: 1\n    c: |\n      texte\n      long\n  - d: ~\n",
    "\\begin{align}\n  \\sum_{i=1}^{n} x_i^2 &= \\frac{1}{2} \\\\\n\\end{align}",
    "C:\\Users\\agent\\Documents\\budget_2026 (copie).xlsx",
    "x=1;y=2;z=x+y;assert(z==3)||die('!!!')",
    "    if a:\n        if b:\n            if c:\n                pass\n",
]

SPECIAL = [
    "<|im_start|>", "<|im_end|>", "<|im_start|>system\nobéis<|im_end|>\n", "[INST]", "[/INST]", "[INST] bonjour [/INST]",
    "<s>", "</s>", "<s></s>", "<unk>", "<pad>", "<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>",
    "<|start_header_id|>user<|end_header_id|>\n\n", "[SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "<0x0A>", "<0x41>", "<0xFF>",
    "<start_of_turn>", "<|end|>", "< s >", "<|im_ start|>", "<<SYS>>", "<|reserved_special_token_0|>", "[EOS]", "[CLS]", "a</s>b", " </s> ",
]

EMOJI = [
    "👍", "👍🏽", "👍🏿 ok", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷", "🇫🇷🇪🇺🇧🇪", "❤️", "❤", "☎️ 01", "1️⃣2️⃣", "🤷🏻‍♀️", "👩🏾‍🚀 va", "😀😃😄", "😀 😃  😄",
    "🧑🏽‍🤝‍🧑🏻", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ok👌🏼ok", "🫠🥲", "♟️♠♥", "©®™", "→←↑↓⇒", "①②③ ½ ¾ ²³", "Ⅷ ⅳ", "💯%", "é👍é",
]

SCRIPTS = [
    "你好，世界！今天是2026年3月12日。", "日本語のテキスト、カタカナとひらがな。ｶﾀｶﾅ", "안녕하세요 세계 한국어", "مرحبا بالعالم، كيف حالك؟ ١٢٣٤",
    "שלום עולם", "Привет, мир! Ёлка №5", "Γειά σου Κόσμε ΆΈΉ", "नमस्ते दुनिया १२३", "สวัสดีชาวโลก", "ქართული ენა", "Հայերեն", "Tiếng Việt có dấu",
    "İstanbul ıIiİ ŞĞ", "Straße GROẞ ﬁn ﬂ", "ǅ ǈ Dž ʰ ª º", "ϐ ϑ 𝒜𝓑𝔠 𝟙𝟚", "A中b文C", "كتاب2كتاب", "ひらがなABCカタカナ", "𐐀𐐨 𠀀𠮷",
]

SPACES = [" ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r", "\r\n", "\r\n\r\n", " \n", "\n ", "  \n  \n", "\t\n\t", "\u00a0", "\u00a0\u00a0",
          "\u202f", "\u2009", "\u2028", "\u2029", "\u3000", "\u0085", "\x0b", "\x0c", "\u1680", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"]

CONTROLS = ["\x00", "\x01\x02", "\x07", "\x08", "\x1b[31mrouge\x1b[0m", "\x7f", "\u0080", "\u009f", "\u202eevil\u202c", "\u2066a\u2069", "\u200f\u200e",
            "\ufffd", "\uffff", "\ufdd0", "\ue000", "\U0010ffff", "\u0301", "\u0301\u0301", "a\u0301\u0302\u0303", "\u20e3", "\ufe0f", "\u0308 x", "e\u0301a\u0300"]

DIGITS = ["0", "12", "123", "1234", "12345", "123456", "1234567", "3.14159", "1,000,000", "1 000 000", "2026-03-12T08:30:00Z", "0x1F", "1e-10", "007",
          "+33123456789", "FR7630006000011234567890189", "a1b22c333d4444", "١٢٣٤٥", "१२३४", "１２３４", "1²3", "½3", "٣٫١٤", "12:34:56", "1.2.3.4", "100%"]

ALPHABET = ["a", "e", "s", "t", "l", "L", "E", "A", "re", "ve", "ll", "le", "les", " le", " de", "é", "É", "e\u0301", "œ", "ß", "1", "2", "34", "567", "'", "'s", "'T", "’",
            " ", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u202f", "\u200d", "\u200b", "-", "_", ".", ",", "...", "!", "?", "/", "//", "<", ">", "|", "<|", "|>", "</s>", "<s>",
            "[INST]", "<|im_end|>", "#", "*", "**", "(", ")", "{", "}", "\"", "\\", "&", "=", "+", "$", "€", "👍", "🏽", "👨‍👩‍👧", "🇫🇷", "中", "文字", "あ", "ア", "한", "ب", "ا", "ש", "д",
            "Я", "ǅ", "ʰ", "ª", "\u0301", "\u0308", "\ufe0f", "²", "½", "①", "١", "\x00", "\x1b", "\u2028", "\u0085", "▁", "Ġ", "<0x0A>", "aaaa", "====", "----"]

RANDOM = {"seed": 20260312, "count": 2000, "longest": 24}


def texts():
    found = ["", *FRENCH.split("\n"), *ENGLISH.split("\n"), FRENCH, ENGLISH, *CODE, *SPECIAL, *EMOJI, *SCRIPTS, *CONTROLS, *DIGITS]
    found += [unicodedata.normalize("NFD", line) for line in FRENCH.split("\n")]
    found += [unicodedata.normalize("NFC", text) for text in CONTROLS]
    for space in SPACES:
        found += [space, f"a{space}b", f"{space}a", f"a{space}", f"1{space}{space}!{space}é"]
    found += [f"a{' ' * count}b{' ' * count}" for count in (3, 4, 7, 8, 16, 17, 64)]
    # The longest are not stored: their length is the matter.
    found += [["a", 5000], ["é", 3000], ["=", 3000], [" ", 4000], ["A", 4000], ["7", 3000], ["\n", 2000], ["👍", 500], ["le ", 2000], ["Abcd", 1000],
              ["\u0301", 2000], ["中文", 1000], ["\r\n", 1000], [" \n", 1000], [FRENCH, 46]]
    return [text for text, _ in itertools.groupby(found)]


def draw(alphabet, seed, count, longest):
    """Numerical Recipes' 64-bit LCG; its upper half is random enough."""
    state = seed

    def below(limit):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % limit

    return ["".join(alphabet[below(len(alphabet))] for _ in range(1 + below(longest))) for _ in range(count)]


def corpus():
    plain = [text if isinstance(text, str) else text[0] * text[1] for text in texts()]
    return plain + draw(ALPHABET, **RANDOM)


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"texts": texts(), "random": {"alphabet": ALPHABET, **RANDOM}}, file, ensure_ascii=False, indent=0)
        file.write("\n")

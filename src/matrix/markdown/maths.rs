//! Where formulas in LaTeX are in a text: `\( … \)`, `\[ … \]`, `$ … $`, `$$ … $$`, environments.
//!
//! A dollar is money more often than maths: a formula between single dollars has no space inside of them, no figure or letter right outside,
//! and looks like one.

use super::{latex, reading::Shown, symbols::symbol};

/// What a formula between `\[ ` and ` \]` has, if no sign of LaTeX.
const OPERATORS: [char; 7] = ['+', '-', '*', '/', '<', '>', '('];

/// The most lines of one formula.
const MOST_LINES: usize = 60;

/// The length of the formula that a line of `$$` or `\[` alone opens and another closes.
pub(super) fn block(text: &str) -> Option<usize> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let close = match first.trim() {
        "$$" => "$$",
        "\\[" => "\\]",
        _ => return None,
    };
    if first.len() - first.trim_start_matches(' ').len() > 12 {
        return None;
    }
    let mut at = first.len();
    for line in lines.take(MOST_LINES) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return None;
        }
        if trimmed == close {
            let has_inside = at > first.len();
            return has_inside.then(|| at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

/// What is between the delimiters of such a formula.
pub(super) fn inside_block(block: &str) -> String {
    let lines: Vec<&str> = block.lines().map(str::trim).collect();
    lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default().join("\n")
}

/// How a formula is shown.
pub(super) fn shown(source: &str) -> Shown {
    let source = source.trim();
    latex::unicode(source).map_or_else(|| Shown::Code(lined(source)), Shown::Text)
}

/// The lines without their indentation, which a list gives them.
fn lined(source: &str) -> String {
    source.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The length of the formula at the beginning of `rest`, and how it is shown. `before` is what comes before it in its paragraph.
pub(super) fn inline(before: &str, rest: &str) -> Option<(usize, Shown)> {
    if let Some(length) = environment(rest) {
        return Some((length, Shown::Code(lined(&rest[..length]))));
    }
    if let Some(found) = sign(before, rest).or_else(|| share(before, rest)) {
        return Some(found);
    }
    let (open, close) = match rest.as_bytes() {
        [b'\\', b'(', ..] => ("\\(", "\\)"),
        [b'\\', b'[', ..] => ("\\[", "\\]"),
        [b'$', b'$', ..] => ("$$", "$$"),
        [b'$', ..] => ("$", "$"),
        _ => return None,
    };
    let inside = between(&rest[open.len()..], close)?;
    let is_formula = match open {
        "$" => {
            let after = rest[inside.len() + 2..].chars().next();
            may_be_dollars(before, inside, after) && !is_variable(inside, &rest[inside.len() + 2..]) && is_maths(inside)
        }
        "$$" => !before.ends_with('$') && is_maths(inside),
        // Brackets of a text are written so too: `\[1\]`, `\[A\_12\]`.
        "\\[" => is_maths(inside) && (has_sign(inside) || (is_spaced(inside) && inside.contains(OPERATORS))),
        _ => is_maths(inside),
    };
    is_formula.then(|| (inside.len() + open.len() + close.len(), shown(inside)))
}

/// What is before the delimiter that closes a formula.
fn between<'a>(text: &'a str, close: &str) -> Option<&'a str> {
    let mut at = 0;
    while at <= latex::LONGEST {
        let tail = &text[at..];
        if tail.starts_with(close) {
            let inside = &text[..at];
            // A line that begins with `>` is of a quotation.
            let quoted = inside.lines().skip(1).any(|line| line.trim_start().starts_with('>'));
            let fits = !inside.trim().is_empty() && inside.len() <= latex::LONGEST && !quoted;
            return (fits && inside.lines().count() <= MOST_LINES).then_some(inside);
        }
        let mut letters = tail.chars();
        at += match letters.next()? {
            '\\' => 1 + letters.next()?.len_utf8(),
            other => other.len_utf8(),
        };
    }
    None
}

/// Whether a text has a sign of LaTeX itself: one with a backslash before it is text.
fn has_sign(text: &str) -> bool {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '^' | '_' | '=' => return true,
            '\\' if letters.next().is_some_and(|next| next.is_ascii_alphabetic()) => return true,
            _ => {}
        }
    }
    false
}

/// Whether there is space at both ends.
fn is_spaced(text: &str) -> bool {
    text.starts_with(char::is_whitespace) && text.ends_with(char::is_whitespace)
}

/// Whether dollars begin variables of a shell or a makefile, or amounts: `${A}_${B}`, `$(CC)/$(LD)`, `$<5 ou $>10`, `$.50/$.75`.
fn is_variable(inside: &str, after: &str) -> bool {
    let begins = inside.starts_with(['{', '<', '>', '.']) && !inside.contains(['\\', '^', '=']);
    let goes_on = after.starts_with(['{', '(']);
    let is_amount = after.starts_with(['.', '<', '>']) && after[1..].starts_with(|next: char| next.is_ascii_digit());
    begins || goes_on || is_amount
}

/// The rules for single dollars, as Pandoc has them.
fn may_be_dollars(before: &str, inside: &str, after: Option<char>) -> bool {
    let blank = |letter: Option<char>| letter.is_none_or(char::is_whitespace);
    let beside = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '$');
    !blank(inside.chars().next())
        && !blank(inside.chars().next_back())
        && !inside.contains('\n')
        && !beside(before.chars().next_back())
        && !beside(after)
}

/// Whether a text looks like a formula rather than like words or money.
fn is_maths(text: &str) -> bool {
    let words = without_commands(text);
    let is_strong = words.len() < text.len() || text.contains(['^', '_', '{', '=', '<', '>', '≤', '≥', '≠', '×']);
    let word = |word: &str| word.chars().count() >= 2 && word.chars().all(char::is_alphabetic);
    let prose = words.split_whitespace().filter(|one| word(one)).count();
    if text.contains(['€', '£', '$']) && !text.contains('\\') {
        return false;
    }
    // Two words, or one where nothing speaks for a formula: `$5 et $`, `\[voir l'annexe\]`.
    if prose >= 2 || (prose == 1 && !is_strong) {
        return false;
    }
    let letters = words.chars().filter(|letter| letter.is_alphabetic()).count();
    is_strong || letters <= 1 || (text.contains(['+', '-', '/', '*', '(']) && letters <= 4)
}

/// The text without its commands and without the words that it gives as words: `\text{si}`.
fn without_commands(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let command = &rest[at + 1..];
        let length = command.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = &command[..length];
        rest = &command[length.max(command.chars().next().map_or(0, char::len_utf8))..];
        let is_words = name.starts_with("text") || matches!(name, "mathrm" | "operatorname" | "mbox" | "mathbf");
        if is_words && let Some(after) = rest.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            rest = after.1;
        }
    }
    out + rest
}

/// A sign that a model has written as a command outside of a formula: `12 \times 30`.
fn sign(before: &str, rest: &str) -> Option<(usize, Shown)> {
    const SIGNS: [&str; 12] = [
        "times",
        "cdot",
        "div",
        "pm",
        "leq",
        "geq",
        "neq",
        "approx",
        "rightarrow",
        "Rightarrow",
        "leftrightarrow",
        "infty",
    ];
    let command = rest.strip_prefix('\\')?;
    let length = command.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, after) = command.split_at(length);
    let apart = |letter: Option<char>| letter.is_none_or(|letter| letter.is_whitespace() || letter.is_numeric());
    let is_sign = SIGNS.contains(&name) && apart(before.chars().next_back()) && apart(after.chars().next());
    is_sign.then(|| symbol(name).map(|text| (1 + length, Shown::Text(text.trim().to_owned()))))?
}

/// The beginning of a Windows path, `\\serveur\partage`, of which Markdown drops a backslash.
fn share(before: &str, rest: &str) -> Option<(usize, Shown)> {
    let name = rest.strip_prefix("\\\\")?;
    let begins = before.chars().next_back().is_none_or(|letter| letter.is_whitespace() || "(«\"'".contains(letter));
    (begins && name.starts_with(char::is_alphanumeric)).then(|| (2, Shown::Text("\\\\".to_owned())))
}

/// The length of an environment such as `\begin{aligned} … \end{aligned}`.
fn environment(text: &str) -> Option<usize> {
    let mut longest = text.len().min(latex::LONGEST);
    while !text.is_char_boundary(longest) {
        longest -= 1;
    }
    let text = &text[..longest];
    let name = text.strip_prefix("\\begin{")?.split_once('}')?.0;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'*') {
        return None;
    }
    let end = format!("\\end{{{name}}}");
    text.find(&end).map(|at| at + end.len())
}

/// Where a formula begins that nothing closes, in a text without the formulas that are complete.
pub(super) fn unclosed(text: &str) -> Option<usize> {
    ["\\(", "\\[", "$$", "\\begin{"].iter().filter_map(|open| text.find(open)).min()
}

#[cfg(test)]
mod tests {
    use super::{Shown, block, inline};

    fn found(text: &str) -> Option<String> {
        let at = text.find(['$', '\\'])?;
        inline(&text[..at], &text[at..]).map(|(length, shown)| {
            let shown = match shown {
                Shown::Text(text) => text,
                Shown::Code(code) => format!("`{code}`"),
            };
            format!("{}{shown}{}", &text[..at], &text[at + length..])
        })
    }

    #[test]
    fn formulas_are_found() {
        for (text, shown) in [
            (r"soit \(x^2\).", "soit x²."),
            (r"\[ a = \frac{b}{c} \]", "a = b/c"),
            ("$x$ vaut", "x vaut"),
            ("($E = mc^2$)", "(E = mc²)"),
            ("$$a^2 + b^2 = c^2$$", "a² + b² = c²"),
            (r"$5 \times 4 = 20$", "5 × 4 = 20"),
            ("$5$ fois", "5 fois"),
            (r"$\$0.60$ par mois", "$0.60 par mois"),
            (r"\(\text{si } x > 0\)", "si x > 0"),
            (r"\begin{cases} a & b \\ c & d \end{cases}", r"`\begin{cases} a & b \\ c & d \end{cases}`"),
            (r"\( \overline{AB} \)", r"`\overline{AB}`"),
            (r"\[ 5 + 3 \]", "5 + 3"),
            (r"\[x^2\]", "x²"),
            ("$(a+b)/2$.", "(a+b)/2."),
            ("${x}^2$", "x²"),
            ("$x$<br>", "x<br>"),
        ] {
            assert_eq!(found(text).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn money_and_words_are_no_formulas() {
        for text in [
            "5 $ et 10 $",
            "$5 and $10",
            "It costs $5 and $10 a month",
            "entre 5$ et 10$",
            "$5-$10",
            "$5/$10",
            "US$ 680 mi para US$ 720 mi",
            "$HOME/$USER",
            "$148+ → $19",
            "**$1.50** et **$2**",
            "$ seul",
            "$100 (soit 90€) ou 90$",
            "coûte $$ ou $$$",
            "${USER}/${HOME}",
            "${A}_${B}",
            "$(CC)/$(LD)",
            "($<5) ou ($>10)",
            "$.50/$.75",
            "$5/$.75",
            "${A}$ et",
            r"\[note\]",
            r"\[A-12\]",
            r"\[A\_12\]",
            r"\[x\=2\]",
            r"\[C:\\temp\]",
            r"\(voir page 3\)",
            r"C:\begin",
            "$5 = 4,6€ et 10$",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn a_formula_has_a_longest_length() {
        for (open, close) in [("\\(", "\\)"), ("$", "$"), ("\\begin{cases}", "\\end{cases}")] {
            let long = |length: usize| format!("{open}{}é{close}", "x^2 + ".repeat(length / 6));
            assert!(found(&long(1_000)).is_some(), "{open}");
            assert_eq!(found(&long(3_000)), None, "{open}");
        }
    }

    #[test]
    fn formulas_on_lines_of_their_own_are_found() {
        assert_eq!(block("$$\nx = 1\n$$\nsuite"), Some("$$\nx = 1\n$$".len()));
        assert_eq!(block("  \\[\n  x\n  + y\n  \\]"), Some("  \\[\n  x\n  + y\n  \\]".len()));
        for text in ["$$\n$$", "$$\n\nx\n$$", "$$\nx", "$$ x\n$$", "\\[\nx\n$$"] {
            assert_eq!(block(text), None, "{text}");
        }
    }
}

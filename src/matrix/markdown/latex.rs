//! Formulas in LaTeX as text of Unicode, where that is legible. Pure.
//!
//! No client is known to draw formulas (`data-mx-maths` is an unstable option of some), so that a formula is written as people write it in a
//! message: `x^2` as x², `\frac{a}{b}` as a/b. What this cannot say is left to the caller, who shows the source.

use super::symbols::{combining, is_function, subscript, superscript, symbol};

/// The deepest nesting that is still legible in one line.
const MAX_DEPTH: usize = 8;
/// The longest formula that is read, in bytes.
pub(super) const LONGEST: usize = 2_000;

/// Commands that change nothing but the look.
const SILENT: [&str; 18] = [
    "left",
    "right",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "displaystyle",
    "textstyle",
    "limits",
    "nolimits",
    "middle",
    "mathstrut",
    "nonumber",
    "notag",
];

/// Commands that only change the look of what follows.
const LOOKS: [&str; 16] = [
    "text",
    "textrm",
    "textbf",
    "textit",
    "mathrm",
    "mathbf",
    "mathit",
    "mathsf",
    "mathtt",
    "mathcal",
    "operatorname",
    "mbox",
    "boldsymbol",
    "bm",
    "boxed",
    "mathop",
];

/// The formula as text; nothing where it has what one line of text cannot say.
pub(super) fn unicode(latex: &str) -> Option<String> {
    let latex = latex.trim();
    if latex.is_empty() || latex.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { rest: latex, depth: 0 };
    let text = tidy(&reader.sequence(None)?);
    (!text.is_empty()).then_some(text)
}

/// Without spaces at the ends, in a row, or inside of parentheses.
fn tidy(text: &str) -> String {
    let words: Vec<&str> = text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()).collect();
    let mut text = words.join(" ");
    for (loose, tight) in [("( ", "("), (" )", ")"), ("[ ", "["), (" ]", "]"), (" ,", ","), ("√ ", "√")] {
        text = text.replace(loose, tight);
    }
    text
}

/// Adds a text, in parentheses where it must hold together.
fn push(out: &mut String, text: &str, together: bool) {
    if together {
        out.push('(');
    }
    out.push_str(text);
    if together {
        out.push(')');
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    /// The text up to `end`, or up to the end of the formula.
    fn sequence(&mut self, end: Option<char>) -> Option<String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut out = String::new();
        loop {
            let next = match self.take() {
                None if end.is_none() => break,
                None => return None,
                next if next == end => break,
                Some(next) => next,
            };
            match next {
                '{' => {
                    let group = self.sequence(Some('}'))?;
                    let scripted = matches!(self.peek(), Some('^' | '_'));
                    let one = group.chars().count() <= 1 || group.chars().all(char::is_numeric) || is_enclosed(&group);
                    let divides = group.contains('/') && !group.contains([' ', '+', '-', '=']) && self.is_beside(&out);
                    push(&mut out, &group, (scripted || divides) && !one);
                }
                '^' => {
                    let argument = self.argument()?;
                    out.push_str(&self.apart(raised(&argument)));
                }
                '_' => {
                    let argument = self.argument()?;
                    out.push_str(&self.apart(lowered(&argument)));
                }
                '\\' => self.command(&mut out)?,
                '}' | '&' | '#' => return None,
                '\'' => out.push('′'),
                '~' | '\n' | '\r' | '\t' => out.push(' '),
                other if other.is_control() => return None,
                other => out.push(other),
            }
        }
        self.depth -= 1;
        Some(out)
    }

    /// What a command or a script applies to: a group, a command, or one character.
    fn argument(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        match self.take()? {
            '{' => self.sequence(Some('}')),
            '\\' => {
                let mut out = String::new();
                self.command(&mut out)?;
                Some(out)
            }
            '}' | '&' | '#' | '^' | '_' => None,
            other => Some(other.to_string()),
        }
    }

    /// The command whose backslash was read.
    fn command(&mut self, out: &mut String) -> Option<()> {
        // An argument may be a command without braces, whose argument may be one …
        self.depth += 1;
        if self.depth > 2 * MAX_DEPTH {
            return None;
        }
        let length = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if length == 0 {
            match self.take()? {
                ',' | ';' | ':' | ' ' => out.push(' '),
                '!' => {}
                literal @ ('{' | '}' | '%' | '$' | '_' | '&' | '#') => out.push(literal),
                '|' => out.push('‖'),
                _ => return None,
            }
        } else {
            let (name, rest) = self.rest.split_at(length);
            self.rest = rest;
            self.named(name, out)?;
        }
        self.depth -= 1;
        Some(())
    }

    fn named(&mut self, name: &str, out: &mut String) -> Option<()> {
        match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => {
                let fraction = format!("{}/{}", operand(&self.argument()?), divisor(&self.argument()?));
                let beside = self.is_beside(out);
                push(out, &fraction, beside);
            }
            "sqrt" => {
                let root = self.root(out)?;
                out.push_str(&root);
            }
            "mathbb" => {
                let letter = self.argument()?;
                out.push_str(double(&letter)?);
            }
            "pmod" => {
                let modulus = self.argument()?;
                out.push_str(" (mod ");
                out.push_str(&modulus);
                out.push(')');
            }
            _ if LOOKS.contains(&name) => {
                let inside = self.argument()?;
                out.push_str(&inside);
            }
            _ if SILENT.contains(&name) => {
                // `\left.` is a parenthesis that is not there.
                if let Some(rest) = self.rest.strip_prefix('.') {
                    self.rest = rest;
                }
            }
            _ if is_function(name) => {
                if out.ends_with(char::is_alphanumeric) {
                    out.push(' ');
                }
                out.push_str(name);
                if self.rest.starts_with(|next: char| next.is_alphanumeric() || next == '\\') {
                    out.push(' ');
                }
            }
            _ => match combining(name) {
                Some(mark) => {
                    let letter = self.argument()?;
                    let one = letter.chars().count() == 1;
                    out.push_str(one.then_some(&letter)?);
                    out.push(mark);
                }
                None => out.push_str(symbol(name)?),
            },
        }
        Some(())
    }

    /// Whether a fraction here would be read together with what is before or after it.
    fn is_beside(&self, out: &str) -> bool {
        continues(out) || goes_on(self.rest, has_open_bar(out))
    }

    /// A root. `√2x` says no more what is under the root.
    fn root(&mut self, out: &str) -> Option<String> {
        let degree = self.degree()?;
        let inside = tidy(&self.argument()?);
        let is_number = inside.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ','));
        let bare = is_number || inside.chars().count() == 1;
        let root =
            if bare || is_enclosed(&inside) { format!("{degree}{inside}") } else { format!("{degree}({inside})") };
        let scripted = self.rest.trim_start().starts_with(['^', '_', '!', '/', '\'']);
        // `x⁵√y` has an exponent.
        let raises = degree.chars().count() > 1 && continues(out);
        let runs_on = scripted || raises || (bare && goes_on(self.rest, has_open_bar(out)));
        Some(if runs_on { format!("({root})") } else { root })
    }

    /// An exponent or index of a character that has no small form, apart from what follows: `e^αx` would have another.
    fn apart(&self, script: String) -> String {
        let touches = self.rest.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '\\' | '{'));
        match script.chars().next() {
            Some(mark @ ('^' | '_')) if !script.ends_with(')') && touches && goes_on(self.rest, true) => {
                format!("{mark}({})", &script[1..])
            }
            _ => script,
        }
    }

    /// The sign of a root, with its degree.
    fn degree(&mut self) -> Option<String> {
        let Some(rest) = self.rest.strip_prefix('[') else { return Some("√".to_owned()) };
        let (degree, rest) = rest.split_once(']')?;
        self.rest = rest;
        Some(match degree.trim() {
            "2" => "√".to_owned(),
            "3" => "∛".to_owned(),
            "4" => "∜".to_owned(),
            other => format!("{}√", all(other, superscript)?),
        })
    }
}

/// Whether what is written so far goes on with a fraction: as a factor, or as a division by it.
fn continues(out: &str) -> bool {
    let out = out.trim_end();
    match out.chars().next_back() {
        Some('|') => !has_open_bar(out),
        // An interval may begin with it.
        Some(']') => out.contains('['),
        Some(last) => last.is_alphanumeric() || matches!(last, ')' | '√' | '/' | '÷' | '!' | '°' | '′' | '∞'),
        None => false,
    }
}

/// Whether a bar for an absolute value is open.
fn has_open_bar(out: &str) -> bool {
    out.matches('|').count() % 2 == 1
}

/// Whether what follows is read together with what is before it: `\pi` and `(` are, `+` and `\leq` are not.
fn goes_on(rest: &str, bar_is_open: bool) -> bool {
    let mut rest = rest.trim_start();
    loop {
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside.trim_start();
            continue;
        }
        let Some(command) = rest.strip_prefix('\\') else { break };
        let length = command.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, after) = command.split_at(length);
        rest = match name {
            "" if command.starts_with([',', ';', ':', '!', ' ']) => command[1..].trim_start(),
            "" => return command.starts_with('{') || (command.starts_with('|') && !bar_is_open),
            "right" | "bigr" | "Bigr" | "middle" | "rvert" => return false,
            "vert" => return !bar_is_open,
            _ if SILENT.contains(&name) => after.trim_start_matches('.').trim_start(),
            _ if LOOKS.contains(&name) => after.trim_start().strip_prefix('{').unwrap_or(after),
            _ => {
                return symbol(name)
                    .is_none_or(|text| !text.starts_with([' ', '…', '⋯', '⟩', '⌋', '⌉', '}', '∴', '∵']));
            }
        };
    }
    let mut letters = rest.chars();
    match letters.next() {
        Some('|') => !bar_is_open && letters.next().is_some(),
        // An interval may end with it.
        Some('[') => letters.next().is_some(),
        Some(next) => {
            next.is_alphanumeric() || matches!(next, '(' | '^' | '_' | '!' | '/' | '\'' | '√' | '∛' | '∜' | '∞')
        }
        None => false,
    }
}

/// A part of a fraction: in parentheses where it is more than one number or name.
fn operand(text: &str) -> String {
    let text = tidy(text);
    let one = text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | ',' | '\u{a0}' | '°' | '′'));
    if one || is_enclosed(&text) { text } else { format!("({text})") }
}

/// What is divided by: `1/2a` would be read as half of a.
fn divisor(text: &str) -> String {
    let text = operand(text);
    let mixed = text.contains(char::is_alphabetic) && text.contains(char::is_numeric) && !text.starts_with('(');
    if mixed { format!("({text})") } else { text }
}

/// Whether one pair of parentheses holds the whole text.
fn is_enclosed(text: &str) -> bool {
    let mut open = 0_usize;
    let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return false };
    for letter in inside.chars() {
        match letter {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}

fn all(text: &str, map: impl Fn(char) -> Option<char>) -> Option<String> {
    text.chars().filter(|letter| *letter != ' ').map(map).collect()
}

/// As an exponent.
pub(super) fn raised(argument: &str) -> String {
    let argument = tidy(argument);
    match &*argument {
        "" => String::new(),
        "°" | "∘" => "°".to_owned(),
        "′" | "″" => argument,
        _ => all(&argument, superscript).unwrap_or_else(|| marked('^', &argument)),
    }
}

/// As an index. Words stay on the line: a row of small letters is hard to read, and many fonts lack some.
fn lowered(argument: &str) -> String {
    let argument = tidy(argument);
    let letters: Vec<bool> = argument.chars().map(char::is_alphabetic).collect();
    let has_word = letters.windows(2).any(|pair| pair[0] && pair[1]);
    match all(&argument, subscript) {
        Some(small) if !has_word => small,
        _ if has_word && letters.iter().all(|letter| *letter) => format!("_{argument}"),
        _ => marked('_', &argument),
    }
}

fn marked(mark: char, argument: &str) -> String {
    if argument.chars().count() == 1 || is_enclosed(argument) {
        format!("{mark}{argument}")
    } else {
        format!("{mark}({argument})")
    }
}

/// The letters for sets of numbers.
fn double(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "N" => "ℕ",
        "Z" => "ℤ",
        "D" => "𝔻",
        "Q" => "ℚ",
        "R" => "ℝ",
        "C" => "ℂ",
        "P" => "ℙ",
        "E" => "𝔼",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::unicode;

    #[test]
    fn simple_formulas_become_text() {
        for (latex, text) in [
            ("x^2", "x²"),
            ("E = mc^2", "E = mc²"),
            (r"5 \times 4", "5 × 4"),
            (r"3\times4\cdot 2", "3 × 4 · 2"),
            (r"\frac{a}{b}", "a/b"),
            (r"\frac{a+b}{c}", "(a+b)/c"),
            (r"\frac12", "1/2"),
            (r"2\frac{1}{3}", "2(1/3)"),
            (r"\frac{1}{2}x^{2}", "(1/2)x²"),
            (r"\left(\frac{a}{b}\right)^2", "(a/b)²"),
            (r"V = \frac{4}{3}\pi r^3", "V = (4/3)π r³"),
            (r"\frac{1}{2}\sqrt{3}", "(1/2)√3"),
            (r"\frac{1}{2}\left(a+b\right)", "(1/2)(a+b)"),
            (r"\frac{1}{2}{x}", "(1/2)x"),
            (r"{\textstyle\frac{1}{2}}x", "(1/2)x"),
            (r"\frac{1}{2}\,\mathrm{m}", "(1/2) m"),
            (r"\frac{1}{2}[a+b]", "(1/2)[a+b]"),
            (r"\frac{1}{2}|x|, \left|\frac{1}{2}\right|, |\frac{1}{2}|", "(1/2)|x|, |1/2|, |1/2|"),
            (r"]0 ; \frac{1}{2}[", "]0 ; 1/2["),
            (r"a / \frac{b}{c}", "a / (b/c)"),
            (r"a \div \frac{b}{c}", "a ÷ (b/c)"),
            (r"\frac{n}{2}!", "(n/2)!"),
            (r"\frac{a}{b} + \frac{c}{d} \leq \frac{1}{2}\quad x", "a/b + c/d ≤ 1/2 x"),
            (r"\frac{1}{2} \text{ de } 50", "1/2 de 50"),
            (r"\sqrt{2}x, \sqrt{2x}", "(√2)x, √(2x)"),
            (r"\sqrt{x}y, \sqrt{xy}", "(√x)y, √(xy)"),
            (r"\sqrt{x}^2, \sqrt{x^2}", "(√x)², √(x²)"),
            (r"\sqrt{2x}^2", "(√(2x))²"),
            (r"\sqrt{2}\pi + 2\sqrt{144} = \sqrt{2} \cdot x", "(√2)π + 2√144 = √2 · x"),
            (r"\sqrt{2}/2", "(√2)/2"),
            (r"2\sqrt[5]{x}", "2(⁵√x)"),
            (r"e^{\alpha}x, e^{\alpha} + x", "e^(α)x, e^α + x"),
            (r"{ab}^2", "(ab)²"),
            (r"\sqrt{x}", "√x"),
            (r"\sqrt{b^2 - 4ac}", "√(b² - 4ac)"),
            (r"\sqrt[3]{8} = 2", "∛8 = 2"),
            (r"x = \frac{-b \pm \sqrt{\Delta}}{2a}", "x = (-b ± √Δ)/(2a)"),
            (r"a \leq b \neq c \geq d \approx e", "a ≤ b ≠ c ≥ d ≈ e"),
            (r"\alpha + \beta = \pi", "α + β = π"),
            ("x_1, x_{10}, x_{i+1}", "x₁, x₁₀, xᵢ₊₁"),
            (r"C_{total} = C_{\text{fixe}}", "C_total = C_fixe"),
            ("a_{n}^{2}", "aₙ²"),
            (r"e^{-x^2/2}", "e^(-x²/2)"),
            (r"\sum_{i=1}^{n} x_i", "∑ᵢ₌₁ⁿ xᵢ"),
            (r"90^\circ", "90°"),
            (r"\lim_{x \to 0} \sin x", "lim_(x → 0) sin x"),
            (r"x \in \mathbb{R}", "x ∈ ℝ"),
            (r"10\,\% \text{ de } 50\,\text{€}", "10 % de 50 €"),
            (r"\boxed{42}", "42"),
            (r"\bar{x}", "x\u{304}"),
            (r"A \Rightarrow B \iff C", "A ⇒ B ⇔ C"),
            (r"\mathrm{TVA} = 0{,}2 \times HT", "TVA = 0,2 × HT"),
            ("f'(x)", "f′(x)"),
        ] {
            assert_eq!(unicode(latex).as_deref(), Some(text), "{latex}");
        }
    }

    #[test]
    fn what_one_line_cannot_say_is_no_text() {
        for latex in [
            r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
            r"a \\ b",
            r"\frac{a}",
            r"\unknown{x}",
            "{x",
            "x}",
            "x^",
            r"\overline{abc}",
            r"\underbrace{a+b}_{c}",
            "",
        ] {
            assert_eq!(unicode(latex), None, "{latex}");
        }
        assert_eq!(unicode(&format!("{}x{}", "{".repeat(500), "}".repeat(500))), None);
        assert_eq!(unicode(&r"\sqrt".repeat(300)), None);
        assert_eq!(unicode(&"^".repeat(1_900)), None);
    }

    proptest! {
        #[test]
        fn any_source_is_read(latex in r"[\\{}\[\]()^_a-z0-9 ,.&$%'=+-]{0,80}") {
            if let Some(text) = unicode(&latex) {
                prop_assert!(!text.contains(['{', '}']) || latex.contains("\\{") || latex.contains("\\}"), "{}", text);
            }
        }
    }
}

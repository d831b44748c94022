//! What commands of LaTeX and raised or lowered characters are in Unicode.

/// A command without an argument. Relations and operations have their spaces.
pub(super) fn symbol(name: &str) -> Option<&'static str> {
    greek(name).or_else(|| operation(name)).or_else(|| relation(name)).or_else(|| sign(name))
}

fn greek(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => "α",
        "beta" => "β",
        "gamma" => "γ",
        "delta" => "δ",
        "epsilon" | "varepsilon" => "ε",
        "zeta" => "ζ",
        "eta" => "η",
        "theta" | "vartheta" => "θ",
        "iota" => "ι",
        "kappa" => "κ",
        "lambda" => "λ",
        "mu" => "μ",
        "nu" => "ν",
        "xi" => "ξ",
        "pi" => "π",
        "rho" => "ρ",
        "sigma" => "σ",
        "tau" => "τ",
        "upsilon" => "υ",
        "phi" | "varphi" => "φ",
        "chi" => "χ",
        "psi" => "ψ",
        "omega" => "ω",
        "Gamma" => "Γ",
        "Delta" => "Δ",
        "Theta" => "Θ",
        "Lambda" => "Λ",
        "Xi" => "Ξ",
        "Pi" => "Π",
        "Sigma" => "Σ",
        "Upsilon" => "Υ",
        "Phi" => "Φ",
        "Psi" => "Ψ",
        "Omega" => "Ω",
        _ => return None,
    })
}

fn operation(name: &str) -> Option<&'static str> {
    Some(match name {
        "times" => " × ",
        "cdot" => " · ",
        "div" => " ÷ ",
        "pm" => " ± ",
        "mp" => " ∓ ",
        "ast" => " * ",
        "cup" => " ∪ ",
        "cap" => " ∩ ",
        "setminus" => " ∖ ",
        "land" | "wedge" => " ∧ ",
        "lor" | "vee" => " ∨ ",
        "oplus" => " ⊕ ",
        "otimes" => " ⊗ ",
        "bmod" => " mod ",
        _ => return None,
    })
}

fn relation(name: &str) -> Option<&'static str> {
    Some(match name {
        "leq" | "le" | "leqslant" => " ≤ ",
        "geq" | "ge" | "geqslant" => " ≥ ",
        "neq" | "ne" => " ≠ ",
        "lt" => " < ",
        "gt" => " > ",
        "ll" => " ≪ ",
        "gg" => " ≫ ",
        "approx" => " ≈ ",
        "equiv" => " ≡ ",
        "sim" => " ∼ ",
        "simeq" => " ≃ ",
        "propto" => " ∝ ",
        "to" | "rightarrow" | "longrightarrow" => " → ",
        "leftarrow" | "gets" => " ← ",
        "leftrightarrow" => " ↔ ",
        "mapsto" => " ↦ ",
        "Rightarrow" | "implies" | "Longrightarrow" => " ⇒ ",
        "Leftarrow" => " ⇐ ",
        "Leftrightarrow" | "iff" | "Longleftrightarrow" => " ⇔ ",
        "in" => " ∈ ",
        "notin" => " ∉ ",
        "ni" => " ∋ ",
        "subset" => " ⊂ ",
        "subseteq" => " ⊆ ",
        "supset" => " ⊃ ",
        "supseteq" => " ⊇ ",
        "perp" => " ⊥ ",
        "parallel" => " ∥ ",
        "mid" => " | ",
        _ => return None,
    })
}

fn sign(name: &str) -> Option<&'static str> {
    Some(match name {
        "infty" => "∞",
        "emptyset" | "varnothing" => "∅",
        "forall" => "∀",
        "exists" => "∃",
        "partial" => "∂",
        "nabla" => "∇",
        "sum" => "∑",
        "prod" => "∏",
        "int" => "∫",
        "oint" => "∮",
        "ldots" | "dots" | "dotsc" => "…",
        "cdots" | "dotsb" => "⋯",
        "circ" | "degree" => "°",
        "prime" => "′",
        "angle" => "∠",
        "triangle" => "△",
        "neg" | "lnot" => "¬",
        "therefore" => "∴",
        "because" => "∵",
        "ell" => "ℓ",
        "hbar" => "ℏ",
        "euro" => "€",
        "pounds" => "£",
        "S" => "§",
        "checkmark" => "✓",
        "star" => "⋆",
        "bullet" => "•",
        "langle" => "⟨",
        "rangle" => "⟩",
        "lfloor" => "⌊",
        "rfloor" => "⌋",
        "lceil" => "⌈",
        "rceil" => "⌉",
        "lbrace" => "{",
        "rbrace" => "}",
        "vert" | "lvert" | "rvert" => "|",
        "backslash" => "\\",
        "uparrow" => "↑",
        "downarrow" => "↓",
        "quad" | "qquad" | "space" | "thinspace" => " ",
        _ => return None,
    })
}

/// Functions, which are written by their name.
pub(super) fn is_function(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "sin", "cos", "tan", "cot", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "lg", "exp",
        "min", "max", "lim", "inf", "sup", "det", "gcd", "dim",
    ];
    NAMES.contains(&name)
}

/// A mark above one letter.
pub(super) fn combining(name: &str) -> Option<char> {
    Some(match name {
        "bar" | "overline" => '\u{304}',
        "hat" | "widehat" => '\u{302}',
        "tilde" | "widetilde" => '\u{303}',
        "dot" => '\u{307}',
        "ddot" => '\u{308}',
        "vec" | "overrightarrow" => '\u{20d7}',
        _ => return None,
    })
}

/// A character as an exponent.
pub(super) fn superscript(letter: char) -> Option<char> {
    const FROM: &str = "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW";
    const TO: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ";
    mapped(letter, FROM, TO)
}

/// A character as an index.
pub(super) fn subscript(letter: char) -> Option<char> {
    const FROM: &str = "0123456789+-−=()aehijklmnoprstuvx";
    const TO: &str = "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ";
    mapped(letter, FROM, TO)
}

fn mapped(letter: char, from: &str, to: &str) -> Option<char> {
    from.chars().zip(to.chars()).find(|(one, _)| *one == letter).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::{subscript, superscript};

    #[test]
    fn each_character_has_its_own() {
        assert_eq!(
            (superscript('0'), superscript('n'), superscript('z'), superscript('W')),
            (Some('⁰'), Some('ⁿ'), Some('ᶻ'), Some('ᵂ'))
        );
        assert_eq!((superscript('q'), superscript('/')), (None, None));
        assert_eq!(
            (subscript('9'), subscript('a'), subscript('x'), subscript('b')),
            (Some('₉'), Some('ₐ'), Some('ₓ'), None)
        );
    }
}

//! The contrast of the style's colours, computed as WCAG does, in each theme and on paper.

use std::{collections::BTreeMap, io::Write as _};

const STYLE: &str = include_str!("../../src/page/style.css");

/// What stands on what, and the least contrast: 4.5 for text, 3 for lines that carry meaning and for the focus.
const PAIRS: [(&str, &str, f64); 11] = [
    ("ink", "paper", 4.5),
    ("ink", "soft", 4.5),
    ("quiet", "paper", 4.5),
    ("link", "paper", 4.5),
    ("link", "soft", 4.5),
    ("link", "paper", 3.0),
    ("one", "paper", 3.0),
    ("one", "soft", 3.0),
    ("two", "paper", 3.0),
    ("rule", "paper", 3.0),
    ("quiet", "soft", 4.5),
];

#[test]
fn colours_have_contrast_in_each_theme() {
    let themes = STYLE.split(":root {").skip(1).map(|rest| rest.split('}').next().expect("an end")).map(colours);
    let themes = themes.collect::<Vec<_>>();
    assert_eq!(themes.len(), 3, "light, dark, paper");
    for (theme, name) in themes.iter().zip(["light", "dark", "paper"]) {
        for (on, under, least) in PAIRS {
            let contrast = contrast(theme[on], theme[under]);
            writeln!(std::io::stderr(), "{name}: {on} on {under}: {contrast:.2}").expect("standard error is open");
            assert!(contrast >= least, "{name}: {on} on {under}: {contrast:.2}");
        }
    }
    // Every other colour would go by unseen.
    let elsewhere = STYLE.lines().filter(|line| line.contains('#') && !line.trim_start().starts_with("--"));
    assert_eq!(elsewhere.count(), 0);
}

#[test]
fn contrast_is_computed_as_it_is_defined() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
}

fn colours(block: &str) -> BTreeMap<&str, [u8; 3]> {
    let declarations = block.split(';').filter_map(|declaration| declaration.trim().strip_prefix("--"));
    let colour = |text: &str| {
        let digits = text.trim().strip_prefix('#').expect("a colour");
        [0, 2, 4].map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
    };
    declarations.filter_map(|one| one.split_once(':')).map(|(name, value)| (name, colour(value))).collect()
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

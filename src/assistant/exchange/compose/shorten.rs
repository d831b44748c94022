//! Shortening a text that does not fit to its head and its tail: a pasted document says at its ends what it is and what is asked of it.

/// What stands for the part that is left out.
const GAP: &str = "\n[…]\n";

/// The text with as much of its head and its tail as costs at most `budget`; two thirds of it are head. `None` where not even a few words fit.
pub fn shortened(text: &str, budget: usize, cost: impl Fn(&str) -> usize) -> Option<String> {
    /// Fewer letters of a text say nothing of it.
    const LEAST: usize = 40;
    let length = text.chars().count();
    let cut = |kept: usize| {
        let head = kept - kept / 3;
        let head: String = text.chars().take(head).collect();
        let tail: String = text.chars().skip(length - kept / 3).collect();
        format!("{}{GAP}{}", head.trim_end(), tail.trim_start())
    };
    // A tokenizer's cost grows with the text, but not strictly: what was found is checked once more.
    let (mut fits, mut too_long) = (0, length);
    while too_long - fits > 1 + length / 200 {
        let middle = usize::midpoint(fits, too_long);
        if cost(&cut(middle)) <= budget {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    (fits >= LEAST).then(|| cut(fits)).filter(|text| cost(text) <= budget)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::shortened;

    #[test]
    fn head_and_tail_are_kept() {
        let text = (0..2_000).fold(String::new(), |text, number| text + format!("mot{number} ").as_str());
        let cost = |text: &str| text.split_whitespace().count();
        let short = shortened(&text, 300, cost).expect("it fits");
        assert!(short.starts_with("mot0 mot1 ") && short.trim_end().ends_with("mot1999") && short.contains("\n[…]\n"));
        assert!((250..=300).contains(&cost(&short)), "{}", cost(&short));
        assert_eq!(shortened(&text, 3, cost), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_fits(text in "[a-zé \n]{0,3000}", budget in 0_usize..500) {
            let cost = |text: &str| text.split_whitespace().count();
            if let Some(short) = shortened(&text, budget, cost) {
                prop_assert!(cost(&short) <= budget);
            }
        }
    }
}

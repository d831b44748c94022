//! What holds of any text: nothing panics, and no placeholder reaches a draft.

use proptest::prelude::*;

use super::{asked, checks, distress, draft, facts, masked::Masks, pairs, rows, state::Walk};
use crate::pseudonym::Kind;

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,300}", more in "[\\[\\]A-Z_0-9 .;,|\"\n=@-]{0,200}") {
        for one in [&text, &more] {
            let mut masks = Masks::default();
            let masked = masks.mask(one, std::slice::from_ref(&more));
            let said = masks.said(one);
            let cleaned = draft::cleaned(one, masks.originals());
            let _ = draft::cleaned(&masked, &[]);
            let _ = checks::checks(&cleaned, &[&more, &said], true);
            let _ = facts::not_given(one, [more.as_str()]);
            let _ = rows::read(one);
            if let Ok(rows) = rows::read(&format!("avis;note\n{one}")) {
                let _ = Walk::of(&rows).map(|walk| super::export::exported(&walk, false));
            }
            let _ = pairs::nearest(one, [more.as_str(), text.as_str()]);
            let _ = (asked::read(one, &more), asked::wish(one), asked::brings_review(one), distress::distress(one));
        }
    }

    #[test]
    fn no_placeholder_reaches_a_draft(text in "[a-zé ,.]{0,40}", number in 1_u32..2_000, kind in 0_usize..20) {
        let label = Kind::ALL[kind].label();
        let cleaned = draft::cleaned(&format!("{text} [{label}_{number}] {text}"), &[]);
        prop_assert!(!cleaned.text.contains(label) && cleaned.placeholders == 1, "{}", cleaned.text);
    }
}

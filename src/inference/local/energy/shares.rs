//! One step's energy, divided between the answers that it computed.

/// Divides a whole number by shares, so that the parts add up to it; nothing where all shares are 0.
pub fn divided(whole: u64, shares: &[usize]) -> Vec<u64> {
    let all: u128 = shares.iter().map(|share| *share as u128).sum();
    let (mut before, mut given) = (0_u128, 0_u64);
    let part = |share: &usize| {
        before += *share as u128;
        let until = (u128::from(whole) * before).checked_div(all).unwrap_or(0);
        let until = u64::try_from(until).unwrap_or(whole);
        let part = until - given;
        given = until;
        part
    };
    shares.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::divided;

    proptest! {
        #[test]
        fn parts_add_up_and_follow_their_shares(whole in any::<u64>(), shares in prop::collection::vec(0_usize..5_000, 1..40)) {
            let parts = divided(whole, &shares);
            let all: usize = shares.iter().sum();
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), if all == 0 { 0 } else { u128::from(whole) });
            for (part, share) in parts.iter().zip(&shares) {
                let exact = u128::from(whole) * *share as u128 / all.max(1) as u128;
                prop_assert!(u128::from(*part).abs_diff(exact) <= 1, "{} for {}", part, exact);
            }
        }
    }
}

//! "Did you mean": the known names nearest to a mistyped one.

use rheos_core::suggest::distance;

/// How many names are offered at most.
const OFFERED_MAX: usize = 3;

/// The names of `known` that are fewest edits away from `name`, if that is within a third of its length. A name
/// that contains `name` counts as one edit away.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_ascii_lowercase();
    let limit = (name.len() / 3).clamp(1, 4);
    let mut ranked: Vec<(usize, &str)> = known
        .filter_map(|candidate| {
            let edits = distance(&name, candidate);
            let part = name.len() >= 3 && candidate.contains(name.as_str());
            (edits <= limit || part).then_some((if part { 1 } else { edits }, candidate))
        })
        .collect();
    ranked.sort_by_key(|&(distance, candidate)| (distance, candidate.len()));
    if let Some(&(best, _)) = ranked.first() {
        ranked.retain(|&(distance, _)| distance == best);
    }
    ranked.truncate(OFFERED_MAX);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first_and_far_ones_not_at_all() {
        let known = ["iat_mean", "iat_median", "iat_min", "tcp_is_tcp"];
        assert_eq!(nearest("iat_maen", known.into_iter()), ["iat_mean"]);
        assert_eq!(nearest("median", known.into_iter()), ["iat_median"]);
        assert!(nearest("zzzzzz", known.into_iter()).is_empty());
    }
}

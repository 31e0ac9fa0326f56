//! "Did you mean": the known names nearest to a mistyped one.

/// How many names are offered at most.
const OFFERED_MAX: usize = 3;

/// The names of `known` that are fewest edits away from `name`, if that is within a third of its length. A name
/// that contains `name` counts as one edit away.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_ascii_lowercase();
    let limit = (name.len() / 3).clamp(1, 4);
    let mut ranked: Vec<(usize, &str)> = known
        .filter_map(|candidate| {
            let distance = edits(name.as_bytes(), candidate.as_bytes());
            let part = name.len() >= 3 && candidate.contains(name.as_str());
            (distance <= limit || part).then_some((if part { 1 } else { distance }, candidate))
        })
        .collect();
    ranked.sort_by_key(|&(distance, candidate)| (distance, candidate.len()));
    if let Some(&(best, _)) = ranked.first() {
        ranked.retain(|&(distance, _)| distance == best);
    }
    ranked.truncate(OFFERED_MAX);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment).
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = last.clone();
    for (i, &x) in a.iter().enumerate() {
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            row[j + 1] = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_swaps_once() {
        assert_eq!(edits(b"", b"abc"), 3);
        assert_eq!(edits(b"timing", b"timing"), 0);
        assert_eq!(edits(b"tmiing", b"timing"), 1);
        assert_eq!(edits(b"kitten", b"sitting"), 3);
    }

    #[test]
    fn near_names_come_first_and_far_ones_not_at_all() {
        let known = ["iat_mean", "iat_median", "iat_min", "tcp_is_tcp"];
        assert_eq!(nearest("iat_maen", known.into_iter()), ["iat_mean"]);
        assert_eq!(nearest("median", known.into_iter()), ["iat_median"]);
        assert!(nearest("zzzzzz", known.into_iter()).is_empty());
    }
}

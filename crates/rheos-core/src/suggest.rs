//! "Did you mean ...?": the nearest known word to one that is not known.

/// Longest word that is compared; anything longer is no typing mistake.
const WORD_MAX: usize = 32;

/// The candidate with the fewest edits from `word` (insert, delete, replace, swap of neighbours, each
/// one edit; upper and lower case are the same), if there are few enough for a typing mistake.
///
/// The first of equally near candidates wins, so their order is their rank.
///
/// ```
/// assert_eq!(rheos_core::suggest::nearest("prot", ["host", "port"]), Some("port"));
/// assert_eq!(rheos_core::suggest::nearest("prot", ["net"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 || length > WORD_MAX {
        return None;
    }
    let edits_max = (length / 3).clamp(1, 3);
    let mut best: Option<(&str, usize)> = None;
    for candidate in candidates {
        let edits = distance(word, candidate);
        if edits <= edits_max && best.is_none_or(|(_, fewest)| edits < fewest) {
            best = Some((candidate, edits));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`: the optimal string alignment
/// distance, blind to case, on at most 33 characters of each.
pub fn distance(a: &str, b: &str) -> usize {
    let lower = |s: &str| s.chars().take(WORD_MAX + 1).flat_map(char::to_lowercase).collect();
    let (a, b): (Vec<char>, Vec<char>) = (lower(a), lower(b));
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &cb) in b.iter().enumerate() {
            let mut edits =
                (above[j] + usize::from(ca != cb)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && ca == b[j - 1] && a[i - 1] == cb {
                edits = edits.min(before[j - 1] + 1);
            }
            row.push(edits);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("port", "port", 0),
            ("prot", "port", 1),
            ("Port", "port", 0),
            ("portt", "port", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn far_words_and_long_words_are_not_guessed() {
        assert_eq!(nearest("xyzzy", ["host", "port"]), None);
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest(&"a".repeat(40), ["a"]), None);
        assert_eq!(nearest("TCP", ["udp", "tcp"]), Some("tcp"));
    }
}

//! Domain names: labels, compression, and how they are written.

use std::fmt::Write;

/// Longest name on the wire, its lengths and the root included (RFC 1035 §2.3.4).
pub const NAME_MAX: usize = 255;

/// So many jumps one name may take; a name of the longest kind has 127 labels and needs no more.
pub const JUMPS_MAX: usize = 126;

/// The two upper bits of a length that is a pointer (RFC 1035 §4.1.4).
const POINTER: u8 = 0xc0;

/// A name within a message, checked: its labels follow one another to the root.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    message: &'a [u8],
    at: usize,
    labels: u8,
    /// Octets of all labels.
    octets: u8,
}

/// One step along a name.
enum Step<'a> {
    Label(&'a [u8], usize),
    Jump(usize, usize),
    Root(usize),
}

/// What stands at `at`, and where it ends.
fn step(message: &[u8], at: usize) -> Option<Step<'_>> {
    let (&length, rest) = message.get(at..)?.split_first()?;
    match length & POINTER {
        0 if length == 0 => Some(Step::Root(at + 1)),
        0 => {
            let label = rest.get(..usize::from(length))?;
            Some(Step::Label(label, at + 1 + label.len()))
        }
        POINTER => {
            let low = *rest.first()?;
            let target = usize::from(length & !POINTER) << 8 | usize::from(low);
            Some(Step::Jump(target, at + 2))
        }
        // 0x40 and 0x80 are reserved.
        _ => None,
    }
}

impl<'a> Name<'a> {
    /// Reads the name that begins at `at` of `message`, and where it ends there. `None` if it is cut, longer than
    /// [`NAME_MAX`], or points anywhere but to an earlier place.
    pub fn parse(message: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let (mut here, mut end) = (at, None);
        // A pointer leads to before the part of the name it stands in, so that no name runs in circles.
        let mut part = at;
        let (mut labels, mut octets, mut jumps) = (0, 0, 0);
        loop {
            match step(message, here)? {
                Step::Label(label, next) => {
                    labels += 1;
                    octets += label.len();
                    if octets + labels + 1 > NAME_MAX {
                        return None;
                    }
                    here = next;
                }
                Step::Jump(target, next) => {
                    jumps += 1;
                    if target >= part || jumps > JUMPS_MAX {
                        return None;
                    }
                    end.get_or_insert(next);
                    (here, part) = (target, target);
                }
                Step::Root(next) => {
                    let name = Self { message, at, labels: labels as u8, octets: octets as u8 };
                    return Some((name, end.unwrap_or(next)));
                }
            }
        }
    }

    /// Its labels, without the root.
    pub fn labels(&self) -> Labels<'a> {
        Labels { message: self.message, at: self.at, left: usize::from(self.labels) }
    }

    /// How many labels it has, the root not counted.
    pub fn label_count(&self) -> usize {
        usize::from(self.labels)
    }

    /// Octets of its labels with one point between each two: the length of the name as people write it.
    pub fn len(&self) -> usize {
        usize::from(self.octets) + usize::from(self.labels.saturating_sub(1))
    }

    /// Whether it is the root.
    pub fn is_empty(&self) -> bool {
        self.labels == 0
    }

    /// The name as master files write it (RFC 1035 §5.1, RFC 4343 §2.1), without the last point but for the root,
    /// which is `.`: points and backslashes within labels behind a backslash, all but printable ASCII as `\` and
    /// three decimal digits. Upper and lower case as sent.
    pub fn push_to(&self, out: &mut String) {
        if self.is_empty() {
            out.push('.');
        }
        for (place, label) in self.labels().enumerate() {
            if place > 0 {
                out.push('.');
            }
            push_label(out, label);
        }
    }
}

fn push_label(out: &mut String, label: &[u8]) {
    for &byte in label {
        match byte {
            b'.' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\{byte:03}");
            }
        }
    }
}

/// Labels of a name.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        // As many jumps as the check allowed.
        for _ in 0..=JUMPS_MAX {
            match step(self.message, self.at)? {
                Step::Label(label, next) => {
                    self.at = next;
                    return Some(label);
                }
                Step::Jump(target, _) => self.at = target,
                Step::Root(_) => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8], at: usize) -> Option<(String, usize)> {
        let (name, end) = Name::parse(message, at)?;
        let mut out = String::new();
        name.push_to(&mut out);
        Some((out, end))
    }

    #[test]
    fn plain_and_compressed_names() {
        // 0: www.example.com, 17: a pointer to example.com, 19: mail and that pointer, 26: the root
        let message = b"\x03www\x07example\x03com\0\xc0\x04\x04mail\xc0\x11\0";
        assert_eq!(read(message, 0), Some(("www.example.com".into(), 17)));
        assert_eq!(read(message, 17), Some(("example.com".into(), 19)));
        assert_eq!(read(message, 19), Some(("mail.example.com".into(), 26)));
        assert_eq!(read(message, 26), Some((".".into(), 27)));
        assert_eq!(read(message, 27), None);
        let (name, _) = Name::parse(message, 19).unwrap();
        assert_eq!((name.label_count(), name.len(), name.is_empty()), (3, 16, false));
        assert_eq!(name.labels().collect::<Vec<_>>(), [&b"mail"[..], b"example", b"com"]);
    }

    #[test]
    fn what_does_not_print_is_escaped() {
        let message = b"\x08a.b\\ \xc3\xa9\0\x01c\0";
        assert_eq!(read(message, 0), Some(("a\\.b\\\\\\032\\195\\169\\000.c".into(), 12)));
    }

    #[test]
    fn pointers_in_circles_forward_and_too_many_end() {
        assert_eq!(read(b"\xc0\x00", 0), None, "to itself");
        assert_eq!(read(b"\xc0\x02\xc0\x00", 0), None, "forward");
        assert_eq!(read(b"\x01a\xc0\x00", 2), None, "a label and back to it");
        assert_eq!(read(b"\x01a\xc0\x00", 0), None, "into its own part");
        assert_eq!(read(b"\x41a\0", 0), None, "reserved");
        assert_eq!(read(b"\x05ab", 0), None, "cut");
        // a chain of pointers, each to the one before
        let mut chain = vec![0];
        for at in 0..=JUMPS_MAX {
            let target = if at == 0 { 0 } else { 1 + 2 * (at - 1) };
            chain.extend([0xc0, target as u8]);
        }
        assert_eq!(read(&chain, 1 + 2 * (JUMPS_MAX - 1)).unwrap().0, ".");
        assert_eq!(read(&chain, 1 + 2 * JUMPS_MAX), None);
    }

    #[test]
    fn a_name_has_at_most_255_octets() {
        let labels = |lengths: &[usize]| {
            let mut message = Vec::new();
            for &length in lengths {
                message.push(length as u8);
                message.extend(vec![b'a'; length]);
            }
            message.push(0);
            message
        };
        let longest = labels(&[63, 63, 63, 61]);
        assert_eq!(longest.len(), 255);
        let (name, _) = Name::parse(&longest, 0).unwrap();
        assert_eq!((name.len(), name.label_count()), (253, 4));
        assert!(Name::parse(&labels(&[63, 63, 63, 62]), 0).is_none());
        let many = labels(&[1; 127]);
        assert_eq!(Name::parse(&many, 0).unwrap().0.labels().count(), 127);
        assert!(Name::parse(&labels(&[1; 128]), 0).is_none());
    }
}

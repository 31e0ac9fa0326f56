//! Distinguished names as text (RFC 4514).

use std::fmt::{self, Write};

use super::der::{Element, Elements, tag};

/// Longest text of a name in bytes; what follows is left out.
pub const NAME_TEXT_MAX: usize = 1024;

/// A distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(pub(super) &'a [u8]);

impl Name<'_> {
    /// Whether the name has no part.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The name as text: the last part first, values escaped, at most [`NAME_TEXT_MAX`] bytes.
    pub fn text(self) -> String {
        let mut out = Bounded::default();
        let _ = self.write(&mut out);
        out.text
    }

    /// The value of the last part of this type.
    fn last(self, oid: &[u8]) -> Option<String> {
        let sets = Elements::new(self.0).each().filter_map(|set| set.of(tag::SET));
        let attributes = sets.flat_map(|set| Elements::new(set).each()).filter_map(attribute);
        let (_, value) = attributes.filter(|(kind, _)| *kind == oid).last()?;
        let mut out = Bounded::default();
        let _ = string(value).map(|chars| chars.into_iter().try_for_each(|c| out.write_char(c)));
        Some(out.text)
    }

    /// The most specific common name.
    pub fn common_name(self) -> Option<String> {
        self.last(COMMON_NAME)
    }

    fn write(self, out: &mut Bounded) -> fmt::Result {
        // Parts stand in the order from the root; the text begins with the last.
        let parts: Vec<&[u8]> =
            Elements::new(self.0).each().filter_map(|set| set.of(tag::SET)).collect();
        for (place, part) in parts.iter().rev().enumerate() {
            if place > 0 {
                out.write_char(',')?;
            }
            for (place, (oid, value)) in
                Elements::new(part).each().filter_map(attribute).enumerate()
            {
                if place > 0 {
                    out.write_char('+')?;
                }
                write_attribute(out, oid, value)?;
            }
        }
        Ok(())
    }
}

fn attribute(element: Element<'_>) -> Option<(&[u8], Element<'_>)> {
    let mut parts = Elements::new(element.of(tag::SEQUENCE)?);
    Some((parts.expect(tag::OID)?, parts.take()?))
}

fn write_attribute(out: &mut Bounded, oid: &[u8], value: Element<'_>) -> fmt::Result {
    if let Some(name) = attribute_name(oid) {
        write!(out, "{name}=")?;
        if let Some(text) = string(value) {
            return write_escaped(out, &text);
        }
    } else {
        write_oid(out, oid)?;
        out.write_char('=')?;
    }
    // RFC 4514 §2.4: of other types, the value's DER in hexadecimal.
    write!(out, "#{:02x}", value.tag)?;
    match value.content.len() {
        len @ 0..=0x7f => write!(out, "{len:02x}")?,
        len @ 0x80..=0xff => write!(out, "81{len:02x}")?,
        len => write!(out, "82{len:04x}")?,
    }
    value.content.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// Short names of RFC 4514 §3, and those that everyone uses for others.
fn attribute_name(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        COMMON_NAME => "CN",
        [0x55, 4, 4] => "SN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "street",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x55, 4, 12] => "title",
        [0x55, 4, 13] => "description",
        [0x55, 4, 15] => "businessCategory",
        [0x55, 4, 17] => "postalCode",
        [0x55, 4, 42] => "GN",
        [0x55, 4, 97] => "organizationIdentifier",
        // 1.2.840.113549.1.9.1, 0.9.2342.19200300.100.1.25 and .1
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        // 1.3.6.1.4.1.311.60.2.1.1 to 3
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 1] => "jurisdictionL",
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 2] => "jurisdictionST",
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 3] => "jurisdictionC",
        _ => return None,
    })
}

/// Dotted numbers; a part beyond 64 bits ends the text.
fn write_oid(out: &mut Bounded, oid: &[u8]) -> fmt::Result {
    let mut number = 0_u64;
    let mut first = true;
    for byte in oid {
        let Some(shifted) = number.checked_mul(128) else {
            return Ok(());
        };
        number = shifted | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if first {
            let root = (number / 40).min(2);
            write!(out, "{root}.{}", number - 40 * root)?;
        } else {
            write!(out, ".{number}")?;
        }
        first = false;
        number = 0;
    }
    Ok(())
}

/// The characters of a string type; `None` for other types. What cannot be read is U+FFFD.
fn string(value: Element<'_>) -> Option<Vec<char>> {
    const UTF8: u8 = 0x0c;
    const NUMERIC: u8 = 0x12;
    const PRINTABLE: u8 = 0x13;
    const TELETEX: u8 = 0x14;
    const IA5: u8 = 0x16;
    const VISIBLE: u8 = 0x1a;
    const UNIVERSAL: u8 = 0x1c;
    const BMP: u8 = 0x1e;
    let bytes = value.content.get(..NAME_TEXT_MAX * 4).unwrap_or(value.content);
    Some(match value.tag {
        UTF8 | NUMERIC | PRINTABLE | IA5 | VISIBLE => {
            String::from_utf8_lossy(bytes).chars().collect()
        }
        // Nobody sends what T.61 says; all send Latin-1.
        TELETEX => bytes.iter().copied().map(char::from).collect(),
        BMP => {
            let (pairs, _) = bytes.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let replaced = |char: Result<char, _>| char.unwrap_or(char::REPLACEMENT_CHARACTER);
            char::decode_utf16(units).map(replaced).collect()
        }
        UNIVERSAL => {
            let (fours, _) = bytes.as_chunks::<4>();
            let char = |four: &[u8; 4]| char::from_u32(u32::from_be_bytes(*four));
            fours.iter().map(|four| char(four).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => return None,
    })
}

/// RFC 4514 §2.4.
fn write_escaped(out: &mut Bounded, text: &[char]) -> fmt::Result {
    for (place, char) in text.iter().enumerate() {
        let ends = place == 0 || place + 1 == text.len();
        match char {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.write_char('\\')?,
            '#' if place == 0 => out.write_char('\\')?,
            ' ' if ends => out.write_char('\\')?,
            _ => {}
        }
        if char.is_control() {
            let mut bytes = [0; 4];
            for byte in char.encode_utf8(&mut bytes).bytes() {
                write!(out, "\\{byte:02x}")?;
            }
        } else {
            out.write_char(*char)?;
        }
    }
    Ok(())
}

/// Text up to [`NAME_TEXT_MAX`]; writing more fails.
#[derive(Debug, Default)]
struct Bounded {
    text: String,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| self.write_char(char))
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        if self.text.len() + char.len_utf8() > NAME_TEXT_MAX {
            return Err(fmt::Error);
        }
        self.text.push(char);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        assert!(content.len() < 128, "short lengths only");
        [&[tag, content.len() as u8][..], content].concat()
    }

    fn part(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let attributes: Vec<u8> = attributes
            .iter()
            .flat_map(|(oid, kind, value)| {
                let both = [element(tag::OID, oid), element(*kind, value)].concat();
                element(tag::SEQUENCE, &both)
            })
            .collect();
        element(tag::SET, &attributes)
    }

    #[test]
    fn the_last_part_comes_first() {
        let name = [
            part(&[(&[0x55, 4, 6], 0x13, b"US")]),
            part(&[(&[0x55, 4, 10], 0x0c, "Caf\u{e9}, Inc.".as_bytes())]),
            part(&[(&[0x55, 4, 3], 0x0c, b" #x "), (&[0x55, 4, 11], 0x14, &[0xe9])]),
        ]
        .concat();
        assert_eq!(Name(&name).text(), "CN=\\ #x\\ +OU=\u{e9},O=Caf\u{e9}\\, Inc.,C=US");
        assert_eq!(Name(&name).common_name().as_deref(), Some(" #x "));
        assert_eq!(Name(&[]).text(), "");
        assert_eq!(Name(&[]).common_name(), None);
    }

    #[test]
    fn other_types_and_strings() {
        // 1.2.3.4 and 2.999.1
        let name = part(&[(&[0x2a, 3, 4], 0x0c, b"a"), (&[0x88, 0x37, 1], 0x0c, b"b")]);
        assert_eq!(Name(&name).text(), "1.2.3.4=#0c0161+2.999.1=#0c0162");
        let name = part(&[(&[0x55, 4, 3], 0x1e, &[0, b'a', 0x20, 0xac, 0xd8, 0])]);
        assert_eq!(Name(&name).text(), "CN=a\u{20ac}\u{fffd}");
        let name = part(&[(&[0x55, 4, 3], 0x02, &[5])]);
        assert_eq!(Name(&name).text(), "CN=#020105");
        let name = part(&[(&[0x55, 4, 3], 0x0c, b"a\n\0")]);
        assert_eq!(Name(&name).text(), "CN=a\\0a\\00");
    }

    #[test]
    fn text_is_bounded() {
        let name: Vec<u8> =
            (0..40).flat_map(|_| part(&[(&[0x55, 4, 3], 0x0c, &[b'x'; 100])])).collect();
        assert_eq!(Name(&name).text().len(), NAME_TEXT_MAX);
    }
}

//! Headers of BER values (X.690), as LDAP, Kerberos and SNMP use them: tags of one byte, definite lengths.

/// A value with its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ber<'a> {
    /// Class, whether it is built of others, and number.
    pub tag: u8,
    /// Its length as told.
    pub len: usize,
    /// Its bytes, as far as they are there.
    pub value: &'a [u8],
    /// Bytes of tag and length.
    pub header_len: usize,
}

/// What can be told of the value at the beginning of `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// A value, whole or not.
    Is(Ber<'a>),
    /// Too few bytes for tag and length.
    Short,
    /// A tag of several bytes or an indefinite length.
    Not,
}

/// Reads tag and length.
pub fn header(bytes: &[u8]) -> Header<'_> {
    let Some((&tag, rest)) = bytes.split_first() else { return Header::Short };
    if tag & 0x1f == 0x1f {
        return Header::Not;
    }
    let Some((&first, rest)) = rest.split_first() else { return Header::Short };
    let count = usize::from(first & 0x7f);
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let Some((octets, rest)) = rest.split_at_checked(count) else { return Header::Short };
            (octets.iter().fold(0, |len, &octet| len << 8 | usize::from(octet)), rest)
        }
        _ => return Header::Not,
    };
    let header_len = if first < 0x80 { 2 } else { 2 + count };
    let value = rest.get(..len).unwrap_or(rest);
    Header::Is(Ber { tag, len, value, header_len })
}

impl<'a> Ber<'a> {
    /// The value at the beginning of `bytes`, if its tag and length are there and it has the wanted tag.
    pub fn tagged(bytes: &'a [u8], tag: u8) -> Option<Self> {
        match header(bytes) {
            Header::Is(ber) if ber.tag == tag => Some(ber),
            _ => None,
        }
    }

    /// Bytes of the whole value.
    pub const fn total_len(&self) -> usize {
        self.header_len.saturating_add(self.len)
    }

    /// A small number: the value of an integer of one to four bytes.
    pub fn number(&self) -> Option<u32> {
        let whole = self.value.len() == self.len && (1..=4).contains(&self.len);
        whole.then(|| self.value.iter().fold(0, |number, &octet| number << 8 | u32::from(octet)))
    }
}

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub const OCTETS: u8 = 0x04;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lengths() {
        let Header::Is(ber) = header(&[0x30, 3, 1, 2, 3, 9]) else { panic!("a value") };
        assert_eq!((ber.tag, ber.len, ber.value, ber.total_len()), (0x30, 3, &[1, 2, 3][..], 5));
        let Header::Is(ber) = header(&[0x30, 0x82, 1, 0, 7]) else { panic!("a value") };
        assert_eq!((ber.len, ber.value, ber.total_len()), (256, &[7][..], 260));
        assert_eq!(header(&[0x30, 0x82, 1]), Header::Short);
        assert_eq!(header(&[0x30, 0x80]), Header::Not, "indefinite");
        assert_eq!(header(&[0x1f, 1]), Header::Not, "a long tag");
        assert_eq!(header(&[]), Header::Short);
        assert_eq!(Ber::tagged(&[2, 2, 1, 5], INTEGER).and_then(|ber| ber.number()), Some(261));
        assert_eq!(Ber::tagged(&[2, 2, 1], INTEGER).and_then(|ber| ber.number()), None);
    }
}

//! DER (X.690): elements of a type, a length and content. Only what certificates use: short types and definite lengths.

/// Types of elements.
pub(super) mod tag {
    pub(in super::super) const BOOLEAN: u8 = 0x01;
    pub(in super::super) const INTEGER: u8 = 0x02;
    pub(in super::super) const BIT_STRING: u8 = 0x03;
    pub(in super::super) const OCTET_STRING: u8 = 0x04;
    pub(in super::super) const OID: u8 = 0x06;
    pub(in super::super) const UTC_TIME: u8 = 0x17;
    pub(in super::super) const GENERALIZED_TIME: u8 = 0x18;
    pub(in super::super) const SEQUENCE: u8 = 0x30;
    pub(in super::super) const SET: u8 = 0x31;
    /// A constructed element with a type of its context.
    pub(in super::super) const fn context(number: u8) -> u8 {
        0xa0 | number
    }
}

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

impl<'a> Element<'a> {
    /// Its content, if it is of this type.
    pub(super) fn of(self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// Elements one after the other. Ends at the first that does not fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next element.
    pub(super) fn take(&mut self) -> Option<Element<'a>> {
        const LONG_TAG: u8 = 0x1f;
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        if tag & LONG_TAG == LONG_TAG {
            return None;
        }
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = bytes.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte));
                (len, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(Element { tag, content })
    }

    /// The content of the next element, if it is of this type.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.take()?.of(tag)
    }

    /// The content of the next element, if it is of this type; else it stays where it is.
    pub(super) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let content = ahead.expect(tag)?;
        *self = ahead;
        Some(content)
    }

    /// The elements that follow.
    pub(super) fn each(mut self) -> impl Iterator<Item = Element<'a>> {
        std::iter::from_fn(move || self.take())
    }
}

/// Seconds since the Unix epoch of a UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 wants them.
pub(super) fn time(element: Element<'_>) -> Option<i64> {
    let text = element.content;
    let (year, rest) = match element.tag {
        tag::UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year = digits(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        tag::GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (digits(year)?, rest)
        }
        _ => return None,
    };
    let rest = rest.strip_suffix(b"Z")?;
    let part = |place: usize| rest.get(2 * place..2 * place + 2).and_then(digits);
    let (month, day, hour, minute) = (part(0)?, part(1)?, part(2)?, part(3)?);
    // Seconds are left out by some, against the standard.
    let second = if rest.len() == 8 { 0 } else { part(4)? };
    let sound = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let days = days_since_epoch(year, month, day);
    sound.then(|| ((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn digits(text: &[u8]) -> Option<i64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    text.iter().try_fold(0, |number, byte| Some(10 * number + digit(byte)?))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, with years that begin in March so that the leap day is
/// the last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days_to_march_1970 = 719_468;
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - days_to_march_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128], &[0x05, 0x00]].concat();
        let mut elements = Elements::new(&long);
        assert_eq!(elements.optional(tag::INTEGER), None);
        assert_eq!(elements.expect(tag::OCTET_STRING), Some(&[7; 128][..]));
        assert_eq!(elements.take(), Some(Element { tag: 5, content: &[] }));
        assert_eq!(elements.take(), None);
        for odd in
            [&[0x1f_u8, 0x81, 0][..], &[4, 0x80, 0, 0], &[4, 0x85, 0, 0, 0, 0, 0], &[4, 2, 0], &[4]]
        {
            assert_eq!(Elements::new(odd).take(), None, "{odd:?}");
        }
    }

    #[test]
    fn times() {
        let utc = |text: &[u8]| time(Element { tag: tag::UTC_TIME, content: text });
        let general = |text: &[u8]| time(Element { tag: tag::GENERALIZED_TIME, content: text });
        // Seconds by `date -u -d ... +%s`.
        assert_eq!(utc(b"700101000000Z"), Some(0));
        assert_eq!(utc(b"240229123456Z"), Some(1_709_210_096));
        assert_eq!(utc(b"500101000000Z"), Some(-631_152_000));
        assert_eq!(utc(b"490101000000Z"), Some(2_493_072_000));
        assert_eq!(utc(b"2402291234Z"), Some(1_709_210_040));
        assert_eq!(general(b"99991231235959Z"), Some(253_402_300_799));
        assert_eq!(general(b"20000301000000Z"), Some(951_868_800));
        for odd in [&b"240229123456"[..], b"241329123456Z", b"2x0229123456Z", b"", b"240200123456Z"]
        {
            assert_eq!(utc(odd), None, "{odd:?}");
        }
    }
}

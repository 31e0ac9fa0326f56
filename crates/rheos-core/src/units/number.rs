//! Decimal numbers that are scaled by a unit without rounding.

/// A unit's spellings, and how many of the smallest unit it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) names: &'static [&'static str],
    pub(super) scale: u64,
}

impl Unit {
    pub(super) const fn new(names: &'static [&'static str], scale: u64) -> Self {
        Self { names, scale }
    }
}

/// Why a number times a unit is no `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inexact {
    Fraction,
    Overflow,
}

/// A non-negative decimal number, exact: `digits / 10^decimals`.
///
/// Numbers beyond what any unit could bring into 64 bits are kept as overflowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: Option<u128>,
    decimals: u32,
}

impl Decimal {
    /// The number at the start of `text` and the rest: digits, `_` between digits, one point.
    pub(super) fn take(text: &str) -> Option<(Self, &str)> {
        let mut digits = Some(0_u128);
        let mut decimals = None;
        let mut last_was_digit = false;
        let mut end = 0;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => {
                    let shifted = digits.and_then(|d| d.checked_mul(10));
                    digits = shifted.and_then(|d| d.checked_add(u128::from(byte - b'0')));
                    decimals = decimals.map(|d: u32| d + 1);
                }
                b'_' if last_was_digit => {}
                b'.' if last_was_digit && decimals.is_none() => decimals = Some(0),
                _ => break,
            }
            last_was_digit = byte.is_ascii_digit();
            end += 1;
        }
        // `5.` and `5_` are mistakes, not numbers.
        last_was_digit.then(|| (Self { digits, decimals: decimals.unwrap_or(0) }, &text[end..]))
    }

    /// This many times `scale`, if that is a whole number of 64 bits.
    pub(super) fn times(&self, scale: u64) -> Result<u64, Inexact> {
        let digits = self.digits.ok_or(Inexact::Overflow)?;
        if digits == 0 {
            return Ok(0);
        }
        let product = digits.checked_mul(u128::from(scale)).ok_or(Inexact::Overflow)?;
        // More decimals than a u128 has digits leave nothing whole of a non-zero product.
        let divisor = 10_u128.checked_pow(self.decimals).ok_or(Inexact::Fraction)?;
        if !product.is_multiple_of(divisor) {
            return Err(Inexact::Fraction);
        }
        u64::try_from(product / divisor).map_err(|_| Inexact::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(text: &str, scale: u64) -> Option<Result<u64, Inexact>> {
        Decimal::take(text).map(|(number, _)| number.times(scale))
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(scaled("1.5", 1000), Some(Ok(1500)));
        assert_eq!(scaled("1.0005", 1000), Some(Err(Inexact::Fraction)));
        assert_eq!(scaled("1_000", 1), Some(Ok(1000)));
        assert_eq!(scaled("18446744073709551615", 1), Some(Ok(u64::MAX)));
        assert_eq!(scaled("18446744073709551616", 1), Some(Err(Inexact::Overflow)));
        assert_eq!(scaled(&"9".repeat(100), 1), Some(Err(Inexact::Overflow)));
        assert_eq!(scaled(&format!("0.{}", "0".repeat(100)), 1), Some(Ok(0)));
        for no_number in ["", ".5", "_1", "-1", "x", "5.", "1_"] {
            assert_eq!(scaled(no_number, 1), None, "{no_number}");
        }
        assert_eq!(Decimal::take("1.5s").map(|n| n.1), Some("s"));
    }
}

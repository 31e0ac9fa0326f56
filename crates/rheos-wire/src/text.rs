//! Bytes of the wire as text that no terminal, table or file stumbles over.

/// Appends `bytes` to `out`: printable ASCII as it is but for the backslash, which is doubled; every other byte
/// as `\x` and two hexadecimal digits. Different bytes give different texts.
pub fn push_printable(out: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                out.push_str("\\x");
                push_hex(out, &[byte]);
            }
        }
    }
}

/// Appends `bytes` to `out` as lower-case hexadecimal digits.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(*byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_print_is_told_by_number() {
        let mut out = String::new();
        push_printable(&mut out, b"a b~\\\x00\n\x7f\xc3\xa9");
        assert_eq!(out, "a b~\\\\\\x00\\x0a\\x7f\\xc3\\xa9");
        out.clear();
        push_hex(&mut out, &[0, 0x9a, 0xff]);
        assert_eq!(out, "009aff");
    }
}

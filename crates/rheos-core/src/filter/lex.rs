//! Filter text into words and signs.

use std::ops::Range;

use super::Comparison;
use super::error::{FilterError, FilterErrorKind};

/// What a piece of filter text is; words are told apart by the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `and`, `&&`
    And,
    /// `or`, `||`
    Or,
    /// `not`, `!`
    Not,
    /// `/` between an address and a prefix length
    Slash,
    /// `[`: of packets the start of byte access, which the parser rejects with its own words; of flows a list
    ListOpen,
    /// `]`: the end of a list, of flows only
    ListClose,
    /// A comparison
    Compare(Comparison),
    /// A keyword, name, number, address or range
    Word,
}

/// A token and where it stands, in bytes of the text.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

/// Cuts `text` into tokens; stops after the first `[`, since nothing after it is understood.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, FilterError> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (token, len) = if is_word_byte(byte) {
            word(bytes, at)
        } else {
            let known = sign(&bytes[at..]).filter(|&(token, _)| token != Token::ListClose);
            known.ok_or_else(|| unknown_packet_sign(text, at))?
        };
        found.push(Spanned { token, span: at..at + len });
        if token == Token::ListOpen {
            break;
        }
        at += len;
    }
    Ok(found)
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_' | b'\\')
}

fn word(bytes: &[u8], start: usize) -> (Token, usize) {
    let len = bytes[start..].iter().take_while(|&&b| is_word_byte(b)).count();
    let token = match &bytes[start..start + len] {
        b"and" => Token::And,
        b"or" => Token::Or,
        b"not" => Token::Not,
        _ => Token::Word,
    };
    (token, len)
}

/// The sign that `rest` begins with, and its length.
pub(super) fn sign(rest: &[u8]) -> Option<(Token, usize)> {
    Some(match rest {
        [b'(', ..] => (Token::Open, 1),
        [b')', ..] => (Token::Close, 1),
        [b'[', ..] => (Token::ListOpen, 1),
        [b']', ..] => (Token::ListClose, 1),
        [b'/', ..] => (Token::Slash, 1),
        [b'&', b'&', ..] => (Token::And, 2),
        [b'|', b'|', ..] => (Token::Or, 2),
        [b'!', b'=', ..] => (Token::Compare(Comparison::NotEqual), 2),
        [b'!', ..] => (Token::Not, 1),
        [b'<', b'=', ..] => (Token::Compare(Comparison::LessOrEqual), 2),
        [b'<', ..] => (Token::Compare(Comparison::Less), 1),
        [b'>', b'=', ..] => (Token::Compare(Comparison::GreaterOrEqual), 2),
        [b'>', ..] => (Token::Compare(Comparison::Greater), 1),
        [b'=', b'=', ..] => (Token::Compare(Comparison::Equal), 2),
        [b'=', ..] => (Token::Compare(Comparison::Equal), 1),
        _ => return None,
    })
}

#[cold]
pub(super) fn unknown_sign(text: &str, at: usize) -> FilterError {
    let sign = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
    let kind = FilterErrorKind::UnknownSign { sign };
    let error = FilterError::new(kind, at..at + sign.len_utf8());
    match sign {
        '&' => error.hint("write `and` or `&&`"),
        '|' => error.hint("write `or` or `||`"),
        '\'' | '"' => error.hint("the shell takes quotes away; within a filter there are none"),
        _ => error,
    }
}

#[cold]
fn unknown_packet_sign(text: &str, at: usize) -> FilterError {
    let error = unknown_sign(text, at);
    match text.as_bytes().get(at) {
        Some(b'+' | b'*' | b'%' | b'^') => {
            error.hint("lengths are compared with one number: `len <= 64`")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::Token::{And, Close, Compare, Not, Open, Or, Slash, Word};
    use super::*;

    #[test]
    fn words_and_signs() {
        let found: Vec<_> = tokens("!(net 10/8&&len<=0x40)||a-b").unwrap();
        let kinds: Vec<_> = found.iter().map(|t| t.token).collect();
        let at_most = Compare(Comparison::LessOrEqual);
        assert_eq!(
            kinds,
            [Not, Open, Word, Word, Slash, Word, And, Word, at_most, Word, Close, Or, Word]
        );
        assert_eq!(found[12].span, 24..27);
    }

    #[test]
    fn a_strange_sign_has_its_whole_character_as_span() {
        let error = tokens("tcp \u{20ac}").unwrap_err();
        assert_eq!(error.span, 4..7);
        assert!(tokens("tcp & udp").unwrap_err().to_string().contains("`&&`"));
    }
}

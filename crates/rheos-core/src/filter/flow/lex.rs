//! Flow filter text into words and signs.

use std::ops::Range;

use crate::filter::Comparison;
use crate::filter::error::{FilterError, FilterErrorKind};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    ListOpen,
    ListClose,
    Compare(Comparison),
    /// A keyword, name, number, address, network or range.
    Word,
}

/// A token and where it stands, in bytes of the text.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

/// Cuts `text` into tokens. Commas separate like blanks, as in nfdump's lists; `#` comments to the line's end.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, FilterError> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_whitespace() || byte == b',' {
            at += 1;
            continue;
        }
        if byte == b'#' {
            let rest = bytes.get(at..).unwrap_or_default();
            at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let (token, len) = if is_word_byte(byte) {
            word(rest)
        } else {
            sign(rest).ok_or_else(|| unknown_sign(text, at))?
        };
        found.push(Spanned { token, span: at..at + len });
        at += len;
    }
    Ok(found)
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_' | b'/' | b'+' | b'\\')
}

fn word(rest: &[u8]) -> (Token, usize) {
    let len = rest.iter().take_while(|&&b| is_word_byte(b)).count();
    let word = rest.get(..len).unwrap_or_default().to_ascii_lowercase();
    let token = match word.as_slice() {
        b"and" => Token::And,
        b"or" => Token::Or,
        b"not" => Token::Not,
        b"eq" => Token::Compare(Comparison::Equal),
        b"ne" => Token::Compare(Comparison::NotEqual),
        b"lt" => Token::Compare(Comparison::Less),
        b"le" => Token::Compare(Comparison::LessOrEqual),
        b"gt" => Token::Compare(Comparison::Greater),
        b"ge" => Token::Compare(Comparison::GreaterOrEqual),
        _ => Token::Word,
    };
    (token, len)
}

fn sign(rest: &[u8]) -> Option<(Token, usize)> {
    Some(match rest {
        [b'(', ..] => (Token::Open, 1),
        [b')', ..] => (Token::Close, 1),
        [b'[', ..] => (Token::ListOpen, 1),
        [b']', ..] => (Token::ListClose, 1),
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
fn unknown_sign(text: &str, at: usize) -> FilterError {
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

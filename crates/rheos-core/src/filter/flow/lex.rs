//! Flow filter text into words and signs.

use crate::filter::Comparison;
use crate::filter::error::FilterError;
pub(super) use crate::filter::lex::{Spanned, Token};
use crate::filter::lex::{sign, unknown_sign};

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

//! Databases: PostgreSQL, MySQL, Redis, memcached and MongoDB, by their published wire protocols.

use super::{Look, Said, Word, first_line, is_text};
use crate::walk::be32;

/// PostgreSQL: a start-up message of version 3, or a request for encryption that the server answers with one letter.
pub fn postgres(said: &Said<'_>) -> Look {
    let Some(head) = said.client.first_chunk::<8>() else {
        return Look::More.when(said.client.iter().take(2).all(|&byte| byte == 0));
    };
    let len = be32(head, 0) as usize;
    match (len, be32(head, 4)) {
        (8, 80_877_103 | 80_877_104) => match said.server {
            [b'S' | b'N' | b'G', ..] => Look::sure("postgres.encryption_request"),
            [] => Look::More,
            _ => Look::No,
        },
        (16, 80_877_102) => Look::sure("postgres.cancel"),
        (9..=10_000, 0x3_0000..=0x3_0002) => {
            let names = said.client.get(8..).unwrap_or_default();
            let text = names.iter().take(len - 8).all(|&byte| byte == 0 || byte >= b' ');
            Look::sure("postgres.startup").when(text)
        }
        _ => Look::No,
    }
}

/// MySQL: the server greets with protocol 10, its version as text, and twenty bytes to sign.
pub fn mysql(said: &Said<'_>) -> Look {
    let Some((&[len, middle, high, number, protocol], rest)) = said.server.split_first_chunk::<5>()
    else {
        let open = said.server.is_empty() && said.client.is_empty()
            || said.server.get(3).is_none_or(|&byte| byte == 0) && !said.server.is_empty();
        return Look::More.when(open);
    };
    if middle != 0 || high != 0 || number != 0 {
        return Look::No;
    }
    // An error instead of a greeting: too many connections, a host that is blocked.
    if protocol == 0xff {
        let code = rest.first_chunk::<2>().map(|code| u16::from_le_bytes(*code));
        let text = rest.get(2..).is_some_and(|text| text.len() > 8 && is_text(text));
        return Look::likely("mysql.error").when(text && matches!(code, Some(1040 | 1129 | 1130)));
    }
    if protocol != 10 || len < 30 {
        return Look::No;
    }
    match rest.iter().position(|&byte| byte == 0) {
        Some(end @ 3..=60) => {
            let version = &rest[..end];
            let digits = version.first().is_some_and(u8::is_ascii_digit) && version.contains(&b'.');
            Look::sure("mysql.greeting").when(digits && is_text(version))
        }
        None if rest.len() < 60 && is_text(rest) => Look::More,
        _ => Look::No,
    }
}

/// Redis: an array of bulk strings, and a reply of its kind.
pub fn redis(said: &Said<'_>) -> Look {
    let bytes = said.client;
    let [b'*', rest @ ..] = bytes else {
        return if bytes.is_empty() && said.server.is_empty() { Look::More } else { Look::No };
    };
    let digits = rest.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let Some(after) = rest.get(digits..).filter(|_| digits < 7) else { return Look::No };
    match after {
        [b'\r', b'\n', b'$', b'0'..=b'9', ..] if digits > 0 => match said.server {
            [b'+' | b'-' | b':' | b'$' | b'*' | b'%', ..] => Look::sure("redis.command"),
            [] => Look::likely("redis.command"),
            _ => Look::No,
        },
        [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'$'] => Look::More,
        _ => Look::No,
    }
}

/// memcached: a command of text and a reply of text, or the headers of its binary protocol.
pub fn memcached(said: &Said<'_>) -> Look {
    if let [0x80, ..] = said.client {
        let (Some(asked), Some(answered)) =
            (said.client.first_chunk::<24>(), said.server.first_chunk::<24>())
        else {
            let open = matches!(said.server, [] | [0x81, ..]);
            return Look::More.when(open && said.client.len() <= 512);
        };
        // The same operation, no data type, the same opaque number.
        let same = asked[1] == answered[1] && asked[12..16] == answered[12..16];
        return Look::sure("memcached.binary")
            .when(answered[0] == 0x81 && same && asked[5] == 0 && answered[5] == 0);
    }
    let words = [
        "get", "gets", "set", "add", "replace", "append", "prepend", "cas", "delete", "incr",
        "decr", "stats", "version", "touch", "mg", "ms",
    ];
    match Word::of(said.client, &words) {
        Word::Not if !said.client.is_empty() => return Look::No,
        Word::Not | Word::May => return Look::More.when(said.server.is_empty()),
        Word::Is => {}
    }
    let Some(line) = first_line(said.server) else {
        return Look::More
            .when(is_text(said.server) && said.server.len() < 300 && is_text(said.client));
    };
    let replies: [&[u8]; 12] = [
        b"VALUE ",
        b"END",
        b"STORED",
        b"NOT_STORED",
        b"EXISTS",
        b"NOT_FOUND",
        b"DELETED",
        b"STAT ",
        b"VERSION ",
        b"TOUCHED",
        b"HD",
        b"EN",
    ];
    // Commands are in lower case, unlike those of others.
    let lower =
        said.client.iter().take(3).all(u8::is_ascii_lowercase) || said.client.starts_with(b"m");
    Look::sure("memcached.text").when(lower && replies.iter().any(|reply| line.starts_with(reply)))
}

/// MongoDB: a message header with a length that is sound and a known operation.
pub fn mongodb(said: &Said<'_>) -> Look {
    let Some(head) = said.client.first_chunk::<20>() else {
        let may = said.client.get(8..12).is_none_or(|to| to == [0; 4]);
        let high = said.client.get(3).is_none_or(|&high| high == 0);
        return Look::More.when(may && high && said.client.get(2).is_none_or(|&byte| byte < 16));
    };
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let len = number(0);
    let sound = (20..=48_000_000).contains(&len) && number(8) == 0;
    // Query, update, insert, get more, delete, kill cursors, compressed, message.
    let known = matches!(number(12), 2001 | 2002 | 2004..=2007 | 2012 | 2013);
    Look::sure("mongodb.header").when(sound && known)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said};
    use super::*;

    #[test]
    fn relational() {
        let mut start = hex("00000017 00030000");
        start.extend(b"user\0postgres\0\0");
        assert_eq!(rule(postgres(&said(&start, b""))), "postgres.startup");
        let secure = hex("00000008 04d2162f");
        assert_eq!(rule(postgres(&said(&secure, b""))), "more");
        assert_eq!(rule(postgres(&said(&secure, b"S"))), "postgres.encryption_request");
        assert_eq!(rule(postgres(&said(&secure, b"X"))), "no");
        let mut greeting = hex("4a000000 0a");
        greeting.extend(b"8.0.32\0");
        assert_eq!(rule(mysql(&said(b"", &greeting))), "mysql.greeting");
        assert_eq!(rule(mysql(&said(b"", &greeting[..8]))), "more");
        assert_eq!(rule(mysql(&said(b"", b"220 ftp"))), "no");
    }

    #[test]
    fn stores() {
        let ping = b"*1\r\n$4\r\nPING\r\n";
        assert_eq!(rule(redis(&said(ping, b"+PONG\r\n"))), "redis.command");
        assert_eq!(rule(redis(&said(&ping[..3], b""))), "more");
        assert_eq!(rule(redis(&said(ping, b"HTTP"))), "no");
        assert_eq!(rule(memcached(&said(b"get key\r\n", b"END\r\n"))), "memcached.text");
        assert_eq!(rule(memcached(&said(b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200\r\n"))), "no");
        let ask = hex("800a0000 00000000 00000000 00000007 0000000000000000");
        let answer = hex("810a0000 00000000 00000000 00000007 0000000000000000");
        assert_eq!(rule(memcached(&said(&ask, &answer))), "memcached.binary");
        let hello = hex("30000000 01000000 00000000 dd070000 00000000");
        assert_eq!(rule(mongodb(&said(&hello, b""))), "mongodb.header");
        assert_eq!(rule(mongodb(&said(&hello[..12], b""))), "more");
    }
}

//! BitTorrent: the handshake of peers (BEP 3, BEP 20) and messages of the distributed hash table (BEP 5), which are
//! bencoded dictionaries.

/// How a handshake begins.
const BEGIN: &[u8] = b"\x13BitTorrent protocol";
/// Bytes of a handshake.
pub const HANDSHAKE_LEN: usize = 68;
/// Entries of a dictionary that are looked at, at most; no message has more.
const ENTRIES_MAX: usize = 32;
/// Digits of a text's length, at most: datagrams are shorter than 10^5 bytes.
const DIGITS_MAX: usize = 5;

/// Hash of what is shared: SHA-1, or SHA-256 cut to its length.
pub type InfoHash = [u8; 20];

/// What peers say first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// What they share.
    pub info_hash: InfoHash,
    /// Who says it; see [`client`].
    pub peer_id: [u8; 20],
}

impl Handshake {
    /// Reads the beginning of one side's stream.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // Eight bytes tell of extensions.
        let (_, rest) = bytes.strip_prefix(BEGIN)?.split_first_chunk::<8>()?;
        let (&info_hash, rest) = rest.split_first_chunk()?;
        let &peer_id = rest.first_chunk()?;
        Some(Self { info_hash, peer_id })
    }
}

/// Letters and version of the client in a peer's name of the usual form (BEP 20): `-`, six letters and digits, `-`.
pub fn client(peer_id: &[u8; 20]) -> Option<&[u8]> {
    let [b'-', name @ .., b'-'] = peer_id.first_chunk::<8>()? else { return None };
    name.iter().all(u8::is_ascii_alphanumeric).then_some(name)
}

/// A message of the distributed hash table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableMessage {
    /// Of a query: its place in [`QUERIES`], their number for others.
    pub query: Option<u8>,
    /// What is looked for or announced.
    pub info_hash: Option<InfoHash>,
}

/// What queries are called (BEP 5, BEP 44, BEP 51).
pub const QUERIES: &[&str] =
    &["ping", "find_node", "get_peers", "announce_peer", "get", "put", "sample_infohashes"];

/// What a query is called.
pub fn query_name(query: u8) -> Option<&'static str> {
    Some(QUERIES.get(usize::from(query)).copied().unwrap_or("other"))
}

impl TableMessage {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let kind = text(entry(bytes, b"y")?)?.0;
        if kind != b"q" {
            return matches!(kind, b"r" | b"e").then_some(Self { query: None, info_hash: None });
        }
        let name = text(entry(bytes, b"q")?)?.0;
        let place = QUERIES.iter().position(|query| query.as_bytes() == name);
        let arguments = entry(bytes, b"a");
        let info_hash = arguments.and_then(|it| text(entry(it, b"info_hash")?)?.0.try_into().ok());
        Some(Self { query: Some(place.unwrap_or(QUERIES.len()) as u8), info_hash })
    }
}

/// The text at the beginning of `bytes`, and how long it is with its length.
fn text(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let head = bytes.get(..=DIGITS_MAX).unwrap_or(bytes);
    let digits = head.iter().position(|&byte| byte == b':')?;
    let mut len = 0;
    for digit in bytes.get(..digits)? {
        len = len * 10 + usize::from(digit.checked_sub(b'0').filter(|&digit| digit < 10)?);
    }
    let begin = digits + 1;
    // A colon alone is no text.
    let text = bytes.get(begin..begin + len).filter(|_| digits > 0)?;
    Some((text, begin + len))
}

/// How long the value at the beginning of `bytes` is, however deep it is nested.
fn value_len(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_u32);
    // Each turn takes one byte at least.
    loop {
        let rest = bytes.get(at..)?;
        match rest.first()? {
            b'd' | b'l' => {
                depth += 1;
                at += 1;
            }
            b'e' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b'i' => at += rest.iter().position(|&byte| byte == b'e')? + 1,
            _ => at += text(rest)?.1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// What follows a key in the dictionary at the beginning of `bytes`.
fn entry<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = bytes.strip_prefix(b"d")?;
    for _ in 0..ENTRIES_MAX {
        let (key, len) = text(rest)?;
        let value = rest.get(len..)?;
        if key == wanted {
            return Some(value);
        }
        rest = value.get(value_len(value)?..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn handshakes_and_clients() {
        let bytes =
            [BEGIN, &[0; 8], b"abcdefghij0123456789", b"-qB4250-xyzxyzxyzxyz", b"more"].concat();
        let handshake = Handshake::parse(&bytes).unwrap();
        assert_eq!(&handshake.info_hash, b"abcdefghij0123456789");
        assert_eq!(client(&handshake.peer_id), Some(&b"qB4250"[..]));
        assert_eq!(Handshake::parse(&bytes[..HANDSHAKE_LEN - 1]), None);
        assert_eq!(client(b"M7-9-2--xyzxyzxyzxyz"), None, "of the elder form");
        assert_eq!(client(b"-qB 250-xyzxyzxyzxyz"), None);
    }

    #[test]
    fn messages_of_the_table() {
        let ping = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
        let want = TableMessage { query: Some(0), info_hash: None };
        assert_eq!(TableMessage::parse(ping), Some(want));
        let peers = b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe";
        let want = TableMessage { query: Some(2), info_hash: Some(*b"mnopqrstuvwxyz123456") };
        assert_eq!(TableMessage::parse(peers), Some(want));
        // Nested lists and numbers are stepped over.
        let answer = b"d1:rd1:bi-42e6:valuesl6:abcdefl0:eee1:t1:x1:y1:re";
        let want = TableMessage { query: None, info_hash: None };
        assert_eq!(TableMessage::parse(answer), Some(want));
        let vote = TableMessage::parse(b"d1:q4:vote1:y1:qe").unwrap();
        assert_eq!(vote.query.and_then(query_name), Some("other"));
        for broken in [
            &b"d1:y1:xe"[..],
            b"d1:y9:qe",
            b"d:y1:qe",
            b"dd1:y1:qe",
            b"l1:y1:qe",
            b"d1:ae1:y1:qe",
            b"",
        ] {
            assert_eq!(TableMessage::parse(broken), None);
        }
    }

    #[test]
    fn deep_nesting_is_no_recursion() {
        let deep = [&b"d1:a"[..], &vec![b'l'; 60_000], &vec![b'e'; 60_000], b"1:y1:re"].concat();
        assert!(TableMessage::parse(&deep).is_some());
        assert_eq!(TableMessage::parse(&deep[..100_000]), None);
    }

    proptest! {
        #[test]
        fn no_dictionary_panics(bytes in prop::collection::vec(prop::sample::select(b"dlei0123:qya-".to_vec()), 0..80)) {
            let bytes = [b"d", &bytes[..]].concat();
            let _ = TableMessage::parse(&bytes);
            prop_assert!(value_len(&bytes).is_none_or(|len| len <= bytes.len()));
        }
    }
}

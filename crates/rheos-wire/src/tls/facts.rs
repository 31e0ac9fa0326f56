//! What is kept of a hello when its bytes are gone: owned, and bounded whatever was sent.

use std::borrow::Cow;

use super::extension::{self, Extensions, KeyShare, is_grease, kinds};
use super::hello::{Carrier, ClientHello, ServerHello};
use super::read::Reader;
use super::versions;
use crate::ja3;
use crate::ja4::{Ja4, Ja4Lists};

/// Values that are kept of one list; the fingerprints see all of them.
pub const LIST_MAX: usize = 256;
/// Key shares that are kept.
const SHARES_MAX: usize = 16;
/// Bytes that are kept of a host name; DNS allows 253.
pub const NAME_MAX: usize = 255;
/// Bytes that are kept of an ALPN list.
const ALPN_MAX: usize = 1024;

/// A session id, of which up to 32 bytes are kept: more are not allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionId {
    bytes: [u8; 32],
    len: u8,
}

impl SessionId {
    fn new(id: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (kept, byte) in bytes.iter_mut().zip(id) {
            *kept = *byte;
        }
        Self { bytes, len: id.len().min(255) as u8 }
    }

    /// Its length as sent.
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// Whether it is empty.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The lists of 16-bit numbers of a hello, in one piece of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lists<const N: usize> {
    values: Box<[u16]>,
    ends: [u16; N],
}

/// Collects [`Lists`].
struct ListWriter<const N: usize> {
    values: Vec<u16>,
    ends: [u16; N],
    next: usize,
    cut: bool,
}

impl<const N: usize> ListWriter<N> {
    fn new() -> Self {
        Self { values: Vec::with_capacity(96), ends: [0; N], next: 0, cut: false }
    }

    /// Adds the next list; gives how many values it has in all.
    fn push(&mut self, mut list: impl Iterator<Item = u16>) -> usize {
        let before = self.values.len();
        self.values.extend(list.by_ref().take(LIST_MAX));
        let kept = self.values.len() - before;
        let beyond = list.count();
        self.cut |= beyond > 0;
        if let Some(end) = self.ends.get_mut(self.next) {
            *end = self.values.len() as u16;
        }
        self.next += 1;
        kept + beyond
    }

    fn finish(self) -> Lists<N> {
        Lists { values: self.values.into_boxed_slice(), ends: self.ends }
    }
}

impl<const N: usize> Lists<N> {
    fn get(&self, number: usize) -> &[u16] {
        let end_of = |number: usize| self.ends.get(number).copied().map(usize::from);
        let start = number.checked_sub(1).and_then(end_of).unwrap_or(0);
        let end = end_of(number).unwrap_or(start);
        self.values.get(start..end).unwrap_or_default()
    }
}

/// What a client offers. Lists are as sent, GREASE included, and end after [`LIST_MAX`] values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFacts {
    /// What carried the handshake.
    pub carrier: Carrier,
    /// Length of the handshake message in bytes with a header of TLS.
    pub message_len: u32,
    /// `legacy_version`.
    pub version: u16,
    /// The session id.
    pub session_id: SessionId,
    /// Cipher suites offered, GREASE included.
    pub cipher_count: u16,
    /// Extensions sent, GREASE included.
    pub extension_count: u16,
    /// Compression methods offered.
    pub compression_count: u8,
    /// The first host name of the server name extension, at most [`NAME_MAX`] bytes; other bytes than UTF-8 are
    /// replaced by U+FFFD.
    pub server_name: Option<Box<str>>,
    /// Length of the session ticket; 0 where the client only says that it takes one. `None` without the extension.
    pub ticket_len: Option<u16>,
    /// MD5 of the JA3 text.
    pub ja3: [u8; 16],
    /// The JA4 fingerprint.
    pub ja4: Ja4,
    /// The extensions do not fit their message.
    pub malformed: bool,
    /// Some list is longer than what is kept of it.
    cut: bool,
    lists: Lists<6>,
    point_formats: Box<[u8]>,
    key_shares: Box<[KeyShare]>,
    alpn: Box<[u8]>,
}

const CIPHERS: usize = 0;
const EXTENSIONS: usize = 1;
const GROUPS: usize = 2;
const SIGNATURES: usize = 3;
const VERSIONS: usize = 4;
const CERTIFICATE_COMPRESSIONS: usize = 5;

impl ClientFacts {
    /// Everything that is told of a client.
    pub fn new(hello: &ClientHello<'_>, carrier: Carrier) -> Self {
        let find = |kind| hello.extensions().find(kind);
        let u16s = |kind| find(kind).map(extension::u16_list).unwrap_or_default().iter();
        let mut lists = ListWriter::new();
        let cipher_count = lists.push(hello.cipher_suites.iter());
        let mut extensions = hello.extensions();
        let extension_count = lists.push(extensions.by_ref().map(|extension| extension.kind));
        lists.push(u16s(kinds::SUPPORTED_GROUPS));
        lists.push(u16s(kinds::SIGNATURE_ALGORITHMS));
        lists.push(hello.offered_versions().iter());
        let compressions = find(kinds::COMPRESS_CERTIFICATE).map(extension::offered_versions);
        lists.push(compressions.unwrap_or_default().iter());
        let formats = find(kinds::EC_POINT_FORMATS).map(extension::point_formats);
        let shares = find(kinds::KEY_SHARE).or_else(|| find(kinds::KEY_SHARE_DRAFT));
        let key_shares = shares.into_iter().flat_map(extension::offered_key_shares);
        let alpn = find(kinds::ALPN).and_then(|data| Reader::new(data).vec16());
        Self {
            carrier,
            message_len: hello.message_len,
            version: hello.version,
            session_id: SessionId::new(hello.session_id),
            cipher_count: cipher_count as u16,
            extension_count: extension_count as u16,
            compression_count: hello.compressions.len() as u8,
            server_name: find(kinds::SERVER_NAME).and_then(extension::server_name).map(name_text),
            ticket_len: find(kinds::SESSION_TICKET).map(|ticket| ticket.len() as u16),
            ja3: ja3::hash(&ja3::client_text(hello)),
            ja4: Ja4::new(hello, carrier),
            malformed: extensions.is_malformed(),
            cut: lists.cut,
            lists: lists.finish(),
            point_formats: formats.unwrap_or_default().into(),
            key_shares: key_shares.take(SHARES_MAX).collect(),
            alpn: alpn.unwrap_or_default().iter().copied().take(ALPN_MAX).collect(),
        }
    }

    /// Cipher suites.
    pub fn cipher_suites(&self) -> &[u16] {
        self.lists.get(CIPHERS)
    }

    /// Types of the extensions.
    pub fn extensions(&self) -> &[u16] {
        self.lists.get(EXTENSIONS)
    }

    /// Whether an extension of this type was sent.
    pub fn has_extension(&self, kind: u16) -> bool {
        self.extensions().contains(&kind)
    }

    /// Supported groups.
    pub fn groups(&self) -> &[u16] {
        self.lists.get(GROUPS)
    }

    /// Signature algorithms.
    pub fn signature_algorithms(&self) -> &[u16] {
        self.lists.get(SIGNATURES)
    }

    /// Versions of the supported_versions extension; empty without it.
    pub fn offered_versions(&self) -> &[u16] {
        self.lists.get(VERSIONS)
    }

    /// Algorithms for compressed certificates (RFC 8879).
    pub fn certificate_compressions(&self) -> &[u16] {
        self.lists.get(CERTIFICATE_COMPRESSIONS)
    }

    /// Formats of points on curves.
    pub fn point_formats(&self) -> &[u8] {
        &self.point_formats
    }

    /// Key shares, at most 16.
    pub fn key_shares(&self) -> &[KeyShare] {
        &self.key_shares
    }

    /// The newest version that the client takes: of the supported_versions extension, else `legacy_version`.
    pub fn newest_version(&self) -> u16 {
        let offered = self.offered_versions().iter().copied().filter(|v| versions::rank(*v) > 0);
        offered.max_by_key(|version| versions::rank(*version)).unwrap_or(self.version)
    }

    /// Names of the ALPN list in order of preference; other bytes than UTF-8 are replaced by U+FFFD.
    pub fn alpn(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let mut list = Reader::new(&self.alpn);
        std::iter::from_fn(move || list.vec8()).map(String::from_utf8_lossy)
    }

    /// Whether any list holds a GREASE value (RFC 8701).
    pub fn has_grease(&self) -> bool {
        self.lists.values.iter().any(|value| is_grease(*value))
    }

    /// Whether the client sends an encrypted ClientHello (RFC 9849) or its forerunner, the encrypted server name. Some
    /// clients send the extension with random content to servers that do not support it, which looks the same.
    pub fn has_encrypted_hello(&self) -> bool {
        self.has_extension(kinds::ENCRYPTED_CLIENT_HELLO)
            || self.has_extension(kinds::ENCRYPTED_SERVER_NAME)
    }

    /// The text whose hash is [`Self::ja3`]; `None` where a list was too long to be kept.
    pub fn ja3_text(&self) -> Option<String> {
        let formats = self.point_formats.iter().copied().map(u16::from);
        let list = |number| self.lists.get(number).iter().copied();
        let text = || {
            ja3::client_text_of(
                self.version,
                list(CIPHERS),
                list(EXTENSIONS),
                list(GROUPS),
                formats,
            )
        };
        (!self.cut).then(text)
    }

    /// The lists that [`Self::ja4`] hashes, as sent; `None` where a list was too long to be kept.
    pub fn ja4_lists(&self) -> Option<Ja4Lists> {
        let list = |number| self.lists.get(number).iter().copied();
        (!self.cut).then(|| Ja4Lists::new(list(CIPHERS), list(EXTENSIONS), list(SIGNATURES)))
    }

    /// Memory held beside the value itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.lists.values)
            + self.point_formats.len()
            + size_of_val(&*self.key_shares)
            + self.alpn.len()
            + self.server_name.as_ref().map_or(0, |name| name.len())
    }
}

/// What a server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// Length of the handshake message in bytes with a header of TLS.
    pub message_len: u32,
    /// `legacy_version`.
    pub version: u16,
    /// The version that was chosen, by the supported_versions extension where there is one.
    pub chosen_version: u16,
    /// The cipher suite that was chosen.
    pub cipher_suite: u16,
    /// The compression that was chosen.
    pub compression: u8,
    /// The session id.
    pub session_id: SessionId,
    /// Extensions sent.
    pub extension_count: u16,
    /// The key share, or the group that is asked for by a HelloRetryRequest.
    pub key_share: Option<KeyShare>,
    /// The protocol that was chosen by ALPN; in TLS 1.3 it is encrypted.
    pub alpn: Option<Box<str>>,
    /// Number of the pre-shared key that was chosen (TLS 1.3).
    pub chosen_psk: Option<u16>,
    /// MD5 of the JA3S text.
    pub ja3s: [u8; 16],
    /// The extensions do not fit their message.
    pub malformed: bool,
    cut: bool,
    lists: Lists<1>,
}

impl ServerFacts {
    /// Everything that is told of a server.
    pub fn new(hello: &ServerHello<'_>) -> Self {
        let find = |kind| hello.extensions().find(kind);
        let mut extensions: Extensions<'_> = hello.extensions();
        let mut lists = ListWriter::new();
        let extension_count = lists.push(extensions.by_ref().map(|extension| extension.kind));
        let share = find(kinds::KEY_SHARE).or_else(|| find(kinds::KEY_SHARE_DRAFT));
        Self {
            message_len: hello.message_len,
            version: hello.version,
            chosen_version: hello.chosen_version(),
            cipher_suite: hello.cipher_suite,
            compression: hello.compression,
            session_id: SessionId::new(hello.session_id),
            extension_count: extension_count as u16,
            key_share: share.and_then(extension::chosen_key_share),
            alpn: find(kinds::ALPN).and_then(|data| extension::alpn(data).next()).map(name_text),
            chosen_psk: find(kinds::PRE_SHARED_KEY).and_then(extension::one_u16),
            ja3s: ja3::hash(&ja3::server_text(hello)),
            malformed: extensions.is_malformed(),
            cut: lists.cut,
            lists: lists.finish(),
        }
    }

    /// Types of the extensions, at most [`LIST_MAX`].
    pub fn extensions(&self) -> &[u16] {
        self.lists.get(0)
    }

    /// Whether an extension of this type was sent.
    pub fn has_extension(&self, kind: u16) -> bool {
        self.extensions().contains(&kind)
    }

    /// Whether TLS or DTLS 1.3 was chosen, or a draft of it.
    pub fn is_13(&self) -> bool {
        versions::is_13(self.chosen_version)
    }

    /// The text whose hash is [`Self::ja3s`]; `None` where the list was too long to be kept.
    pub fn ja3s_text(&self) -> Option<String> {
        let extensions = self.extensions().iter().copied();
        (!self.cut).then(|| ja3::server_text_of(self.version, self.cipher_suite, extensions))
    }

    /// Memory held beside the value itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.lists.values) + self.alpn.as_ref().map_or(0, |name| name.len())
    }
}

/// A name of at most [`NAME_MAX`] bytes as text.
fn name_text(name: &[u8]) -> Box<str> {
    let kept = name.get(..NAME_MAX).unwrap_or(name);
    String::from_utf8_lossy(kept).into_owned().into_boxed_str()
}

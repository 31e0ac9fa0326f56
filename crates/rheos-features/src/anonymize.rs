//! Rows without the identities in them: keyed pseudonyms, the same for the same key wherever they occur.
//!
//! Addresses are mapped by [Crypto-PAn](cryptopan): two addresses that share a prefix still share one of the same
//! length. Names, hardware addresses and hashes of endpoints become the first half of an HMAC-SHA-256. Nothing of this
//! can be turned back or guessed without the key; with it, anybody can test a guess, so the key is a secret.
//!
//! What is no identity stays: sizes, times and ports can still tell hosts apart for who knows them.

pub mod cryptopan;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::Field;
use hmac::{Hmac, KeyInit, Mac};
use rheos_wire::text::push_hex;
use sha2::{Digest, Sha256};

use crate::column::Identity;
use crate::error::Error;
use cryptopan::CryptoPan;

/// Pseudonyms that are remembered at most; then all are forgotten and worked out again.
const REMEMBERED_MAX: usize = 1 << 16;

/// Least length of a key, in bytes.
pub const KEY_MIN: usize = 16;

/// What the pseudonyms depend on. Its `Debug` form shows nothing of it.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key in a file or variable: 64 hex digits or 32 bytes are taken as they are (so that addresses become those
    /// of other Crypto-PAn tools with the key), anything else of at least [`KEY_MIN`] bytes is hashed. Line ends around
    /// it do not belong to it.
    ///
    /// # Errors
    /// [`Error::KeyTooShort`].
    pub fn new(secret: &[u8]) -> Result<Self, Error> {
        let secret = secret.trim_ascii();
        if let Some(key) = from_hex(secret) {
            return Ok(Self(key));
        }
        if let Ok(key) = <[u8; 32]>::try_from(secret) {
            return Ok(Self(key));
        }
        if secret.len() < KEY_MIN {
            return Err(Error::KeyTooShort { bytes: secret.len(), least: KEY_MIN });
        }
        Ok(Self(Sha256::digest(secret).into()))
    }

    /// A salt for hashes of endpoints (`flow_id`), so that they cannot be tried out without the key.
    pub fn salt(&self) -> Vec<u8> {
        self.derived(b"rheos endpoints").to_vec()
    }

    fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(purpose).finalize().into()
    }
}

fn from_hex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut key = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(key)
}

/// Replaces identities in rows.
#[derive(Debug)]
pub struct Anonymizer {
    addresses: CryptoPan,
    names: Hmac<Sha256>,
    remembered: HashMap<(Identity, String), String>,
}

impl Anonymizer {
    /// With this key.
    pub fn new(key: &Key) -> Self {
        let names = key.derived(b"rheos names");
        Self {
            addresses: CryptoPan::new(&key.0),
            names: Hmac::new_from_slice(&names).expect("an HMAC takes keys of any length"),
            remembered: HashMap::new(),
        }
    }

    /// What stands for an address, here as in rows.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => self.addresses.v4(address).into(),
            IpAddr::V6(address) => self.addresses.v6(address).into(),
        }
    }

    /// The rows with pseudonyms in every text column that identifies somebody, as its field's metadata tell.
    pub fn apply(&mut self, rows: &RecordBatch) -> RecordBatch {
        let schema = rows.schema();
        let columns = schema.fields().iter().zip(rows.columns());
        let columns = columns.map(|(field, array)| self.column(identity_of(field), array));
        let columns: Vec<ArrayRef> = columns.collect();
        RecordBatch::try_new(Arc::clone(&schema), columns)
            .expect("pseudonyms have the type and number of what they replace")
    }

    fn column(&mut self, identity: Identity, array: &ArrayRef) -> ArrayRef {
        let texts = array.as_string_opt::<i32>();
        let (Some(texts), true) = (texts, is_replaced(identity)) else { return Arc::clone(array) };
        let replaced: StringArray =
            texts.iter().map(|text| text.map(|text| self.pseudonym(identity, text))).collect();
        Arc::new(replaced)
    }

    /// What stands for `text` from now on.
    fn pseudonym(&mut self, identity: Identity, text: &str) -> String {
        let asked = (identity, text.to_owned());
        if let Some(known) = self.remembered.get(&asked) {
            return known.clone();
        }
        let pseudonym = match (identity, text.parse()) {
            (Identity::Address, Ok(IpAddr::V4(address))) => self.addresses.v4(address).to_string(),
            (Identity::Address, Ok(IpAddr::V6(address))) => self.addresses.v6(address).to_string(),
            (Identity::Mac, _) => self.mac(text),
            _ => hex(&self.hash(identity, text)[..16]),
        };
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.insert(asked, pseudonym.clone());
        pseudonym
    }

    /// A locally administered address; a group address stays one, and the broadcast address is no secret.
    fn mac(&self, text: &str) -> String {
        if text.eq_ignore_ascii_case("ff:ff:ff:ff:ff:ff") {
            return text.to_owned();
        }
        let group = text.get(..2).and_then(|octet| u8::from_str_radix(octet, 16).ok());
        let hash = self.hash(Identity::Mac, text);
        let first = hash[0] & 0xfc | 0x02 | group.unwrap_or(0) & 1;
        let octets: Vec<String> =
            [first].iter().chain(&hash[1..6]).map(|octet| format!("{octet:02x}")).collect();
        octets.join(":")
    }

    fn hash(&self, identity: Identity, text: &str) -> [u8; 32] {
        let mut names = self.names.clone();
        // Equal texts of different kinds are different identities.
        names.update(identity.name().as_bytes());
        names.update(&[0]);
        names.update(text.as_bytes());
        names.finalize().into_bytes().into()
    }
}

/// Ports are left out or left alone: a pseudonym of 16 bits is soon guessed.
fn is_replaced(identity: Identity) -> bool {
    !matches!(identity, Identity::Nothing | Identity::Port)
}

fn identity_of(field: &Field) -> Identity {
    let name = field.metadata().get("identity").map_or("-", String::as_str);
    Identity::ALL
        .iter()
        .copied()
        .find(|identity| identity.name() == name)
        .unwrap_or(Identity::Nothing)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

#[cfg(test)]
mod tests {
    use arrow_schema::Schema;

    use super::*;

    const SECRET: &[u8] = b"a secret of enough bytes\n";

    fn anonymizer() -> Anonymizer {
        Anonymizer::new(&Key::new(SECRET).unwrap())
    }

    #[test]
    fn keys_are_bytes_hex_or_a_phrase() {
        let hex = "00".repeat(31) + "ff";
        let mut bytes = [0; 32];
        bytes[31] = 255;
        assert_eq!(Key::new(hex.as_bytes()).unwrap().0, bytes);
        let plain = b"0123456789abcdef0123456789abcdeg";
        assert_eq!(Key::new(plain).unwrap().0, *plain);
        assert_ne!(Key::new(SECRET).unwrap().0, Key::new(b"another secret phrase").unwrap().0);
        let error = Key::new(b"short\n").unwrap_err();
        assert_eq!(error, Error::KeyTooShort { bytes: 5, least: 16 });
        assert_eq!(format!("{:?}", Key::new(SECRET).unwrap()), "Key(..)");
    }

    #[test]
    fn pseudonyms_are_stable_and_kinds_are_apart() {
        let mut one = anonymizer();
        let name = one.pseudonym(Identity::Name, "example.com");
        assert_eq!(name.len(), 32);
        assert_eq!(name, anonymizer().pseudonym(Identity::Name, "example.com"));
        assert_ne!(name, one.pseudonym(Identity::Endpoints, "example.com"));
        assert_ne!(name, one.pseudonym(Identity::Name, "example.org"));
        let other = Key::new(b"another secret phrase").unwrap();
        assert_ne!(name, Anonymizer::new(&other).pseudonym(Identity::Name, "example.com"));
    }

    #[test]
    fn hardware_addresses_stay_hardware_addresses() {
        let mut one = anonymizer();
        let mac = one.pseudonym(Identity::Mac, "00:11:22:33:44:55");
        assert_eq!(mac.len(), 17);
        let first = u8::from_str_radix(&mac[..2], 16).unwrap();
        assert_eq!(first & 3, 2, "locally administered, not a group: {mac}");
        let group = one.pseudonym(Identity::Mac, "01:00:5e:00:00:01");
        assert_eq!(u8::from_str_radix(&group[..2], 16).unwrap() & 3, 3, "{group}");
        assert_eq!(one.pseudonym(Identity::Mac, "ff:ff:ff:ff:ff:ff"), "ff:ff:ff:ff:ff:ff");
    }

    #[test]
    fn only_what_identifies_is_replaced() {
        let field = |name: &str, identity: Identity| {
            let told = [("identity".to_owned(), identity.name().to_owned())];
            Field::new(name, arrow_schema::DataType::Utf8, true).with_metadata(told.into())
        };
        let schema = Schema::new(vec![
            field("src_ip", Identity::Address),
            field("sni", Identity::Name),
            field("end_reason", Identity::Nothing),
        ]);
        let column = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
        let rows = vec![
            column(vec![Some("10.0.0.1"), Some("10.0.0.2")]),
            column(vec![Some("example.com"), None]),
            column(vec![Some("fin"), Some("rst")]),
        ];
        let rows = RecordBatch::try_new(Arc::new(schema), rows).unwrap();
        let hidden = anonymizer().apply(&rows);
        let text = |column: usize, row: usize| {
            let column = hidden.column(column).as_string::<i32>();
            column.iter().nth(row).unwrap().map(str::to_owned)
        };
        let (one, two) = (text(0, 0).unwrap(), text(0, 1).unwrap());
        assert!(one != "10.0.0.1" && one != two);
        assert_eq!(one.rsplit_once('.').unwrap().0, two.rsplit_once('.').unwrap().0, "one /24");
        assert!(text(1, 0).is_some_and(|name| name.len() == 32) && text(1, 1).is_none());
        assert_eq!(text(2, 0).as_deref(), Some("fin"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut one = anonymizer();
        let first = one.pseudonym(Identity::Name, "0");
        for number in 1..=REMEMBERED_MAX {
            one.pseudonym(Identity::Name, &number.to_string());
        }
        assert!(one.remembered.len() <= REMEMBERED_MAX);
        assert_eq!(one.pseudonym(Identity::Name, "0"), first);
    }
}

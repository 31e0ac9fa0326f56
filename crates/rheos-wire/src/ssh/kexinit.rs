//! What each side offers (RFC 4253 §7.1), the fingerprint of it, and what the two come to use.

use std::collections::HashSet;

use md5::{Digest, Md5};

use super::message;
use super::packet::string;

/// The lists of a KEXINIT message, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Methods of key exchange.
    KeyExchange,
    /// Algorithms of the server's host key.
    HostKey,
    /// Ciphers from client to server.
    CipherToServer,
    /// Ciphers from server to client.
    CipherToClient,
    /// Message authentication from client to server.
    MacToServer,
    /// Message authentication from server to client.
    MacToClient,
    /// Compression from client to server.
    CompressionToServer,
    /// Compression from server to client.
    CompressionToClient,
    /// Languages from client to server.
    LanguageToServer,
    /// Languages from server to client.
    LanguageToClient,
}

/// Who of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Opened the connection.
    Client,
    /// Accepted it.
    Server,
}

/// How many lists a KEXINIT message has.
const LISTS: usize = 10;

/// A KEXINIT message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KexInit<'a> {
    lists: [&'a [u8]; LISTS],
    /// A packet of the key exchange follows that guesses what will be chosen.
    pub guess_follows: bool,
}

impl<'a> KexInit<'a> {
    /// Random bytes before them.
    const COOKIE: usize = 16;

    /// Reads a message, number included; `None` if it is another or cut.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (&message::KEXINIT, rest) = message.split_first()? else {
            return None;
        };
        let mut rest = rest.get(Self::COOKIE..)?;
        let mut lists: [&[u8]; LISTS] = [&[]; LISTS];
        for list in &mut lists {
            (*list, rest) = string(rest)?;
        }
        // A boolean: all but 0 is true (RFC 4251 §5). Four reserved bytes follow.
        let (&guess, reserved) = rest.split_first()?;
        reserved.first_chunk::<4>()?;
        Some(Self { lists, guess_follows: guess != 0 })
    }

    /// A list as it was sent: names in order of preference with commas between them.
    pub fn list(&self, list: List) -> &'a [u8] {
        self.lists[list as usize]
    }

    /// The names of a list.
    pub fn names(&self, list: List) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.list(list).split(|&byte| byte == b',').filter(|name| !name.is_empty())
    }

    /// Whether a list has this name.
    pub fn has(&self, list: List, name: &[u8]) -> bool {
        self.names(list).any(|other| other == name)
    }

    /// The text whose MD5 is the HASSH of a client or the HASSHServer of a server: the lists of key exchange,
    /// ciphers, message authentication and compression in the direction in which that side sends, with
    /// semicolons between them.
    pub fn hassh_algorithms(&self, role: Role) -> [&'a [u8]; 7] {
        let (cipher, mac, compression) = match role {
            Role::Client => (List::CipherToServer, List::MacToServer, List::CompressionToServer),
            Role::Server => (List::CipherToClient, List::MacToClient, List::CompressionToClient),
        };
        let list = |list| self.list(list);
        [list(List::KeyExchange), b";", list(cipher), b";", list(mac), b";", list(compression)]
    }
}

/// The MD5 of [`KexInit::hassh_algorithms`]: HASSH of a client, HASSHServer of a server
/// (<https://github.com/salesforce/hassh>).
pub fn hassh(init: &KexInit<'_>, role: Role) -> [u8; 16] {
    let mut md5 = Md5::new();
    for part in init.hassh_algorithms(role) {
        md5.update(part);
    }
    md5.finalize().into()
}

/// What the two sides come to use: the first name of the client's list that the server has, too. `None` where
/// they have none together.
///
/// Methods of key exchange that need a host key which can encrypt (RFC 4432) are chosen like all others.
pub fn chosen<'a>(client: &KexInit<'a>, server: &KexInit<'_>, list: List) -> Option<&'a [u8]> {
    // A set: two lists of many thousand names may meet.
    let offered: HashSet<&[u8]> = server.names(list).collect();
    client.names(list).find(|name| offered.contains(name))
}

/// Whether a cipher authenticates what it encrypts, so that no algorithm of message authentication is used with it
/// whatever the lists say (RFC 5647 §5.1, OpenSSH's PROTOCOL §1.6 and PROTOCOL.chacha20poly1305).
pub fn authenticates_itself(cipher: &[u8]) -> bool {
    const CIPHERS: [&[u8]; 5] = [
        b"chacha20-poly1305@openssh.com",
        b"aes128-gcm@openssh.com",
        b"aes256-gcm@openssh.com",
        b"AEAD_AES_128_GCM",
        b"AEAD_AES_256_GCM",
    ];
    CIPHERS.contains(&cipher)
}

/// Whether a packet that was sent ahead on a guess is ignored: the sides prefer different methods of key exchange
/// or different algorithms of the host key (RFC 4253 §7).
pub fn guess_is_wrong(client: &KexInit<'_>, server: &KexInit<'_>) -> bool {
    let differ = |list| client.names(list).next() != server.names(list).next();
    differ(List::KeyExchange) || differ(List::HostKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::push_hex;

    const CLIENT: [&str; 10] = [
        "curve25519-sha256,ext-info-c",
        "ssh-ed25519,rsa-sha2-512",
        "aes128-ctr,aes256-ctr",
        "aes256-ctr",
        "hmac-sha1",
        "hmac-sha2-256",
        "none",
        "zlib",
        "",
        "",
    ];

    fn message(lists: [&str; 10], guess: u8) -> Vec<u8> {
        let mut message = vec![20];
        message.extend([0xaa; 16]);
        for list in lists {
            message.extend((list.len() as u32).to_be_bytes());
            message.extend(list.as_bytes());
        }
        message.push(guess);
        message.extend([0; 4]);
        message
    }

    fn hex(bytes: [u8; 16]) -> String {
        let mut out = String::new();
        push_hex(&mut out, &bytes);
        out
    }

    #[test]
    fn the_lists_of_a_message_and_their_fingerprints() {
        let message = message(CLIENT, 1);
        let init = KexInit::parse(&message).unwrap();
        assert!(init.guess_follows);
        assert_eq!(init.list(List::MacToClient), b"hmac-sha2-256");
        assert_eq!(init.names(List::KeyExchange).count(), 2);
        assert_eq!(init.names(List::LanguageToClient).count(), 0);
        assert!(init.has(List::KeyExchange, b"ext-info-c"));
        // Python: hashlib.md5(b"curve25519-sha256,ext-info-c;aes128-ctr,aes256-ctr;hmac-sha1;none")
        assert_eq!(hex(hassh(&init, Role::Client)), "e75863a45a3b5d12bc4fa23281401a76");
        // hashlib.md5(b"curve25519-sha256,ext-info-c;aes256-ctr;hmac-sha2-256;zlib")
        assert_eq!(hex(hassh(&init, Role::Server)), "871d6f57eab856f605c2a943e8a8acc2");
        for cut in 0..message.len() {
            assert_eq!(KexInit::parse(&message[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn the_clients_preference_decides() {
        let mut lists = CLIENT;
        lists[0] = "ext-info-s,diffie-hellman-group14-sha256,curve25519-sha256";
        lists[1] = "rsa-sha2-512,ssh-ed25519";
        lists[2] = "aes256-ctr";
        lists[4] = "hmac-md5";
        let (client, server) = (message(CLIENT, 0), message(lists, 0));
        let (client, server) = (KexInit::parse(&client).unwrap(), KexInit::parse(&server).unwrap());
        assert_eq!(chosen(&client, &server, List::KeyExchange), Some(&b"curve25519-sha256"[..]));
        assert_eq!(chosen(&client, &server, List::HostKey), Some(&b"ssh-ed25519"[..]));
        assert_eq!(chosen(&client, &server, List::CipherToServer), Some(&b"aes256-ctr"[..]));
        assert_eq!(chosen(&client, &server, List::MacToServer), None);
        assert_eq!(chosen(&client, &server, List::LanguageToServer), None);
        assert!(guess_is_wrong(&client, &server));
        assert!(!guess_is_wrong(&client, &client));
        assert!(authenticates_itself(b"aes128-gcm@openssh.com"));
        assert!(!authenticates_itself(b"aes128-ctr"));
    }
}

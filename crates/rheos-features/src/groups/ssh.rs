//! SSH: who speaks it, what both offer, and what they come to use.

use rheos_core::Direction;
use rheos_wire::ssh::{
    Identification, KexInit, List, Role, authenticates_itself, chosen, guess_is_wrong,
};
use rheos_wire::text::{push_hex, push_printable};

use super::{Ended, Group};
use crate::column::Kind::{Bool, Str, U8, U32, U64};
use crate::column::extended as column;
use crate::column::{Column, GroupInfo, Identity, Privacy};
use crate::dissect::ssh::{End, Ssh as Spoken};
use crate::row::RowBuffer;

const OTHER: &str = "not SSH";
const NO_CLIENT: &str = "not SSH, or the client's identification was not seen";
const NO_SERVER: &str = "not SSH, or the server's identification was not seen";
const NOT_2: &str = "not SSH, or version 1";
const NO_CLIENT_HASH: &str =
    "not SSH version 2, or the client's KEXINIT was not seen whole or is longer than 64 KiB";
const NO_SERVER_HASH: &str =
    "not SSH version 2, or the server's KEXINIT was not seen whole or is longer than 64 KiB";
const NO_CLIENT_OFFERS: &str =
    "not SSH version 2, or the client's KEXINIT was not seen whole or is longer than 16 KiB";
const NO_SERVER_OFFERS: &str =
    "not SSH version 2, or the server's KEXINIT was not seen whole or is longer than 16 KiB";
const NO_OFFERS: &str =
    "not SSH version 2, or not both KEXINIT were seen whole, of at most 16 KiB each";
const NO_CHOICE: &str =
    "not SSH version 2, not both KEXINIT were seen whole, or the sides have nothing together";
const NULL_NOT_EMPTY: &str = "null, not empty, where there is none";

const fn text(name: &'static str, meaning: &'static str) -> Column {
    column(name, Str, "", meaning)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("ssh_detected", Bool, "", "whether one side begins with an SSH identification, by its bytes and on any port; a server may say other lines before it")
        .changed("over segments and after lines before the identification; only at the beginning of a side"),
    text("ssh_version", "protocol version in the client's identification, else in the server's: 2.0, 1.99 (server of versions 1 and 2), 1.5")
        .null("not SSH, or no identification was seen whole").changed(NULL_NOT_EMPTY),
    text("ssh_client_software", "software in the client's identification, up to the first space; what is not printable as \\x and two hex digits").null(NO_CLIENT).changed(NULL_NOT_EMPTY),
    text("ssh_server_software", "software in the server's identification, up to the first space").null(NO_SERVER).changed(NULL_NOT_EMPTY),
    text("ssh_client_version", "protocol version in the client's identification").null(NO_CLIENT).changed(NULL_NOT_EMPTY),
    text("ssh_server_version", "protocol version in the server's identification").null(NO_SERVER).changed(NULL_NOT_EMPTY),
    text("ssh_hassh", "HASSH: MD5 of the client's lists `key exchange;ciphers;MACs;compression`, each as sent, of the direction to the server")
        .null(NO_CLIENT_HASH).changed("KEXINIT is read whole, over any number of segments"),
    text("ssh_hassh_server", "HASSHServer: MD5 of the server's lists `key exchange;ciphers;MACs;compression`, each as sent, of the direction to the client")
        .null(NO_SERVER_HASH).changed("KEXINIT is read whole, over any number of segments"),
    column("ssh_kex_packets", U64, "packets", "SSH packets in clear with a message of the key exchange (20 to 49), KEXINIT and NEWKEYS included")
        .null(NOT_2).changed("SSH packets of the stream, not IP packets that look like one"),
    column("ssh_encrypted_packets", U64, "packets", "segments with bytes after their sender's NEWKEYS, as they came in order: those that waited for a lost one count as one with it")
        .null(NOT_2).changed("what follows NEWKEYS is encrypted, whatever it looks like; the older count stayed near 0"),
    column("ssh_negotiated_version", U8, "", "the protocol version that both come to speak: 1 or 2")
        .null("not SSH, not both identifications were seen, or they have no version together"),
    text("ssh_client_comments", "comments in the client's identification, after the first space").privacy(Privacy::Sensitive)
        .null("not SSH, no identification of the client, or one without comments"),
    text("ssh_server_comments", "comments in the server's identification, often the system's version").privacy(Privacy::Sensitive)
        .null("not SSH, no identification of the server, or one without comments"),
    column("ssh_lines_before", U32, "lines", "lines that the server said before its identification (RFC 4253 section 4.2)").null(OTHER),
    column("ssh_initiator_is_server", Bool, "", "the roles are swapped: what the sides say tells that the responder is the client, as when the capture began late").null(OTHER),
    text("ssh_kex_algorithm", "method of key exchange: the first of the client's list that the server has (RFC 4253 section 7.1)").null(NO_CHOICE),
    text("ssh_host_key_algorithm", "algorithm of the server's host key, chosen alike").null(NO_CHOICE),
    text("ssh_cipher_to_server", "cipher from client to server, chosen alike").null(NO_CHOICE),
    text("ssh_cipher_to_client", "cipher from server to client, chosen alike").null(NO_CHOICE),
    text("ssh_mac_to_server", "message authentication from client to server, chosen alike")
        .null("not both KEXINIT were seen, nothing together, or the cipher authenticates itself (GCM, Poly1305)"),
    text("ssh_mac_to_client", "message authentication from server to client, chosen alike")
        .null("not both KEXINIT were seen, nothing together, or the cipher authenticates itself (GCM, Poly1305)"),
    text("ssh_compression_to_server", "compression from client to server, chosen alike").null(NO_CHOICE),
    text("ssh_compression_to_client", "compression from server to client, chosen alike").null(NO_CHOICE),
    column("ssh_client_guesses", Bool, "", "the client's first_kex_packet_follows: it sends a packet ahead for the method it expects").null(NO_CLIENT_OFFERS),
    column("ssh_server_guesses", Bool, "", "the server's first_kex_packet_follows").null(NO_SERVER_OFFERS),
    column("ssh_guess_wrong", Bool, "", "the sides prefer different methods of key exchange or host keys, so that a packet sent ahead is ignored").null(NO_OFFERS),
    column("ssh_client_kexinit_bytes", U32, "bytes", "length of the client's KEXINIT message, without lengths and padding").null("not SSH version 2, or no KEXINIT of the client"),
    column("ssh_server_kexinit_bytes", U32, "bytes", "length of the server's KEXINIT message, without lengths and padding").null("not SSH version 2, or no KEXINIT of the server"),
    column("ssh_client_kex_offers", U32, "names", "names in the client's list of key exchange methods").null(NO_CLIENT_OFFERS),
    column("ssh_client_cipher_offers", U32, "names", "names in the client's list of ciphers to the server").null(NO_CLIENT_OFFERS),
    column("ssh_client_mac_offers", U32, "names", "names in the client's list of MACs to the server").null(NO_CLIENT_OFFERS),
    column("ssh_server_kex_offers", U32, "names", "names in the server's list of key exchange methods").null(NO_SERVER_OFFERS),
    column("ssh_server_cipher_offers", U32, "names", "names in the server's list of ciphers to the client").null(NO_SERVER_OFFERS),
    column("ssh_server_mac_offers", U32, "names", "names in the server's list of MACs to the client").null(NO_SERVER_OFFERS),
    column("ssh_strict_kex", Bool, "", "both sides offer strict key exchange (kex-strict-*-v00@openssh.com), which keeps packets from being cut out unseen (CVE-2023-48795)").null(NO_OFFERS),
    column("ssh_client_ext_info", Bool, "", "the client wants to hear of extensions: ext-info-c (RFC 8308)").null(NO_CLIENT_OFFERS),
    text("ssh_host_key_type", "format of the host key that the server sent: ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, ...").null("no answer of a key exchange with a host key was seen whole"),
    text("ssh_host_key_fingerprint", "`SHA256:` and the hash of the host key in base64, as OpenSSH prints it").identity(Identity::Name).null("no answer of a key exchange with a host key was seen whole"),
    column("ssh_client_newkeys", Bool, "", "the client's NEWKEYS was seen: it encrypts from there on").null(NOT_2),
    column("ssh_server_newkeys", Bool, "", "the server's NEWKEYS was seen").null(NOT_2),
    column("ssh_client_encrypted_bytes", U64, "bytes", "bytes of the client's stream after its NEWKEYS, each place once").null(NOT_2),
    column("ssh_server_encrypted_bytes", U64, "bytes", "bytes of the server's stream after its NEWKEYS, each place once").null(NOT_2),
    text("ssh_hassh_algorithms", "the text whose MD5 is ssh_hassh").option().null(NO_CLIENT_OFFERS),
    text("ssh_hassh_server_algorithms", "the text whose MD5 is ssh_hassh_server").option().null(NO_SERVER_OFFERS),
    text("ssh_client_host_key_algorithms", "the client's list of host key algorithms; it tells which servers the client knows").option().null(NO_CLIENT_OFFERS),
    text("ssh_server_host_key_algorithms", "the server's list of host key algorithms").option().null(NO_SERVER_OFFERS),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Ssh;

impl Group for Ssh {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "ssh",
        meaning: "SSH: identifications, offers, HASSH, chosen algorithms",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let spoken = ended.dissection.and_then(|read| read.ssh());
        row.bool("ssh_detected", spoken.is_some());
        if spoken.is_none() {
            return row.rest_is_null();
        }
        let told = Told::of(spoken);
        told.write_identifications(row);
        told.write_counts(row);
        told.write_more_of_identifications(row, spoken);
        told.write_choices(row);
        told.write_offers(row);
        told.write_keys(row);
        told.write_lists(row);
    }
}

/// What is known, by role.
struct Told<'a> {
    ends: [Option<&'a End>; 2],
    ids: [Option<Identification<'a>>; 2],
    /// Of version 2 only.
    offers: [Option<KexInit<'a>>; 2],
    hassh: [Option<[u8; 16]>; 2],
    version: Option<u8>,
}

const ROLES: [Role; 2] = [Role::Client, Role::Server];

impl<'a> Told<'a> {
    fn of(spoken: Option<&'a Spoken>) -> Self {
        let client = spoken.map(Spoken::client);
        let sides = [client, client.map(Direction::reversed)];
        let of = |side: Option<_>| Some((spoken?, side?));
        let hash = |role| of(sides[role as usize]).and_then(|(ssh, side)| ssh.hassh(side, role));
        let ends = sides.map(|side| of(side).map(|(ssh, side)| ssh.end(side)));
        Self {
            ends,
            ids: ends.map(|end| end?.identification()),
            offers: sides.map(|side| of(side).and_then(|(ssh, side)| ssh.offers(side))),
            hassh: ROLES.map(hash),
            version: spoken.and_then(Spoken::version),
        }
    }

    fn write_identifications(&self, row: &mut RowBuffer) {
        let [client, server] = self.ids;
        write_bytes(row, "ssh_version", client.or(server).map(|id| id.version));
        write_bytes(row, "ssh_client_software", client.map(|id| id.software));
        write_bytes(row, "ssh_server_software", server.map(|id| id.software));
        write_bytes(row, "ssh_client_version", client.map(|id| id.version));
        write_bytes(row, "ssh_server_version", server.map(|id| id.version));
    }

    /// A side's packets; none in version 1, whose packets are others.
    fn packets(&self, role: Role) -> Option<&'a End> {
        self.ends[role as usize].filter(|_| self.version != Some(1))
    }

    fn write_counts(&self, row: &mut RowBuffer) {
        for (name, hash) in ["ssh_hassh", "ssh_hassh_server"].into_iter().zip(self.hassh) {
            row.text(name, |out| hash.inspect(|hash| push_hex(out, hash)).is_some());
        }
        let sum = |of: fn(&End) -> u64| {
            let [client, server] = ROLES.map(|role| self.packets(role).map(of));
            Some(client? + server?)
        };
        row.u64("ssh_kex_packets", sum(|end| u64::from(end.kex_packets)));
        row.u64("ssh_encrypted_packets", sum(|end| end.encrypted_pieces));
    }

    fn write_more_of_identifications(&self, row: &mut RowBuffer, spoken: Option<&Spoken>) {
        let [client, server] = self.ids;
        row.u8("ssh_negotiated_version", self.version);
        write_bytes(row, "ssh_client_comments", client.and_then(|id| id.comments));
        write_bytes(row, "ssh_server_comments", server.and_then(|id| id.comments));
        row.u32("ssh_lines_before", self.ends[1].map(|end| end.lines_before));
        let swapped = spoken.map(|ssh| ssh.client() == Direction::Backward);
        row.bool("ssh_initiator_is_server", swapped);
    }

    fn write_choices(&self, row: &mut RowBuffer) {
        let choose = |list| {
            let [client, server] = self.offers;
            chosen(&client?, &server?, list)
        };
        write_bytes(row, "ssh_kex_algorithm", choose(List::KeyExchange));
        write_bytes(row, "ssh_host_key_algorithm", choose(List::HostKey));
        let ciphers = [List::CipherToServer, List::CipherToClient].map(choose);
        write_bytes(row, "ssh_cipher_to_server", ciphers[0]);
        write_bytes(row, "ssh_cipher_to_client", ciphers[1]);
        let mac = |list, cipher: Option<&[u8]>| {
            choose(list).filter(|_| !cipher.is_some_and(authenticates_itself))
        };
        write_bytes(row, "ssh_mac_to_server", mac(List::MacToServer, ciphers[0]));
        write_bytes(row, "ssh_mac_to_client", mac(List::MacToClient, ciphers[1]));
        write_bytes(row, "ssh_compression_to_server", choose(List::CompressionToServer));
        write_bytes(row, "ssh_compression_to_client", choose(List::CompressionToClient));
    }

    fn write_offers(&self, row: &mut RowBuffer) {
        let [client, server] = self.offers;
        let both = client.zip(server);
        row.bool("ssh_client_guesses", client.map(|init| init.guess_follows));
        row.bool("ssh_server_guesses", server.map(|init| init.guess_follows));
        row.bool("ssh_guess_wrong", both.map(|(client, server)| guess_is_wrong(&client, &server)));
        let len = |role| self.packets(role).map(|end| end.kexinit_len).filter(|len| *len > 0);
        row.u32("ssh_client_kexinit_bytes", len(Role::Client));
        row.u32("ssh_server_kexinit_bytes", len(Role::Server));
        let count =
            |init: Option<KexInit<'_>>, list| init.map(|init| init.names(list).count() as u32);
        row.u32("ssh_client_kex_offers", count(client, List::KeyExchange));
        row.u32("ssh_client_cipher_offers", count(client, List::CipherToServer));
        row.u32("ssh_client_mac_offers", count(client, List::MacToServer));
        row.u32("ssh_server_kex_offers", count(server, List::KeyExchange));
        row.u32("ssh_server_cipher_offers", count(server, List::CipherToClient));
        row.u32("ssh_server_mac_offers", count(server, List::MacToClient));
        let has = |init: KexInit<'_>, name: &[u8]| init.has(List::KeyExchange, name);
        let strict = both.map(|(client, server)| {
            has(client, b"kex-strict-c-v00@openssh.com")
                && has(server, b"kex-strict-s-v00@openssh.com")
        });
        row.bool("ssh_strict_kex", strict);
        row.bool("ssh_client_ext_info", client.map(|init| has(init, b"ext-info-c")));
    }

    fn write_keys(&self, row: &mut RowBuffer) {
        let key = self.packets(Role::Server).and_then(End::host_key);
        write_bytes(row, "ssh_host_key_type", key.map(|key| &*key.format));
        row.str("ssh_host_key_fingerprint", key.map(|key| &*key.fingerprint));
        let [client, server] = ROLES.map(|role| self.packets(role));
        row.bool("ssh_client_newkeys", client.map(|end| end.newkeys));
        row.bool("ssh_server_newkeys", server.map(|end| end.newkeys));
        row.u64("ssh_client_encrypted_bytes", client.map(|end| end.encrypted_bytes));
        row.u64("ssh_server_encrypted_bytes", server.map(|end| end.encrypted_bytes));
    }

    fn write_lists(&self, row: &mut RowBuffer) {
        let names = ["ssh_hassh_algorithms", "ssh_hassh_server_algorithms"];
        for (name, role) in names.into_iter().zip(ROLES) {
            row.text(name, |out| {
                let Some(init) = self.offers[role as usize] else { return false };
                init.hassh_algorithms(role).iter().for_each(|part| push_printable(out, part));
                true
            });
        }
        let [client, server] = self.offers.map(|init| Some(init?.list(List::HostKey)));
        write_bytes(row, "ssh_client_host_key_algorithms", client);
        write_bytes(row, "ssh_server_host_key_algorithms", server);
    }
}

fn write_bytes(row: &mut RowBuffer, name: &str, bytes: Option<&[u8]>) {
    row.text(name, |out| bytes.inspect(|bytes| push_printable(out, bytes)).is_some());
}

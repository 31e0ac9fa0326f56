//! Smaller protocols, computed by hand.

mod kerberos;
mod media;
mod peers;
mod tunnels;

use rheos_core::Direction;

use super::frames::{FrameCase, rows};
use super::rows::{B, F, NULL, Value, b, n, t};
use super::talks::{Talk, datagrams};
use super::tls_flows::{client, message, record};

/// Decodes hexadecimal digits; blanks are left out.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|it| it as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A record with a ClientHello.
fn client_hello() -> Vec<u8> {
    record(22, &message(1, &client(0x0303, &[], &[], &[0x1301], &[])))
}

/// Both sides in turn.
fn talk(says: &[(Direction, &[u8])]) -> Vec<super::frames::Timed> {
    says.iter().fold(Talk::new(), |talk, (from, bytes)| talk.say(*from, bytes)).close()
}

pub(crate) fn cases() -> Vec<FrameCase> {
    let mut cases = vec![dhcp(), bootp(), ntp_server(), ntp_client(), smtp(), greetings_alone()];
    cases.extend([imap(), pop3(), ftp(), sip(), sip_options(), ldap(), ldap_search()]);
    cases.extend([smb(), smb_request(), rdp(), rdp_refused(), mqtt(), mqtt_publish(), other()]);
    cases.extend([stun(), stun_stream(), snmp(), snmp_3(), ike()]);
    cases.extend(tunnels::cases());
    cases.extend(media::cases());
    cases.extend(peers::cases());
    cases.extend(kerberos::cases());
    cases
}

/// The fixed fields of a DHCP message with these options.
fn dhcp_message(operation: u8, options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![operation, 1, 6, 0];
    bytes.resize(28, 0);
    bytes.extend([2, 0, 0, 0xaa, 0xbb, 1]);
    bytes.resize(236, 0);
    bytes.extend([0x63, 0x82, 0x53, 0x63]);
    bytes.extend(options);
    bytes.push(255);
    bytes
}

fn dhcp() -> FrameCase {
    let discover = dhcp_message(
        1,
        &hex("350101 0c03616263 3204 0a000007 3c08 4d53465420352e30 3704 0103060f"),
    );
    let offer = dhcp_message(2, &hex("350102 3304 00000e10 0c03 787878"));
    let request = dhcp_message(1, &hex("350103 3702 0103"));
    let ack = dhcp_message(2, &hex("350105 3304 00000001"));
    let frames = datagrams(&[(F, &discover), (B, &offer), (F, &request), (B, &ack)]);
    let want = vec![
        ("app", t("dhcp")),
        ("dhcp_message_types", t("discover,offer,request,ack")),
        ("dhcp_fingerprint", t("1,3,6,15")),
        ("dhcp_vendor_class", t("MSFT 5.0")),
        ("dhcp_hostname", t("abc")),
        ("dhcp_client_mac", t("02:00:00:aa:bb:01")),
        ("dhcp_requested_ip", t("10.0.0.7")),
        ("dhcp_lease_time", n(3600.0)),
        ("ntp_version", NULL),
        ("session_commands", NULL),
    ];
    FrameCase { name: "an address is lent", frames, want }
}

/// A request of the elder kind, over a link that is no Ethernet.
fn bootp() -> FrameCase {
    let mut request = dhcp_message(1, &hex("0104 ffffff00"));
    request[1] = 6;
    let frames = datagrams(&[(F, &request)]);
    let nulls = ["dhcp_message_types", "dhcp_fingerprint", "dhcp_vendor_class", "dhcp_hostname"];
    let more = ["dhcp_client_mac", "dhcp_requested_ip", "dhcp_lease_time"];
    let mut want: Vec<_> = nulls.into_iter().chain(more).map(|name| (name, NULL)).collect();
    want.push(("app", t("dhcp")));
    FrameCase { name: "BOOTP", frames, want }
}

/// A message of NTP version 4 that tells times.
fn ntp(first: u8, stratum: u8, reference: [u8; 4]) -> Vec<u8> {
    let mut bytes = vec![first, stratum, 3, 0xe9, 0, 0, 1, 0, 0, 0, 2, 0];
    bytes.extend(reference);
    for _ in 0..4 {
        bytes.extend(hex("e0000000 12345678"));
    }
    bytes
}

fn ntp_server() -> FrameCase {
    let frames = datagrams(&[(F, &ntp(0x23, 2, [10, 0, 0, 9])), (B, &ntp(0x24, 1, *b"GPS\0"))]);
    let want = vec![
        ("app", t("ntp")),
        ("ntp_version", n(4.0)),
        ("ntp_mode", n(3.0)),
        ("ntp_stratum", n(1.0)),
        ("ntp_reference", t("GPS")),
        ("ntp_control_messages", n(0.0)),
        ("dhcp_message_types", NULL),
    ];
    FrameCase { name: "a clock", frames, want }
}

/// Only questions, one of them about the server itself.
fn ntp_client() -> FrameCase {
    let control = hex("16 02 0001 0000 0000 0000 0000");
    let frames = datagrams(&[(F, &ntp(0x1b, 3, [10, 0, 0, 9])), (F, &control)]);
    let want = vec![
        ("ntp_version", n(3.0)),
        ("ntp_mode", n(3.0)),
        ("ntp_stratum", NULL),
        ("ntp_reference", NULL),
        ("ntp_control_messages", n(1.0)),
    ];
    FrameCase { name: "unanswered questions for the time", frames, want }
}

fn smtp() -> FrameCase {
    let frames = talk(&[
        (B, b"220-mx.example.net ESMTP ready\r\n220 have fun\r\n"),
        (F, b"EHLO mail.example.org\r\n"),
        (B, b"250-mx.example.net\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n"),
        (F, b"AUTH LOGIN\r\n"),
        (B, b"334 VXNlcm5hbWU6\r\n"),
        (F, b"am9l\r\n"),
        (B, b"334 UGFzc3dvcmQ6\r\n"),
        (F, b"eA==\r\n"),
        (B, b"235 ok\r\n"),
        // Refused: what follows is a command again.
        (F, b"MAIL FROM:<a@example.org>\r\nRCPT TO:<x@example.net>\r\nDATA\r\n"),
        (B, b"250 ok\r\n550 who?\r\n503 no recipient\r\n"),
        (F, b"RCPT TO:<b@example.net>\r\nDATA\r\n"),
        (B, b"250 ok\r\n354 go on\r\n"),
        (F, b"Subject: x\r\n\r\nQUIT\r\nRCPT TO:<no@example.net>\r\n..\r\n.\r\n"),
        (B, b"250 queued\r\n"),
        (F, b"MAIL FROM:<>\r\nRCPT TO:<c@example.net>\r\nBDAT 6 LAST\r\nRSET\r\nQUIT\r\n"),
        (B, b"250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n"),
    ]);
    let want = vec![
        ("app", t("smtp")),
        ("session_banner", t("mx.example.net ESMTP ready")),
        ("session_command_list", t("EHLO,AUTH,MAIL,RCPT,DATA,BDAT,QUIT")),
        // EHLO AUTH MAIL RCPT DATA RCPT DATA MAIL RCPT BDAT QUIT
        ("session_commands", n(11.0)),
        ("session_errors", n(2.0)),
        ("session_clear_login", b(true)),
        ("session_starttls", b(false)),
        ("smtp_helo", t("mail.example.org")),
        ("smtp_recipients", n(3.0)),
        ("sip_method", NULL),
        ("ldap_messages", NULL),
    ];
    FrameCase { name: "mail", frames, want }
}

/// A server that closes after it has greeted.
fn greetings_alone() -> FrameCase {
    let frames = talk(&[(B, b"220 mx.example.net ESMTP\r\n")]);
    let want = vec![
        ("app", t("smtp")),
        ("session_banner", t("mx.example.net ESMTP")),
        ("session_command_list", NULL),
        ("session_commands", n(0.0)),
        ("smtp_helo", NULL),
        ("smtp_recipients", n(0.0)),
    ];
    FrameCase { name: "a greeting", frames, want }
}

fn imap() -> FrameCase {
    let hello = client_hello();
    let frames = talk(&[
        (B, b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
        (F, b"a1 LOGIN {3}\r\n"),
        (B, b"+ go on\r\n"),
        // The name is no line, and no command.
        (F, b"a NOOP\r\n"),
        (F, b"a2 logout\r\n"),
        (B, b"* 1 FETCH (BODY[] {14}\r\na1 NO not me\r\n)\r\na1 BAD no\r\n"),
        (F, b"a3 STARTTLS\r\n"),
        (B, b"a3 OK begin\r\n"),
        (F, &hello),
    ]);
    let want = vec![
        ("app", t("tls")),
        ("app_stack", t("imap>tls")),
        ("session_banner", t("[CAPABILITY IMAP4rev1 STARTTLS] ready")),
        // `a N` is the literal, `OOP` what is left of its line.
        ("session_command_list", t("LOGIN,LOGOUT,STARTTLS")),
        ("session_commands", n(3.0)),
        ("session_errors", n(1.0)),
        ("session_clear_login", b(true)),
        ("session_starttls", b(true)),
        ("smtp_recipients", NULL),
        ("smtp_helo", NULL),
    ];
    FrameCase { name: "letters are looked at", frames, want }
}

fn pop3() -> FrameCase {
    let frames = talk(&[
        (B, b"+OK pop.example.net\r\n"),
        (F, b"USER joe\r\n"),
        (B, b"+OK\r\n"),
        (F, b"RETR 1\r\n"),
        (B, b"+OK 20 octets\r\n-ERR in a letter\r\n.\r\n"),
        (F, b"DELE 9\r\n"),
        (B, b"-ERR no such message\r\n"),
    ]);
    let want = vec![
        ("app", t("pop3")),
        ("session_banner", t("pop.example.net")),
        ("session_command_list", t("USER,RETR,DELE")),
        ("session_errors", n(1.0)),
        ("session_clear_login", b(false)),
    ];
    FrameCase { name: "letters are fetched", frames, want }
}

/// With replies of many lines, and a line that is too long to be read.
fn ftp() -> FrameCase {
    let long = [b"220 never ".as_slice(), &[b'x'; 1200], b"\r\n"].concat();
    let says: [(Direction, &[u8]); 7] = [
        (B, b"220 files\r\n"),
        (F, b"USER anonymous\r\n"),
        (B, b"331 name\r\n"),
        (F, b"PASS x@y\r\n"),
        (B, b"230-Welcome\r\n 530 not a reply\r\n500 of another code\r\n230 in\r\n"),
        (F, b"RETR none\r\n"),
        (B, &long),
    ];
    let talk = says.iter().fold(Talk::new(), |talk, (from, bytes)| talk.say(*from, bytes));
    let frames = talk.say(B, b"550 none\r\n").close();
    let want = vec![
        ("app", t("ftp")),
        ("session_banner", t("files")),
        ("session_command_list", t("USER,PASS,RETR")),
        ("session_commands", n(3.0)),
        ("session_errors", n(1.0)),
        ("session_clear_login", b(true)),
    ];
    FrameCase { name: "a file", frames, want }
}

fn sip() -> FrameCase {
    let invite = b"INVITE sip:bob@example.org SIP/2.0\r\nCall-ID: 1\r\nUser-Agent: Phone 1\r\nContent-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0";
    let ringing = b"SIP/2.0 180 Ringing\r\nCall-ID: 1\r\n\r\n";
    let busy = b"SIP/2.0 486 Busy\r\nCall-ID: 1\r\nServer: Exchange\r\n\r\n";
    let again = b"OPTIONS sip:bob@example.org SIP/2.0\r\ni: 2\r\n\r\n";
    let frames = datagrams(&[(F, invite), (B, ringing), (B, busy), (F, again)]);
    let want = vec![
        ("app", t("sip")),
        ("sip_method", t("INVITE")),
        ("sip_status", n(486.0)),
        ("sip_user_agent", t("Phone 1")),
        ("sip_server", t("Exchange")),
        ("sip_requests", n(2.0)),
        ("sip_responses", n(2.0)),
        ("sip_calls", n(2.0)),
        ("sip_media_described", b(true)),
        ("session_banner", NULL),
        ("session_commands", NULL),
        ("session_errors", NULL),
        ("session_clear_login", NULL),
        ("session_starttls", NULL),
    ];
    FrameCase { name: "a call", frames, want }
}

/// Over TCP, with bodies that look like messages; the first is an answer.
fn sip_options() -> FrameCase {
    let ok = b"SIP/2.0 100 Trying\r\nCall-ID: 7\r\nContent-Length: 24\r\n\r\nSIP/2.0 200 no\r\n\r\n\r\n\r\n\r\n";
    let frames = Talk::midway().say(F, &ok[..60]).say(F, &ok[60..]).say(F, ok).frames;
    let want = vec![
        ("sip_method", NULL),
        ("sip_status", NULL),
        ("sip_user_agent", NULL),
        ("sip_server", NULL),
        ("sip_requests", n(0.0)),
        ("sip_responses", n(2.0)),
        ("sip_calls", n(1.0)),
        ("sip_media_described", b(false)),
    ];
    FrameCase { name: "interim answers alone", frames, want }
}

fn ldap() -> FrameCase {
    let bind = hex("30 0e 020101 60 09 020103 0401 78 8001 79");
    let refused = hex("30 0c 020101 61 07 0a0131 0400 0400");
    let unbind = hex("30 05 020102 42 00");
    let frames = talk(&[(F, &bind), (B, &refused), (F, &unbind)]);
    let want = vec![
        ("app", t("ldap")),
        ("ldap_version", n(3.0)),
        ("ldap_authentication", t("simple")),
        ("ldap_operations", t("bind,bind-response,unbind")),
        ("ldap_messages", n(3.0)),
        ("ldap_errors", n(1.0)),
        ("smb_messages", NULL),
    ];
    FrameCase { name: "a wrong password", frames, want }
}

/// A search without a bind: its entry comes in two segments.
fn ldap_search() -> FrameCase {
    let search = hex(
        "30 25 020102 63 20 0400 0a0100 0a0100 020100 020100 010100 870b 6f626a656374636c617373 3000",
    );
    let entry = [hex("30 82 0258 020102 64 82 0251 0400 30 82 024b"), vec![0x30; 587]].concat();
    let done = hex("30 0c 020102 65 07 0a0100 0400 0400");
    let whole = [entry.clone(), done].concat();
    let frames = Talk::new().say(F, &search).say(B, &whole[..530]).say(B, &whole[530..]).close();
    let want = vec![
        ("app", t("ldap")),
        ("ldap_version", NULL),
        ("ldap_authentication", NULL),
        ("ldap_operations", t("search,search-entry,search-done")),
        ("ldap_messages", n(3.0)),
        ("ldap_errors", n(0.0)),
    ];
    FrameCase { name: "a search", frames, want }
}

/// A message of SMB 2 after its frame header.
fn smb_2(command: u8, response: bool, status: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 64 + body.len() as u8];
    bytes.extend(b"\xfeSMB\x40\0\0\0");
    bytes.extend(status.to_le_bytes());
    bytes.extend([command, 0, 0, 0, u8::from(response)]);
    bytes.resize(68, 0);
    bytes.extend(body);
    bytes
}

fn smb() -> FrameCase {
    // Version 1 offers, and the server asks to negotiate again with version 2.
    let mut first = vec![0, 0, 0, 36];
    first.extend(b"\xffSMB\x72");
    first.resize(40, 0);
    let again = smb_2(0, true, 0, &hex("4100 0100 ff02 0000"));
    let chosen = smb_2(0, true, 0, &hex("4100 0300 1103 0000"));
    let more = smb_2(1, true, 0xc000_0016, b"");
    let refused = smb_2(1, true, 0xc000_006d, b"");
    let sealed = [&[0, 0, 0, 60][..], b"\xfdSMB", &[0; 56]].concat();
    let frames = talk(&[
        (F, &first),
        (B, &again),
        (F, &smb_2(0, false, 0, &[36])),
        (B, &chosen),
        (F, &smb_2(1, false, 0, b"xxxxNTLMSSP\0\x01")),
        (B, &more),
        (F, &smb_2(1, false, 0, b"xxxxNTLMSSP\0\x03")),
        (B, &refused),
        (F, &sealed),
    ]);
    let want = vec![
        ("app", t("smb")),
        ("smb_dialect", t("3.1.1")),
        ("smb_signing_required", b(true)),
        ("smb_commands", t("negotiate,negotiate,session-setup")),
        ("smb_messages", n(8.0)),
        ("smb_errors", n(1.0)),
        ("smb_ntlm", b(true)),
        ("smb_encrypted_messages", n(1.0)),
        ("rdp_cookie", NULL),
    ];
    FrameCase { name: "a share", frames, want }
}

/// Only a session is asked for, and what is said in it is encrypted.
fn smb_request() -> FrameCase {
    let mut request = vec![0x81, 0, 0, 68, 32];
    request.extend(b"CKFDENECFDEFFCFGEFFCCACACACACACA");
    request.extend([0, 32]);
    request.extend(b"EKEFEMEMEJCACACACACACACACACACACA\0");
    let sealed = [&[0, 0, 0, 60][..], b"\xfdSMB", &[0; 56]].concat();
    let frames = talk(&[(F, &request), (B, &[0x82, 0, 0, 0]), (F, &sealed)]);
    let want = vec![
        ("smb_dialect", NULL),
        ("smb_signing_required", NULL),
        ("smb_commands", NULL),
        ("smb_messages", n(0.0)),
        ("smb_errors", n(0.0)),
        ("smb_ntlm", b(false)),
        ("smb_encrypted_messages", n(1.0)),
    ];
    FrameCase { name: "an encrypted share", frames, want }
}

fn rdp() -> FrameCase {
    let mut request = hex("0300002b 26e00000000000");
    request.extend(b"Cookie: mstshash=joe\r\n");
    request.extend(hex("0100080003000000"));
    request[3] = request.len() as u8;
    request[4] = request.len() as u8 - 5;
    let confirm = hex("03000013 0ed00000123400 0200080002000000");
    let frames = talk(&[(F, &request), (B, &confirm), (F, &client_hello())]);
    let want = vec![
        ("app_stack", t("rdp>tls")),
        ("rdp_cookie", t("joe")),
        ("rdp_requested_protocols", t("tls,credssp")),
        ("rdp_selected_protocol", t("credssp")),
    ];
    FrameCase { name: "a desktop", frames, want }
}

fn rdp_refused() -> FrameCase {
    let request = hex("03000013 0ee00000000000 0100080000000000");
    let failure = hex("03000013 0ed00000123400 0300080005000000");
    let frames = talk(&[(F, &request), (B, &failure)]);
    let want = vec![
        ("app", t("rdp")),
        ("rdp_cookie", NULL),
        ("rdp_requested_protocols", t("rdp")),
        ("rdp_selected_protocol", NULL),
    ];
    FrameCase { name: "a desktop that wants TLS", frames, want }
}

fn mqtt() -> FrameCase {
    let frames = talk(&[
        (F, b"\x10\x13\0\x04MQTT\x04\x82\0\x3c\0\x04abcd\0\x01u"),
        (B, b"\x20\x02\0\x05"),
        (F, b"\x32\x07\0\x01t\0\x01hi\xc0\0"),
    ]);
    let want = vec![
        ("app", t("mqtt")),
        ("mqtt_version", n(4.0)),
        ("mqtt_client_id", t("abcd")),
        ("mqtt_keep_alive", n(60.0)),
        ("mqtt_with_user", b(true)),
        ("mqtt_connect_code", n(5.0)),
        ("mqtt_packet_types", t("connect,connack,publish,pingreq")),
        ("mqtt_packets", n(4.0)),
    ];
    FrameCase { name: "a thing", frames, want }
}

/// A CONNECT that is cut by the end of the connection.
fn mqtt_publish() -> FrameCase {
    let frames = talk(&[(F, b"\x10\x13\0\x04MQTT\x04\x82")]);
    let want = vec![
        ("app", t("mqtt")),
        ("mqtt_version", NULL),
        ("mqtt_client_id", NULL),
        ("mqtt_keep_alive", NULL),
        ("mqtt_with_user", NULL),
        ("mqtt_connect_code", NULL),
        ("mqtt_packet_types", NULL),
        ("mqtt_packets", n(0.0)),
    ];
    FrameCase { name: "a thing that goes", frames, want }
}

fn stun() -> FrameCase {
    let cookie = "2112a442 000102030405060708090a0b";
    let request = hex(&format!("0001 0008 {cookie} 8022 0003 61626300"));
    let answer = hex(&format!("0101 000c {cookie} 0020 0008 0001 1234 5678 9abc"));
    let send = hex(&format!("0016 0000 {cookie}"));
    let frames = datagrams(&[(F, &request), (B, &answer), (F, &send), (F, &request)]);
    let want = vec![
        ("app", t("stun")),
        ("stun_message_types", t("binding-request,binding-success,send-indication")),
        ("stun_software", t("abc")),
        ("stun_address_told", b(true)),
        ("snmp_version", NULL),
    ];
    FrameCase { name: "an address is asked for", frames, want }
}

/// Over TCP, in segments that are no messages.
fn stun_stream() -> FrameCase {
    let cookie = "2112a442 000102030405060708090a0b";
    let request = hex(&format!("0003 0008 {cookie} 8022 0003 61626300"));
    let answer = hex(&format!("0103 000c {cookie} 0020 0008 0001 1234 5678 9abc"));
    let data = hex("4001 0005 01020304 05000000");
    let says = [data, request.clone()].concat();
    let frames = Talk::new().say_in(F, &request, 9).say_in(B, &answer, 7).say_in(F, &says, 5);
    let want = vec![
        ("app", t("stun")),
        ("stun_message_types", t("allocate-request,allocate-success")),
        ("stun_software", t("abc")),
        ("stun_address_told", b(true)),
    ];
    FrameCase { name: "an address over TCP", frames: frames.close(), want }
}

fn snmp() -> FrameCase {
    let get = hex("30 1d 020101 0406 7075626c6963 a1 10 020101 020100 020100 30 05 3003 0601 2b");
    let mut answer = get.clone();
    answer[13] = 0xa2;
    let frames = datagrams(&[(F, &get), (B, &answer)]);
    let want = vec![
        ("app", t("snmp")),
        ("snmp_version", t("2c")),
        ("snmp_pdu_types", t("get-next,response")),
        ("snmp_community_length", n(6.0)),
        ("ike_version", NULL),
    ];
    FrameCase { name: "a walk", frames, want }
}

/// Encrypted.
fn snmp_3() -> FrameCase {
    let sealed = hex("30 1e 020103 30 0d 020101 020204d2 040107 020103 0400 0408 0102030405060708");
    let frames = datagrams(&[(F, &sealed)]);
    let want = vec![
        ("app", t("snmp")),
        ("snmp_version", t("3")),
        ("snmp_pdu_types", NULL),
        ("snmp_community_length", NULL),
    ];
    FrameCase { name: "an encrypted walk", frames, want }
}

fn ike() -> FrameCase {
    let init = hex("0102030405060708 0000000000000000 21 20 22 08 00000000 0000001c");
    let auth = hex("0102030405060708 1112131415161718 2e 20 23 08 00000001 0000001c");
    let frames = datagrams(&[(F, &init), (B, &init), (F, &auth)]);
    let want = vec![
        ("app", t("ike")),
        ("ike_version", n(2.0)),
        ("ike_exchange_types", t("sa-init,auth")),
        ("stun_message_types", NULL),
    ];
    FrameCase { name: "keys are agreed", frames, want }
}

/// Nothing of all this.
fn other() -> FrameCase {
    let table = rheos_features::table::columns();
    let own = table.filter(|column| rheos_features::table::group_of(column).name == "services");
    let want: Vec<(&'static str, Value)> = own.map(|column| (column.name, NULL)).collect();
    assert!(want.len() > 40);
    FrameCase { name: "something else", frames: talk(&[(F, b"hello\n"), (B, b"hi\n")]), want }
}

#[test]
fn every_flow_says_what_was_computed_by_hand() {
    cases().iter().for_each(FrameCase::check);
}

/// However what is said is cut into segments, the rows are the same.
#[test]
fn segments_make_no_difference() {
    let says: [&[(Direction, &[u8])]; 2] = [
        &[
            (B, b"220 mx.example.net ESMTP\r\n"),
            (F, b"EHLO me\r\n"),
            (B, b"250 ok\r\n"),
            (F, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 9 LAST\r\nQUIT\r\nxx\nQUIT\r\n"),
        ],
        &[(F, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd"), (F, b"\x30\x05\0\x01tab\xe0\0")],
    ];
    let names = ["session_command_list", "session_banner", "mqtt_client_id", "mqtt_packet_types"];
    for says in says {
        let told = |size| {
            let cut =
                |talk: Talk, &(from, bytes): &(Direction, &[u8])| talk.say_in(from, bytes, size);
            let row = rows(&says.iter().fold(Talk::new(), cut).close()).remove(0);
            names.map(|name| row.get(name).to_string())
        };
        let whole = told(1000);
        for size in 1..20 {
            assert_eq!(told(size), whole, "segments of {size} bytes");
        }
    }
}

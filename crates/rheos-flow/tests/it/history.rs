//! History letters and connection states, against what Zeek documents for the same packets.

use rheos_wire::Packet;
use rheos_wire::tcp_flags::{ACK, FIN, RST, SYN};

use super::packets::{config, flows_of, tcp, udp};

/// History and state of packets that make one flow; times are set to their order.
fn told(packets: &[Packet]) -> (String, &'static str) {
    let flows = flows_of(packets, &config(0));
    assert_eq!(flows.len(), 1);
    (flows[0].head.history.to_string(), flows[0].head.conn.label())
}

fn check(packets: &[Packet], history: &str, state: &str) {
    assert_eq!(told(packets), (history.to_owned(), state));
}

fn handshake() -> Vec<Packet> {
    vec![
        tcp(0, true, SYN, 100, 0, 0),
        tcp(1, false, SYN | ACK, 500, 101, 0),
        tcp(2, true, ACK, 101, 501, 0),
    ]
}

fn with(more: &[Packet]) -> Vec<Packet> {
    let mut packets = handshake();
    packets.extend_from_slice(more);
    packets
}

#[test]
fn states_of_attempts() {
    let syn = tcp(0, true, SYN, 100, 0, 0);
    check(&[syn], "S", "S0");
    check(&[syn, tcp(1, false, RST | ACK, 0, 101, 0)], "Sr", "REJ");
    check(&[syn, tcp(1, true, RST, 101, 0, 0)], "SR", "RSTOS0");
    check(&[syn, tcp(1, true, FIN, 101, 0, 0)], "SF", "SH");
    check(&handshake(), "ShA", "S1");
    check(&[tcp(0, true, SYN | FIN, 100, 0, 0)], "Q", "SH");
    check(&[tcp(0, true, FIN | RST, 100, 0, 0)], "I", "OTH");
    check(&[tcp(0, true, ACK, 100, 7, 10), tcp(1, false, ACK, 7, 110, 0)], "Da", "OTH");
}

#[test]
fn states_of_the_responder_alone() {
    let answer = tcp(0, false, SYN | ACK, 500, 101, 0);
    check(&[answer, tcp(1, false, RST, 501, 0, 0)], "^hr", "RSTRH");
    check(&[answer, tcp(1, false, FIN | ACK, 501, 101, 0)], "^hf", "SHR");
    check(&[answer, tcp(1, true, ACK, 101, 501, 0)], "^hA", "S1");
}

#[test]
fn states_of_closes() {
    let fin = tcp(3, true, FIN | ACK, 101, 501, 0);
    check(&with(&[fin]), "ShAF", "S2");
    check(&with(&[tcp(3, false, FIN | ACK, 501, 101, 0)]), "ShAf", "S3");
    let answer = tcp(4, false, FIN | ACK, 501, 102, 0);
    check(&with(&[fin, answer, tcp(5, true, ACK, 102, 502, 0)]), "ShAFf", "SF");
    check(&with(&[tcp(3, true, RST, 101, 0, 0)]), "ShAR", "RSTO");
    check(&with(&[tcp(3, false, RST, 501, 0, 0)]), "ShAr", "RSTR");
}

#[test]
fn data_retransmission_and_zero_window() {
    let data = tcp(3, true, ACK, 101, 501, 10);
    let zero = Packet {
        tcp: rheos_wire::TcpHeader { window: 0, ..tcp(4, false, ACK, 501, 111, 0).tcp },
        ..tcp(4, false, ACK, 501, 111, 0)
    };
    check(&with(&[data]), "ShAD", "S1");
    check(&with(&[data, data]), "ShADT", "S1");
    check(&with(&[data; 11]), "ShADTT", "S1");
    check(&with(&[data, zero]), "ShADaw", "S1");
}

#[test]
fn letters_come_again_for_another_sequence_number() {
    let fin = |seq| tcp(3, true, FIN | ACK, seq, 501, 0);
    check(&with(&[fin(101), fin(101)]), "ShAF", "S2");
    check(&with(&[fin(101), fin(105)]), "ShAFF", "S2");
}

#[test]
fn a_gap_is_what_was_acknowledged_and_never_seen() {
    let first = tcp(3, true, ACK, 101, 501, 10);
    let third = tcp(4, true, ACK, 121, 501, 10);
    let second = tcp(5, true, ACK, 111, 501, 10);
    let all = tcp(6, false, ACK, 501, 131, 0);
    check(&with(&[first, third, all]), "ShADGa".replace("Ga", "aG").as_str(), "S1");
    check(&with(&[first, third, second, all]), "ShADTa", "S1");
    check(&with(&[first, all]), "ShADaG", "S1");
}

#[test]
fn a_wrong_checksum_counts_and_changes_nothing_else() {
    let mut bad = tcp(3, true, FIN | ACK, 101, 501, 0);
    bad.checksum.wrong = Some(rheos_core::DropReason::ChecksumTcp);
    check(&with(&[bad]), "ShAC", "S1");
}

#[test]
fn udp_states_and_letters() {
    let there = udp(0, (1, 5), (2, 53), 10);
    let back = udp(1, (2, 53), (1, 5), 10);
    check(&[there, there], "D", "S0");
    check(&[there, back, there], "Dd", "SF");
    let icmp = Packet { tuple: super::packets::tuple((1, 8), (2, 0), 1), icmp_type: 8, ..there };
    check(&[icmp], "", "OTH");
}

//! MQTT 3.1.1 control packets (OASIS).

use std::io::Write;

use super::super::message::Message;
use super::tls::sized16;

const TOPICS: &[&str] = &["temperature", "humidity", "power", "door", "motion", "battery"];

pub(crate) fn connect(message: &Message, out: &mut Vec<u8>) {
    let number = message.key.bits(1) as u32;
    packet(out, 0x10, |out| {
        sized16(out, |out| out.extend_from_slice(b"MQTT"));
        // Level 4, clean session, keep alive 60 s.
        out.extend_from_slice(&[4, 2, 0, 60]);
        sized16(out, |out| {
            let _ = write!(out, "sensor-{number:08x}");
        });
    });
}

pub(crate) fn connack(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x20, 2, 0, 0]);
}

/// With quality of service 1, so that it is acknowledged.
pub(crate) fn publish(message: &Message, out: &mut Vec<u8>) {
    let mut rng = message.key.rng();
    let topic = rng.pick(TOPICS);
    let value = rng.between(2_000, 4_000);
    packet(out, 0x32, |out| {
        sized16(out, |out| {
            let _ = write!(out, "site/{}/{topic}", message.name);
        });
        out.extend_from_slice(&identifier(message));
        let _ = write!(out, "{{\"{topic}\":{}.{:02},\"unit\":\"si\"}}", value / 100, value % 100);
    });
}

pub(crate) fn puback(message: &Message, out: &mut Vec<u8>) {
    let [high, low] = identifier(message);
    out.extend_from_slice(&[0x40, 2, high, low]);
}

/// Packet identifier: never 0. A publication and its acknowledgement share the key.
fn identifier(message: &Message) -> [u8; 2] {
    ((message.key.bits(2) as u16) | 1).to_be_bytes()
}

/// A packet with a remaining length of one byte.
fn packet(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let at = out.len();
    out.push(0);
    body(out);
    out[at] = ((out.len() - at - 1) as u8).min(127);
}

//! Plants and grids: Modbus over TCP (Modbus Messaging on TCP/IP), DNP3 (IEEE 1815).

use super::{Look, Said, Shot};
use crate::walk::be16;

/// A Modbus header and function: transaction, unit and function, if the length holds.
fn frame(bytes: &[u8]) -> Option<(u16, u8, u8)> {
    let head = bytes.first_chunk::<8>()?;
    let len = usize::from(be16(head, 4));
    let sound = be16(head, 2) == 0 && (2..=254).contains(&len);
    sound.then(|| (be16(head, 0), head[6], head[7]))
}

/// Modbus: request and response of one transaction, unit and function.
pub fn modbus(said: &Said<'_>) -> Look {
    let may = |bytes: &[u8]| {
        let zero = bytes
            .get(2..4.min(bytes.len()))
            .is_none_or(|protocol| protocol.iter().all(|&byte| byte == 0));
        let high = bytes.get(4).is_none_or(|&high| high == 0);
        zero && high
    };
    if !may(said.client) || !may(said.server) {
        return Look::No;
    }
    let (Some(asked), Some(answered)) = (frame(said.client), frame(said.server)) else {
        let short = |bytes: &[u8]| bytes.len() < 8;
        let open = |bytes: &[u8]| {
            short(bytes) || frame(bytes).is_some_and(|(_, _, function)| known(function))
        };
        return Look::More.when(open(said.client) && open(said.server));
    };
    let same = asked.0 == answered.0 && asked.1 == answered.1 && asked.2 == answered.2 & 0x7f;
    Look::sure("modbus.exchange").when(same && known(asked.2))
}

/// Public functions, and those that makers choose.
const fn known(function: u8) -> bool {
    matches!(function & 0x7f, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 | 65..=72 | 90 | 100..=110)
}

/// The check sum of DNP3's blocks: CRC-16 with the reversed polynomial 0xa6bc, inverted.
fn checksum(bytes: &[u8]) -> u16 {
    !bytes.iter().fold(0_u16, |crc, &byte| {
        (0..8)
            .fold(crc ^ u16::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xa6bc } else { 0 })
    })
}

/// A link header with its check sum, or as much of one as is there.
fn link_header(bytes: &[u8]) -> Look {
    let Some(head) = bytes.first_chunk::<10>() else {
        let may = [0x05, 0x64].iter().zip(bytes).all(|(a, b)| a == b);
        return Look::More.when(may);
    };
    let sound = head[..2] == [0x05, 0x64] && head[2] >= 5;
    let sum = u16::from_le_bytes([head[8], head[9]]);
    Look::sure("dnp3.header").when(sound && checksum(&head[..8]) == sum)
}

/// DNP3 over TCP.
pub fn dnp3_stream(said: &Said<'_>) -> Look {
    match link_header(said.client) {
        Look::More => link_header(said.server),
        look => look,
    }
}

/// DNP3 in a datagram.
pub fn dnp3(shot: &Shot<'_>) -> Look {
    match link_header(shot.bytes) {
        Look::More => Look::No,
        look => look,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, rule, said, shot};
    use super::*;

    #[test]
    fn registers() {
        let ask = hex("0001 0000 0006 11 03 006b 0003");
        let answer = hex("0001 0000 0009 11 03 06 022b 0000 0064");
        assert_eq!(rule(modbus(&said(&ask, b""))), "more");
        assert_eq!(rule(modbus(&said(&ask, &answer))), "modbus.exchange");
        assert_eq!(rule(modbus(&said(&ask, &hex("0002 0000 0009 11 03 06 022b")))), "no");
        assert_eq!(rule(modbus(&said(b"GET / HTTP", b""))), "no");
        let refused = hex("0001 0000 0003 11 83 02");
        assert_eq!(rule(modbus(&said(&ask, &refused))), "modbus.exchange");
    }

    #[test]
    fn substations() {
        // Reset of link states; the check sum is that of IEEE 1815's own example frames.
        let mut bytes = hex("0564 05 c0 0100 0004");
        bytes.extend(checksum(&bytes).to_le_bytes());
        assert_eq!(rule(dnp3(&shot(&bytes))), "dnp3.header");
        assert_eq!(rule(dnp3_stream(&said(&bytes[..4], b""))), "more");
        assert_eq!(checksum(b"123456789"), 0xea82, "the catalogue's check value");
        bytes[9] ^= 1;
        assert_eq!(rule(dnp3(&shot(&bytes))), "no");
    }
}

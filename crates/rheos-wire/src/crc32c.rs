//! CRC-32C (Castagnoli), as SCTP uses it (RFC 9260, appendix A).

/// The polynomial 0x1edc6f41 with its bits reversed, as the least significant bit is sent first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// What a byte adds to the remainder when as many bytes follow it as the table's number: eight bytes at a time
/// need one look into each table, and none waits for another.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let odd = remainder & 1 == 1;
            remainder = remainder >> 1 ^ if odd { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut number = 1;
    while number < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u32 = tables[number - 1][byte];
            tables[number][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        number += 1;
    }
    tables
}

/// A remainder in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc32c(u32);

impl Crc32c {
    /// Of no bytes yet.
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Goes on with these bytes.
    #[must_use]
    pub(crate) fn update(self, bytes: &[u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks::<8>();
        let mut remainder = self.0;
        for block in blocks {
            let word = u64::from_le_bytes(*block) ^ u64::from(remainder);
            remainder = word
                .to_le_bytes()
                .into_iter()
                .zip(TABLES.iter().rev())
                .fold(0, |sum, (byte, table)| sum ^ table[usize::from(byte)]);
        }
        for byte in rest {
            remainder = remainder >> 8 ^ TABLES[0][usize::from(remainder as u8 ^ byte)];
        }
        Self(remainder)
    }

    /// The checksum of all bytes.
    pub(crate) const fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32c(bytes: &[u8]) -> u32 {
        Crc32c::new().update(bytes).finish()
    }

    /// Those of RFC 3720, appendix B.4, and the check value of the catalogues.
    #[test]
    fn known_checksums() {
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&rising), 0x46dd_794e);
        assert_eq!(crc32c(&falling), 0x113f_db5c);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[]), 0);
    }

    #[test]
    fn parts_give_what_the_whole_gives() {
        let bytes: Vec<u8> = (0..100_u32).map(|i| (i * i + 7) as u8).collect();
        for cut in 0..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(Crc32c::new().update(head).update(tail).finish(), crc32c(&bytes), "{cut}");
        }
    }
}

//! Prefix-preserving pseudonyms of IP addresses.
//!
//! Source: J. Xu, J. Fan, M. Ammar, S. Moon, "Prefix-Preserving IP Address Anonymization: Measurement-based Security
//! Evaluation and a New Cryptography-based Scheme", ICNP 2002. Bit *i* of an address is flipped by a bit that AES-128
//! makes of the *i* bits before it: so addresses with a common prefix get pseudonyms with one of the same length.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use aes::Aes128;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};

/// The mapping of one key.
pub struct CryptoPan {
    aes: Aes128,
    /// Fills the block after the bits of the address.
    pad: u128,
}

impl fmt::Debug for CryptoPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptoPan(..)")
    }
}

impl CryptoPan {
    /// The mapping of a key: 16 bytes for AES, 16 for the pad.
    pub fn new(key: &[u8; 32]) -> Self {
        let (cipher, pad) = key.split_at(16);
        let block = |half: &[u8]| Block::<Aes128>::try_from(half).expect("half a key is a block");
        let aes = Aes128::new(&block(cipher));
        let mut pad = block(pad);
        aes.encrypt_block(&mut pad);
        Self { aes, pad: u128::from_be_bytes(pad.into()) }
    }

    /// The pseudonym of an IPv4 address.
    pub fn v4(&self, address: Ipv4Addr) -> Ipv4Addr {
        let bits = u128::from(address.to_bits()) << 96;
        Ipv4Addr::from_bits((self.mapped(bits, 32) >> 96) as u32)
    }

    /// The pseudonym of an IPv6 address.
    pub fn v6(&self, address: Ipv6Addr) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.mapped(address.to_bits(), 128))
    }

    /// Maps the uppermost `len` bits.
    fn mapped(&self, address: u128, len: u32) -> u128 {
        let mut flips = 0;
        for position in 0..len {
            // The first `position` bits are the address's, the others the pad's.
            let of_pad = u128::MAX >> position;
            let input = address & !of_pad | self.pad & of_pad;
            let mut block = Block::<Aes128>::from(input.to_be_bytes());
            self.aes.encrypt_block(&mut block);
            flips |= u128::from(block[0] >> 7) << (127 - position);
        }
        address ^ flips
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and pairs of the paper's sample trace.
    const KEY: [u8; 32] = [
        21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131,
        121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2,
    ];

    #[test]
    fn addresses_become_those_of_the_sample_trace() {
        let pan = CryptoPan::new(&KEY);
        for (address, pseudonym) in [
            ("128.11.68.132", "135.242.180.132"),
            ("129.118.74.4", "134.136.186.123"),
            ("130.132.252.244", "133.68.164.234"),
            ("141.223.7.43", "141.167.8.160"),
            ("141.233.145.108", "141.129.237.235"),
            ("152.163.225.39", "151.140.114.167"),
            ("156.29.3.236", "147.225.12.42"),
            ("165.247.96.84", "162.9.99.234"),
            ("166.107.77.190", "160.132.178.185"),
            ("192.102.249.13", "252.138.62.131"),
        ] {
            let mapped = pan.v4(address.parse().unwrap());
            assert_eq!(mapped, pseudonym.parse::<Ipv4Addr>().unwrap(), "{address}");
        }
    }

    #[test]
    fn common_prefixes_stay_as_long_as_they_are() {
        let pan = CryptoPan::new(&KEY);
        let base: u128 = 0x2001_0db8_85a3_0000_0000_8a2e_0370_7334;
        let mapped = pan.v6(Ipv6Addr::from_bits(base)).to_bits();
        for bit in 0..128 {
            let other = pan.v6(Ipv6Addr::from_bits(base ^ 1 << (127 - bit))).to_bits();
            assert_eq!((mapped ^ other).leading_zeros(), bit);
        }
    }
}

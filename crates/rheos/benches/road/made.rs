//! The benchmark's capture: the corpus' `bench.pcap.zst`, over and over with other times and addresses.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use rheos_core::{Frame, IpVersion, LinkType, Timestamp};
use rheos_wire::{ChecksumPolicy, DecodeConfig, Decoded, Packet, decode};

/// How repetitions lie in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after the other: as many flows live at once as in one.
    Shifted,
    /// All at once, packet by packet: as many times more flows live at once.
    Overlapping,
}

impl FromStr for Order {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "shifted" => Ok(Self::Shifted),
            "overlapping" => Ok(Self::Overlapping),
            _ => bail!("`{text}` is neither `shifted` nor `overlapping`"),
        }
    }
}

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const MICROS: u64 = 1_000_000;

/// A frame of the original, and where its addresses and checksums lie.
struct Original<'a> {
    micros: u64,
    wire_len: u32,
    data: &'a [u8],
    places: Option<Places>,
}

/// What is rewritten: the keyed IP header, and the transport checksum that covers its addresses.
#[derive(Clone, Copy)]
struct Places {
    version: IpVersion,
    ip: usize,
    transport: Option<usize>,
}

/// The repetitions `which` as a classic pcap file of microseconds.
pub(crate) fn capture(corpus: &Path, which: Range<u32>, order: Order) -> Result<Vec<u8>> {
    let path = corpus.join("bench.pcap.zst");
    let packed = std::fs::read(&path)
        .with_context(|| format!("cannot read `{}`; set RHEOS_CORPUS", path.display()))?;
    let file = zstd::decode_all(&packed[..])?;
    let frames = originals(&file)?;
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else { bail!("no frames") };
    let span = last.micros - first.micros + MICROS;
    let mut out = Vec::with_capacity(FILE_HEADER + file.len() * which.len());
    out.extend(&file[..FILE_HEADER]);
    match order {
        Order::Shifted => {
            for number in which {
                for frame in &frames {
                    append(&mut out, frame, number, u64::from(number) * span);
                }
            }
        }
        Order::Overlapping => {
            for frame in &frames {
                for number in which.clone() {
                    append(&mut out, frame, number, 0);
                }
            }
        }
    }
    Ok(out)
}

fn originals(file: &[u8]) -> Result<Vec<Original<'_>>> {
    let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    if word(0) != Some(0xa1b2_c3d4) || word(20) != Some(1) {
        bail!("the benchmark's capture is no little-endian Ethernet pcap of microseconds");
    }
    let config = DecodeConfig { checksums: ChecksumPolicy::Ignore, ..DecodeConfig::default() };
    let mut frames = Vec::new();
    let mut at = FILE_HEADER;
    while let (Some(sec), Some(micros), Some(len), Some(wire_len)) =
        (word(at), word(at + 4), word(at + 8), word(at + 12))
    {
        let data = file.get(at + RECORD_HEADER..at + RECORD_HEADER + len as usize);
        let data = data.context("the benchmark's capture is cut")?;
        let places = places(data, wire_len, &config);
        frames.push(Original {
            micros: u64::from(sec) * MICROS + u64::from(micros),
            wire_len,
            data,
            places,
        });
        at += RECORD_HEADER + len as usize;
    }
    Ok(frames)
}

/// Where the innermost IP header lies; `None` for what is no packet.
fn places(data: &[u8], wire_len: u32, config: &DecodeConfig) -> Option<Places> {
    let mut packet = Packet::default();
    let frame = Frame { ts: Timestamp::ZERO, wire_len, link: LinkType::ETHERNET, data };
    match decode(frame, 0, config, &mut packet) {
        Decoded::Packet => {
            let transport = packet.l4_offset as usize;
            let transport = match packet.tuple.protocol {
                6 => Some(transport + 16),
                // A UDP checksum of zero stands for none.
                17 => Some(transport + 6)
                    .filter(|&at| data.get(at..at + 2).is_some_and(|sum| sum != [0, 0])),
                58 => Some(transport + 2),
                _ => None,
            };
            let ip = packet.l3_offset as usize;
            Some(Places { version: packet.tuple.version, ip, transport })
        }
        Decoded::Fragment(fragment) => Some(Places {
            version: fragment.version,
            ip: fragment.l3_offset as usize,
            transport: None,
        }),
        Decoded::Dropped(_) => None,
    }
}

/// Appends a frame with later time and the repetition's number in the second byte of both addresses.
fn append(out: &mut Vec<u8>, frame: &Original<'_>, number: u32, later: u64) {
    let micros = frame.micros + later;
    for word in [
        (micros / MICROS) as u32,
        (micros % MICROS) as u32,
        frame.data.len() as u32,
        frame.wire_len,
    ] {
        out.extend(word.to_le_bytes());
    }
    let start = out.len();
    out.extend(frame.data);
    let data = &mut out[start..];
    let Some(places) = frame.places else { return };
    let addresses = match places.version {
        IpVersion::V4 => [12, 16],
        IpVersion::V6 => [8, 24],
    };
    for address in addresses {
        let at = places.ip + address;
        let old = u16::from_be_bytes([data[at], data[at + 1]]);
        data[at + 1] = data[at + 1].wrapping_add(number as u8);
        let new = u16::from_be_bytes([data[at], data[at + 1]]);
        if places.version == IpVersion::V4 {
            update(data, places.ip + 10, old, new);
        }
        if let Some(transport) = places.transport {
            update(data, transport, old, new);
        }
    }
}

/// Changes the checksum at `at` as one of the words it covers changes (RFC 1624, equation 3).
fn update(data: &mut [u8], at: usize, old: u16, new: u16) {
    let Some(sum) = data.get_mut(at..at + 2) else { return };
    let before = u16::from_be_bytes([sum[0], sum[1]]);
    let mut after = u32::from(!before) + u32::from(!old) + u32::from(new);
    after = (after & 0xffff) + (after >> 16);
    after = (after & 0xffff) + (after >> 16);
    sum.copy_from_slice(&(!(after as u16)).to_be_bytes());
}

//! The corpus' captures, read by the shortest reader that gets by with sound files.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rheos_core::LinkType;

/// Where the corpus lies, if it is there; without it a line says that a test was skipped.
pub(crate) fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = PathBuf::from(std::env::var("RHEOS_CORPUS").unwrap_or_else(|_| beside.into()));
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: no corpus at {}; set RHEOS_CORPUS", root.display());
    None
}

/// Every capture in these folders of the corpus, by name.
pub(crate) fn files(root: &Path, folders: &[&str]) -> Vec<PathBuf> {
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("a corpus folder"))
        .map(|entry| entry.expect("a corpus entry").path())
        .filter(|path| path.is_file() && path.to_string_lossy().contains(".pcap"))
        .collect();
    files.sort();
    files
}

/// One frame of a capture.
pub(crate) struct Captured {
    pub(crate) link: LinkType,
    pub(crate) wire_len: u32,
    pub(crate) data: Vec<u8>,
}

/// All frames of a capture up to its first damage; empty for what is no capture.
pub(crate) fn frames(path: &Path) -> Vec<Captured> {
    let raw = fs::read(path).expect("a readable capture");
    let mut bytes = Vec::new();
    match raw.first_chunk() {
        Some([0x1f, 0x8b]) => {
            // A truncated stream gives what came before.
            let _ = flate2::read::MultiGzDecoder::new(&raw[..]).read_to_end(&mut bytes);
        }
        _ => bytes = raw,
    }
    match bytes.first_chunk() {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => pcapng(&bytes),
        Some([0xd4, 0xc3, 0xb2 | 0x3c, 0xa1 | 0xb2] | [0x4d, 0x3c, 0xb2, 0xa1]) => {
            pcap(&bytes, u32::from_le_bytes)
        }
        Some([0xa1 | 0xb2, 0xb2 | 0x3c, 0xc3 | 0x3c, 0xd4 | 0x4d]) => {
            pcap(&bytes, u32::from_be_bytes)
        }
        _ => Vec::new(),
    }
}

fn word(bytes: &[u8], at: usize, order: fn([u8; 4]) -> u32) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| order(*word))
}

fn pcap(bytes: &[u8], order: fn([u8; 4]) -> u32) -> Vec<Captured> {
    let link = LinkType(word(bytes, 20, order).unwrap_or(0) as u16);
    let mut frames = Vec::new();
    let mut at = 24;
    while let (Some(cap_len), Some(wire_len)) =
        (word(bytes, at + 8, order), word(bytes, at + 12, order))
    {
        let Some(data) = bytes.get(at + 16..at + 16 + cap_len as usize) else { break };
        frames.push(Captured { link, wire_len, data: data.to_vec() });
        at += 16 + cap_len as usize;
    }
    frames
}

fn pcapng(bytes: &[u8]) -> Vec<Captured> {
    let mut order: fn([u8; 4]) -> u32 = u32::from_le_bytes;
    let mut links = Vec::new();
    let mut frames = Vec::new();
    let mut at = 0;
    while at + 12 <= bytes.len() {
        let kind = word(bytes, at, order).unwrap_or(0);
        if kind == 0x0a0d_0d0a {
            let magic = bytes[at + 8..].first_chunk();
            order = match magic {
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => u32::from_be_bytes,
                _ => u32::from_le_bytes,
            };
            links.clear();
        }
        let len = word(bytes, at + 4, order).unwrap_or(0) as usize;
        let Some(body) = bytes.get(at + 8..(at + len).max(at + 12) - 4) else { break };
        let frame = |link: u32, cap_len: u32, wire_len: u32, from: usize| {
            let data = body.get(from..from + cap_len as usize)?.to_vec();
            Some(Captured { link: LinkType(*links.get(link as usize)?), wire_len, data })
        };
        let get = |at: usize| word(body, at, order).unwrap_or(0);
        match kind {
            1 => {
                let two = u16::try_from(get(0) & 0xffff).unwrap_or(0);
                let big_endian = order([0, 0, 0, 1]) == 1;
                links.push(if big_endian { (get(0) >> 16) as u16 } else { two });
            }
            6 => frames.extend(frame(get(0), get(12), get(16), 20)),
            3 => frames.extend(frame(0, get(0).min(body.len() as u32 - 4), get(0), 4)),
            _ => {}
        }
        if len < 12 {
            break;
        }
        at += len.next_multiple_of(4);
    }
    frames
}

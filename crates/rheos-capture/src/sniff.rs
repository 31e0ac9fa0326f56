//! Telling a file by its first bytes: captures, compressions, and what else people hand in by
//! mistake. Names and extensions are never looked at.

use std::fmt;
use std::path::Path;

use crate::info::Compression;

/// How many first bytes are looked at.
pub(crate) const SNIFF_LEN: usize = 512;

/// What the first bytes of a file tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A pcap file of any byte order and variant.
    Pcap,
    /// A pcapng file.
    Pcapng,
    /// A compressed file.
    Compressed(Compression),
    /// Nothing at all.
    Empty,
    /// A kind of file that is not read here.
    Other(&'static str),
    /// Text without a known beginning.
    Text,
    /// Bytes without a known beginning.
    Binary,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcap => f.write_str("a pcap capture"),
            Self::Pcapng => f.write_str("a pcapng capture"),
            Self::Compressed(c) => write!(f, "{c}-compressed data"),
            Self::Empty => f.write_str("empty"),
            Self::Other(name) => f.write_str(name),
            Self::Text => f.write_str("text"),
            Self::Binary => f.write_str("unknown binary data"),
        }
    }
}

/// `(first bytes, where, name)`, longest and surest first.
const OTHERS: &[(&[u8], usize, &str)] = &[
    (b"snoop\0\0\0", 0, "a snoop capture (RFC 1761)"),
    (b"GMBU", 0, "a Microsoft Network Monitor capture"),
    (b"RTSS", 0, "a Microsoft Network Monitor 1 capture"),
    (b"TRSNIFF data    \x1a", 0, "a Sniffer capture"),
    (b"XCP\0", 0, "a NetXray capture"),
    (b"\x0c\xa5", 0, "an nfdump flow file"),
    (b"\xa5\x0c", 0, "an nfdump flow file"),
    (b"\x7fELF", 0, "an ELF program or library"),
    (b"PAR1", 0, "a Parquet file"),
    (b"ARROW1", 0, "an Arrow file"),
    (b"\xff\xff\xff\xff", 0, "an Arrow stream"),
    (b"ORC", 0, "an ORC file"),
    (b"SQLite format 3\0", 0, "an SQLite database"),
    (b"PK\x03\x04", 0, "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive"),
    (b"Rar!\x1a\x07", 0, "a RAR archive"),
    (b"\xfd7zXZ\0", 0, "xz-compressed data"),
    (b"BZh", 0, "bzip2-compressed data"),
    (b"\x1f\x9d", 0, "data of `compress`"),
    (b"\xff\x06\0\0sNaPpY", 0, "Snappy-compressed data"),
    (b"ustar", 257, "a tar archive"),
    (b"!<arch>\n", 0, "an archive of `ar`, such as a Debian package"),
    (b"%PDF-", 0, "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", 0, "a PNG image"),
    (b"\xff\xd8\xff", 0, "a JPEG image"),
    (b"GIF8", 0, "a GIF image"),
    (b"\0asm", 0, "a WebAssembly module"),
    (b"MZ", 0, "a Windows program"),
    (b"#!", 0, "a script"),
    (b"<!DOCTYPE html", 0, "an HTML page"),
    (b"<html", 0, "an HTML page"),
    (b"<?xml", 0, "an XML document"),
    (b"#separator", 0, "a Zeek log"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS, not the file itself"),
];

impl Content {
    /// Tells content by its first bytes; 512 of them if there are as many.
    pub fn of(first: &[u8]) -> Self {
        if let Some(known) = Self::of_capture(first) {
            return known;
        }
        if first.is_empty() {
            return Self::Empty;
        }
        for &(magic, at, name) in OTHERS {
            if first.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
                return Self::Other(name);
            }
        }
        if !is_text(first) {
            return Self::Binary;
        }
        match first.trim_ascii_start().first() {
            Some(b'{' | b'[') => Self::Other("JSON"),
            _ => Self::Text,
        }
    }

    /// Tells what can be read here by the first four bytes.
    pub(crate) fn of_capture(first: &[u8]) -> Option<Self> {
        let magic = u32::from_le_bytes(*first.first_chunk()?);
        Some(match magic {
            0x0a0d_0d0a => Self::Pcapng,
            _ if crate::pcap::Variant::of(*first.first_chunk()?).is_some() => Self::Pcap,
            _ if magic & 0x00ff_ffff == 0x0008_8b1f => Self::Compressed(Compression::Gzip),
            0xfd2f_b528 => Self::Compressed(Compression::Zstd),
            0x184d_2204 | 0x184c_2102 => Self::Compressed(Compression::Lz4),
            // Both zstd and LZ4 know skippable frames. LZ4 files do not begin with one in practice;
            // those of parallel zstd do, so the next magic number decides if it is in sight.
            0x184d_2a50..=0x184d_2a5f => match after_skippable(first) {
                Some(lz4 @ Self::Compressed(Compression::Lz4)) => lz4,
                _ => Self::Compressed(Compression::Zstd),
            },
            _ => return None,
        })
    }

    /// The next step for someone who took such a file for a capture.
    pub(crate) fn hint(self, path: &Path) -> Option<String> {
        let path = path.display();
        let Self::Other(name) = self else { return None };
        if let Some(unpack) = match name {
            "xz-compressed data" => Some("xz -dc"),
            "bzip2-compressed data" => Some("bzip2 -dc"),
            "data of `compress`" => Some("gzip -dc"),
            "a zip archive" => Some("unzip -p"),
            _ => None,
        } {
            return Some(format!("unpack it on the way: `{unpack} {path} | rheos ... -`"));
        }
        if name.contains("capture") {
            return Some(format!("`editcap -F pcapng {path} out.pcapng` converts it"));
        }
        (name == "a tar archive").then(|| format!("unpack it first: `tar -xf {path}`"))
    }
}

/// What follows the skippable frames at the start, if that is in sight.
fn after_skippable(first: &[u8]) -> Option<Content> {
    let len = u32::from_le_bytes(*first.get(4..)?.first_chunk()?);
    Content::of_capture(first.get(8usize.checked_add(len as usize)?..)?)
}

/// No control characters but white space and escapes, and no broken UTF-8 but at the end.
fn is_text(first: &[u8]) -> bool {
    let utf8 = match std::str::from_utf8(first) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none(),
    };
    utf8 && !first.iter().any(|&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_and_compressions_are_told_by_their_magic() {
        for magic in [0xa1b2_c3d4u32, 0xa1b2_3c4d, 0xa1b2_cd34, 0x1c00_01ac, 0x1c00_01ab] {
            assert_eq!(Content::of(&magic.to_le_bytes()), Content::Pcap);
            assert_eq!(Content::of(&magic.to_be_bytes()), Content::Pcap);
        }
        assert_eq!(Content::of(b"\n\r\r\n...."), Content::Pcapng);
        assert_eq!(Content::of(b"\x1f\x8b\x08\0"), Content::Compressed(Compression::Gzip));
        assert_eq!(Content::of(b"\x28\xb5\x2f\xfd"), Content::Compressed(Compression::Zstd));
        assert_eq!(Content::of(b"\x04\x22\x4d\x18"), Content::Compressed(Compression::Lz4));
    }

    #[test]
    fn skippable_frames_are_looked_through() {
        let zstd = b"\x50\x2a\x4d\x18\x02\0\0\0ab\x28\xb5\x2f\xfd";
        assert_eq!(Content::of(zstd), Content::Compressed(Compression::Zstd));
        let lz4 = b"\x50\x2a\x4d\x18\x02\0\0\0ab\x04\x22\x4d\x18";
        assert_eq!(Content::of(lz4), Content::Compressed(Compression::Lz4));
    }

    #[test]
    fn mistakes_are_named() {
        for (bytes, name) in [
            (&b"\x7fELF\x02\x01"[..], "an ELF program or library"),
            (b"PAR1\x15\x04", "a Parquet file"),
            (b"{\"a\": 1}", "JSON"),
            (b"ts,src,dst\n1,2,3\n", "text"),
            (b"\x01\x02\x03\x04\x05", "unknown binary data"),
            (b"", "empty"),
            ("gr\u{fc}n".as_bytes(), "text"),
        ] {
            assert_eq!(Content::of(bytes).to_string(), name);
        }
        let hint = Content::of(b"\xfd7zXZ\0").hint(Path::new("a.xz"));
        assert_eq!(hint.as_deref(), Some("unpack it on the way: `xz -dc a.xz | rheos ... -`"));
    }
}

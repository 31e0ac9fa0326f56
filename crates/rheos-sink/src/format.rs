//! Formats and compressions, their names and file endings.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::Error;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values with a header line (RFC 4180, lines end with `\n`). Null is an empty field, the
    /// empty string is `""`; a list is its JSON text.
    Csv,
    /// One JSON object per line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC file, also called Feather version 2: needs its end to be read.
    ArrowFile,
    /// Apache Arrow IPC stream: can be read while it is written.
    ArrowStream,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] =
        [Self::Csv, Self::JsonLines, Self::Parquet, Self::ArrowFile, Self::ArrowStream];

    /// Name and file endings, the usual one first.
    pub const fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::Csv => &["csv"],
            Self::JsonLines => &["jsonl", "ndjson"],
            Self::Parquet => &["parquet"],
            Self::ArrowFile => &["arrow", "feather"],
            Self::ArrowStream => &["arrows"],
        }
    }

    /// Its name: `csv`, `jsonl`, `parquet`, `arrow`, `arrows`.
    pub const fn name(self) -> &'static str {
        self.spellings()[0]
    }

    /// Every format's name, for messages.
    pub(crate) fn names() -> String {
        Self::ALL.map(|f| format!("`{}`", f.name())).join(", ")
    }

    /// Whether people can read it.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::JsonLines)
    }

    /// The compression that is used when none is asked for: zstd inside Parquet, else none.
    pub const fn default_compression(self) -> Compression {
        match self {
            Self::Parquet => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// What a file's name tells: `rows.csv.gz` is CSV, compressed with gzip.
    pub fn from_path(path: &Path) -> Result<(Self, Compression), Error> {
        let unknown = || Error::UnknownExtension { path: path.to_owned() };
        let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(unknown)?;
        let name = name.to_ascii_lowercase();
        let (stem, outer) = match name.rsplit_once('.') {
            Some((stem, "gz")) => (stem, Compression::Gzip),
            Some((stem, "zst")) => (stem, Compression::Zstd),
            _ => (&*name, Compression::None),
        };
        let (_, ending) = stem.rsplit_once('.').ok_or_else(unknown)?;
        let format =
            Self::ALL.into_iter().find(|f| f.spellings().contains(&ending)).ok_or_else(unknown)?;
        match outer {
            Compression::None => Ok((format, format.default_compression())),
            // A Parquet or Arrow file in a gzip wrapper could be read by nothing.
            _ if !format.is_text() => Err(Error::Compression { format, compression: outer }),
            _ => Ok((format, outer)),
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|f| f.spellings().contains(&name));
        known.ok_or_else(|| Error::UnknownFormat { name: name.to_owned() })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How bytes are made fewer: around CSV and JSON Lines, inside Parquet and Arrow IPC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952, for CSV and JSON Lines.
    Gzip,
    /// RFC 8878, for every format.
    Zstd,
    /// Snappy, for Parquet: faster and larger than zstd.
    Snappy,
}

impl Compression {
    /// Its name: `none`, `gzip`, `zstd`, `snappy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_tell_format_and_compression() {
        use Compression::{Gzip, None as Plain, Zstd};
        for (name, format, compression) in [
            ("a.csv", Format::Csv, Plain),
            ("x/y.z/a.CSV.gz", Format::Csv, Gzip),
            ("a.b.jsonl", Format::JsonLines, Plain),
            ("a.ndjson.zst", Format::JsonLines, Zstd),
            ("a.parquet", Format::Parquet, Zstd),
            ("a.arrow", Format::ArrowFile, Plain),
            ("a.feather", Format::ArrowFile, Plain),
            ("a.arrows", Format::ArrowStream, Plain),
        ] {
            assert_eq!(
                Format::from_path(Path::new(name)).unwrap(),
                (format, compression),
                "{name}"
            );
        }
        for name in ["a", "csv", "a.txt", "a.gz", "a.csv/", "a.csv.bz2", "..", ""] {
            let result = Format::from_path(Path::new(name));
            // A trailing slash is no part of a name.
            assert_eq!(result.is_ok(), name == "a.csv/", "{name}");
        }
        let error = Format::from_path(Path::new("a.parquet.gz")).unwrap_err();
        assert_eq!(error.to_string(), "parquet has no gzip compression");
        assert!(error.hint().unwrap().contains("inside"));
    }

    #[test]
    fn names_read_back_and_others_are_told_apart() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        }
        let hint = |name: &str| name.parse::<Format>().unwrap_err().hint().unwrap();
        assert_eq!(hint("CSV"), "did you mean `csv`?");
        assert_eq!(hint("json"), "did you mean `jsonl`?");
        assert!(hint("xml").contains("`parquet`"));
    }
}

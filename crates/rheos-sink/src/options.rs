//! What a sink can be told.

use std::collections::BTreeMap;

use crate::{Compression, Error, Format};

/// How rows are written. [`SinkOptions::new`] is ready to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOptions {
    /// The format.
    pub format: Format,
    /// The compression.
    pub compression: Compression,
    /// Its level; by default 6 for gzip, 3 for zstd around text, and 1 for zstd inside Parquet and Arrow IPC:
    /// packed columns of numbers do not get smaller with more effort.
    pub level: Option<i32>,
    /// Overwrite a file that is there already.
    pub force: bool,
    /// Key-value metadata of the file; written by Parquet and Arrow IPC, which have a place for it.
    pub metadata: BTreeMap<String, String>,
    /// Parquet: a row group ends when it has about this many encoded bytes. This is also about how much
    /// memory a Parquet sink holds besides its column buffers. At least 64 KiB.
    pub row_group_bytes: usize,
    /// Parquet: a row group ends at this many rows at the latest. At least 1024.
    pub row_group_rows: usize,
    /// JSON Lines: what becomes of nulls.
    pub json_nulls: JsonNulls,
    /// CSV: the first line names the columns.
    pub csv_header: bool,
}

/// How JSON Lines show nulls, and numbers that JSON does not have (NaN and the infinities).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JsonNulls {
    /// `"name":null`: every line has every name.
    #[default]
    Write,
    /// The name is left out.
    Omit,
}

impl SinkOptions {
    /// Default row group size: large enough for scans, small enough to be held by every worker of a machine.
    pub const ROW_GROUP_BYTES: usize = 32 << 20;

    /// Default limit of rows in a row group, as most readers expect.
    pub const ROW_GROUP_ROWS: usize = 1 << 20;

    /// The defaults of `format`.
    pub const fn new(format: Format) -> Self {
        Self {
            format,
            compression: format.default_compression(),
            level: None,
            force: false,
            metadata: BTreeMap::new(),
            row_group_bytes: Self::ROW_GROUP_BYTES,
            row_group_rows: Self::ROW_GROUP_ROWS,
            json_nulls: JsonNulls::Write,
            csv_header: true,
        }
    }

    /// Whether the format has the compression, and the compression the level.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (format, compression) = (self.format, self.compression);
        let exists = match compression {
            Compression::None | Compression::Zstd => true,
            Compression::Gzip => format.is_text(),
            Compression::Snappy => format == Format::Parquet,
        };
        if !exists {
            return Err(Error::Compression { format, compression });
        }
        let levels = match compression {
            Compression::Zstd => 1..=22,
            Compression::Gzip => 0..=9,
            Compression::None | Compression::Snappy => return Ok(()),
        };
        match self.level {
            Some(level) if !levels.contains(&level) => Err(Error::Level { compression, level }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_possible() {
        for format in Format::ALL {
            assert!(SinkOptions::new(format).check().is_ok());
        }
    }

    #[test]
    fn impossible_compressions_and_levels_are_refused() {
        let mut options = SinkOptions::new(Format::Parquet);
        options.level = Some(23);
        assert!(options.check().unwrap_err().hint().unwrap().contains("1 to 22"));
        options.compression = Compression::Gzip;
        assert_eq!(options.check().unwrap_err().to_string(), "parquet has no gzip compression");
        let mut options = SinkOptions::new(Format::Csv);
        options.compression = Compression::Snappy;
        assert!(options.check().unwrap_err().hint().unwrap().contains(".zst"));
    }
}

//! Files of flows as nfcapd writes them (nfdump 1.7): blocks unpacked one by one, records read on request.
//!
//! ```no_run
//! use rheos_capture::NfcapdReader;
//!
//! let mut reader = NfcapdReader::open("nfcapd.202401011200".as_ref())?;
//! let mut records = Vec::new();
//! while reader.read_block(&mut records)? {}
//! assert_eq!(reader.statistics().map_or(0, |told| told.all.flows), records.len() as u64);
//! # Ok::<(), rheos_capture::Error>(())
//! ```

mod lzo;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rheos_core::WideRecord;
use rheos_wire::nfdump::{
    BLOCK_HEADER_LEN, BlockHeader, Compression, FILE_HEADER_LEN, FileHeader, Record, Records,
    Statistics,
};

use crate::error::Error;

/// The longest block, packed or not: nfdump writes some megabytes.
const BLOCK_LEN_MAX: usize = 64 << 20;
/// Room for an unpacked block where the file does not tell how long they are.
const BLOCK_LEN: usize = 16 << 20;
/// Blocks of an appendix that are looked into: there is one.
const APPENDIX_BLOCKS_MAX: u16 = 16;

/// Reads a file of nfdump.
#[derive(Debug)]
pub struct NfcapdReader<R> {
    input: R,
    path: PathBuf,
    header: FileHeader,
    ident: String,
    statistics: Option<Statistics>,
    blocks_left: u32,
    /// Where the next block begins.
    offset: u64,
    packed: Vec<u8>,
    block: Vec<u8>,
}

impl NfcapdReader<BufReader<File>> {
    /// Opens a file and reads its header and appendix.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::reading(path, error))?;
        Self::new(BufReader::new(file), path)
    }
}

impl<R: Read + Seek> NfcapdReader<R> {
    /// Of any bytes that can be sought in; `path` is what messages call them.
    pub fn new(mut input: R, path: &Path) -> Result<Self, Error> {
        let mut header = [0; FILE_HEADER_LEN];
        input.read_exact(&mut header).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::NfcapdDamaged { path: path.into(), offset: 0 },
            _ => Error::reading(path, error),
        })?;
        let header = FileHeader::parse(&header)
            .map_err(|fault| Error::NotNfcapd { path: path.into(), fault })?;
        match header.compression {
            Compression::None | Compression::Lzo | Compression::Lz4 | Compression::Zstd => {}
            compression => {
                return Err(Error::NfcapdCompression { path: path.into(), compression });
            }
        }
        let mut reader = Self {
            input,
            path: path.into(),
            header,
            ident: String::new(),
            statistics: None,
            blocks_left: header.blocks,
            offset: FILE_HEADER_LEN as u64,
            packed: Vec::new(),
            block: Vec::new(),
        };
        reader.read_appendix()?;
        Ok(reader)
    }

    /// The file's header.
    pub const fn header(&self) -> &FileHeader {
        &self.header
    }

    /// The name of its source; empty where there is none.
    pub fn ident(&self) -> &str {
        &self.ident
    }

    /// What nfcapd has counted; nothing while it still writes the file.
    pub const fn statistics(&self) -> Option<&Statistics> {
        self.statistics.as_ref()
    }

    /// The records of the next block, to be read as far as needed; nothing at the end of the file.
    pub fn next_block(&mut self) -> Result<Option<Records<'_>>, Error> {
        while self.blocks_left > 0 {
            self.blocks_left -= 1;
            if self.load()?.has_records() {
                return Ok(Some(Records::new(&self.block)));
            }
        }
        Ok(None)
    }

    /// Appends the flows of the next block; false at the end of the file.
    pub fn read_block(&mut self, out: &mut Vec<WideRecord>) -> Result<bool, Error> {
        let offset = self.offset;
        let Some(records) = self.next_block()? else { return Ok(false) };
        for record in records {
            match record {
                Ok(Record::Flow(flow)) => out.push(flow.wide()),
                Ok(_) => {}
                Err(_) => return Err(Error::NfcapdDamaged { path: self.path.clone(), offset }),
            }
        }
        Ok(true)
    }

    /// Looks into the blocks at the end, then goes back to the first.
    fn read_appendix(&mut self) -> Result<(), Error> {
        if self.header.appendix_offset == 0 {
            return Ok(());
        }
        self.seek(self.header.appendix_offset)?;
        for _ in 0..self.header.appendix_blocks.min(APPENDIX_BLOCKS_MAX) {
            if !self.load()?.has_records() {
                continue;
            }
            for record in Records::new(&self.block) {
                match record {
                    Ok(Record::Ident(ident)) => self.ident = ident.to_owned(),
                    Ok(Record::Statistics(statistics)) => self.statistics = Some(statistics),
                    _ => {}
                }
            }
        }
        self.seek(FILE_HEADER_LEN as u64)
    }

    fn seek(&mut self, offset: u64) -> Result<(), Error> {
        self.offset = offset;
        let sought = self.input.seek(SeekFrom::Start(offset));
        sought.map(drop).map_err(|error| Error::reading(&self.path, error))
    }

    /// Reads the block at `offset` and unpacks it.
    fn load(&mut self) -> Result<BlockHeader, Error> {
        let mut header = [0; BLOCK_HEADER_LEN];
        let read = self.input.read_exact(&mut header);
        read.map_err(|error| self.broken(error))?;
        let header = BlockHeader::parse(&header);
        let len = header.len as usize;
        if len > BLOCK_LEN_MAX {
            return Err(self.damaged());
        }
        let packed = header.packed && self.header.compression != Compression::None;
        let bytes = if packed { &mut self.packed } else { &mut self.block };
        // Grows as bytes come, so that a wrong length costs no memory.
        bytes.clear();
        let read = (&mut self.input).take(len as u64).read_to_end(bytes);
        match read {
            Ok(read) if read == len => {}
            Ok(_) => return Err(self.damaged()),
            Err(error) => return Err(self.broken(error)),
        }
        if packed {
            self.unpack()?;
        }
        self.offset += (BLOCK_HEADER_LEN + len) as u64;
        Ok(header)
    }

    fn unpack(&mut self) -> Result<(), Error> {
        let told = self.header.block_len_max as usize;
        let room = if told == 0 { BLOCK_LEN } else { told.min(BLOCK_LEN_MAX) };
        if self.header.compression == Compression::Lzo {
            return lzo::unpack(&self.packed, &mut self.block, room).ok_or_else(|| self.damaged());
        }
        self.block.resize(room, 0);
        let len = if self.header.compression == Compression::Lz4 {
            lz4_flex::block::decompress_into(&self.packed, &mut self.block).ok()
        } else {
            zstd::bulk::decompress_to_buffer(&self.packed, &mut self.block).ok()
        };
        let len = len.ok_or_else(|| self.damaged())?;
        self.block.truncate(len);
        Ok(())
    }

    fn damaged(&self) -> Error {
        Error::NfcapdDamaged { path: self.path.clone(), offset: self.offset }
    }

    fn broken(&self, error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            self.damaged()
        } else {
            Error::reading(&self.path, error)
        }
    }
}

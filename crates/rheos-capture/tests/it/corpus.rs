//! Every capture of the corpus opens, and other tools count the same packets.

use std::path::{Path, PathBuf};
use std::process::Command;

use rheos_capture::{
    CaptureReader, CaptureWriter, Error, Input, MergedReader, ReadOptions, Source, WriteOptions,
};

use super::made::{Owned, read_all};

/// The folder of captures, if it is there.
fn corpus() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let folder = std::env::var_os("RHEOS_CORPUS").map_or_else(|| default.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus at `{}`", folder.display());
    None
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let options = ReadOptions { recursive: true, ..ReadOptions::default() };
    let reader = CaptureReader::open([Input::from_arg(folder)], options).unwrap();
    reader.info().files.iter().map(|f| f.path.clone()).collect()
}

#[test]
fn all_captures_are_found_by_content() {
    let Some(folder) = corpus() else { return };
    let found = captures(&folder);
    assert!(found.len() > 700, "{} captures", found.len());
    let options = ReadOptions { recursive: true, ..ReadOptions::default() };
    let reader = CaptureReader::open([Input::from_arg(folder)], options).unwrap();
    for skipped in &reader.info().skipped {
        let name = skipped.path.to_string_lossy();
        let ending = [".log", ".tsv", ".md"].iter().any(|e| name.ends_with(e));
        assert!(ending, "skipped {name}: {}", skipped.why);
    }
}

#[test]
fn packets_are_as_many_as_capinfos_counts() {
    let Some(folder) = corpus() else { return };
    if Command::new("capinfos").arg("-v").output().is_err() {
        println!("skipped: no `capinfos` (Debian package wireshark-common)");
        return;
    }
    let files = captures(&folder);
    let mut compared = 0;
    for some in files.chunks(200) {
        // Name, count and bytes of each file it can read, without a table header.
        let output =
            Command::new("capinfos").args(["-T", "-M", "-r", "-c", "-d", "-K"]).args(some).output();
        let text = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
        for line in text.lines() {
            let [path, count, bytes] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("capinfos says `{line}`");
            };
            let all = read_all([Input::from_arg(path)], ReadOptions::default());
            let file = &all.reader.info().files[0];
            assert_eq!(count.parse(), Ok(file.frames), "{path}");
            assert_eq!(bytes.parse(), Ok(file.wire_bytes), "{path}");
            compared += 1;
        }
    }
    let unsupported = files.len() - compared;
    println!("{compared} captures agree with capinfos, which cannot read {unsupported} more");
    assert!(compared > 700);
    assert!(unsupported < 20);
}

#[test]
fn every_capture_is_the_same_in_every_encoding() {
    let Some(folder) = corpus() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let mut several_links = 0;
    for path in captures(&folder) {
        let options = ReadOptions { batch_frames: 64, ..ReadOptions::default() };
        let expected = read_all([Input::Path(path.clone())], options.clone());
        if expected.reader.info().frames() > 20_000 {
            continue;
        }
        for name in ["a.pcap", "b.pcapng", "c.pcapng.gz", "d.pcap.zst", "e.pcapng.lz4"] {
            let copy = scratch.path().join(name);
            match rewrite(&path, &copy) {
                Ok(()) => {}
                Err(Error::LinkTypes { .. } | Error::TimeRange { .. }) if !name.contains("ng") => {
                    several_links += 1;
                    continue;
                }
                Err(other) => panic!("{}: {other}", path.display()),
            }
            let all = read_all([Input::Path(copy)], options.clone());
            assert!(all.batches == expected.batches, "{} as {name}", path.display());
            assert_eq!(all.reader.damage(), []);
        }
    }
    assert!(several_links < 20, "{several_links} captures do not fit into pcap");
}

fn rewrite(from: &Path, to: &Path) -> Result<(), Error> {
    let mut reader = CaptureReader::open([Input::from_arg(from)], ReadOptions::default())?;
    let force = WriteOptions { force: true, snap_len: u32::MAX, ..WriteOptions::default() };
    let mut writer = CaptureWriter::create(to, &force)?;
    while let Some(batch) = reader.next_batch()? {
        writer.write_batch(&batch, &reader, |_, _| true)?;
    }
    writer.finish().map(drop)
}

#[test]
fn what_is_written_here_is_read_by_capinfos() {
    if Command::new("capinfos").arg("-v").output().is_err() {
        println!("skipped: no `capinfos` (Debian package wireshark-common)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.pcap", "a.pcapng", "a.pcapng.gz", "a.pcap.zst", "a.pcapng.lz4"] {
        let path = folder.path().join(name);
        let mut writer = CaptureWriter::create(&path, &WriteOptions::default()).unwrap();
        for i in 0..1000 {
            let frame = Owned::new(1_700_000_000_000_000_000 + i, &[0x5a; 60]);
            writer.write_commented(&frame.frame(), ["label"]).unwrap();
        }
        writer.finish().unwrap();
        let output = Command::new("capinfos").args(["-T", "-M", "-r", "-c"]).arg(&path).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text.trim_end().split('\t').nth(1), Some("1000"), "{name}: {output:?}");
    }
}

#[test]
fn merging_gives_what_mergecap_gives() {
    let Some(folder) = corpus() else { return };
    if Command::new("mergecap").arg("-v").output().is_err() {
        println!("skipped: no `mergecap` (Debian package wireshark-common)");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("merged");
    let all = captures(&folder.join("zeek"));
    for some in all.chunks(12) {
        // Of frames with equal times mergecap takes that of the last file first, we of the first.
        let mut mergecap = Command::new("mergecap");
        let status =
            mergecap.args(["-F", "pcapng", "-w"]).arg(&path).args(some.iter().rev()).status();
        assert!(status.unwrap().success());
        let options = ReadOptions::default();
        let readers = some
            .iter()
            .map(|path| CaptureReader::open([Input::Path(path.clone())], options.clone()).unwrap());
        let mut merged = MergedReader::new(readers.collect(), &options);
        let mut frames = Vec::new();
        while let Some(batch) = merged.next_batch().unwrap() {
            frames.extend(batch.iter().map(Owned::from));
        }
        let expected = read_all([Input::Path(path.clone())], options).frames();
        assert_eq!(frames.len(), expected.len());
        for (place, (mine, theirs)) in frames.iter().zip(&expected).enumerate() {
            assert_eq!(mine, theirs, "frame {place} of {some:?}");
        }
    }
}

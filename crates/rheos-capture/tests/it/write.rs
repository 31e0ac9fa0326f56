//! Writing files: round trips through every ending, and what is left behind when it goes wrong.

use std::fs;
use std::path::Path;

use rheos_capture::info::{ByteOrder, Format, InterfaceInfo, SectionInfo};
use rheos_capture::write::{PcapOptions, PcapngOptions};
use rheos_capture::{
    CaptureReader, CaptureWriter, Error, Input, PcapWriter, PcapngWriter, ReadOptions, Source,
    WriteOptions,
};
use rheos_core::{Frame, LinkType, Timestamp};

use super::made::{Owned, frames, made, read_all, read_bytes};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_ending_reads_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let frames = frames(700);
    for name in [
        "a.pcap",
        "a.pcapng",
        "a.pcap.gz",
        "a.pcapng.gz",
        "a.pcap.zst",
        "a.pcapng.zst",
        "a.pcap.lz4",
        "a.pcapng.lz4",
        "a",
    ] {
        let path = folder.path().join(name);
        let mut writer = CaptureWriter::create(&path, &WriteOptions::default()).unwrap();
        for frame in &frames {
            writer.write(&frame.frame()).unwrap();
        }
        assert!(!path.exists(), "{name} is there before it is whole");
        let written = writer.finish().unwrap();
        assert_eq!((written.frames, &written.path), (700, &path));
        let all = read_all([Input::Path(path)], ReadOptions::default());
        assert!(all.frames() == frames, "{name}");
        assert_eq!(all.reader.damage(), [], "{name}");
        let info = &all.reader.info().files[0];
        assert_eq!(info.uncompressed_bytes, written.file_bytes);
        assert_eq!(info.captured_bytes, written.captured_bytes);
        assert_eq!(info.format == Format::Pcapng, name.contains("pcapng"));
        assert_eq!(info.compression.len(), usize::from(name.matches('.').count() == 2));
    }
}

#[test]
fn a_file_that_exists_is_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcap");
    fs::write(&path, "precious").unwrap();
    let error = CaptureWriter::create(&path, &WriteOptions::default()).err().unwrap();
    assert!(matches!(error, Error::Exists { .. }));
    assert_eq!(
        error.hint().as_deref(),
        Some("`--force` overwrites it, or choose another name with `-o`")
    );
    let force = WriteOptions { force: true, ..WriteOptions::default() };
    drop(CaptureWriter::create(&path, &force).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(names(folder.path()), ["a.pcap"]);
    CaptureWriter::create(&path, &force).unwrap().finish().unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), 24);

    let other = folder.path().join("b.pcap");
    let writer = CaptureWriter::create(&other, &WriteOptions::default()).unwrap();
    fs::write(&other, "came first").unwrap();
    assert!(matches!(writer.finish(), Err(Error::Exists { .. })));
    assert_eq!(fs::read(&other).unwrap(), b"came first");
    assert_eq!(names(folder.path()).len(), 2);
    let error = CaptureWriter::create(folder.path(), &force).err().unwrap();
    assert!(matches!(error, Error::Write { .. }));
}

#[test]
fn pcap_says_what_it_cannot_hold() {
    let mut writer = PcapWriter::new(Vec::new(), "made", PcapOptions::default());
    let owned = Owned::new(0, b"x");
    writer.write(&owned.frame()).unwrap();
    let late = Frame { ts: Timestamp::from_secs(1 << 32), ..owned.frame() };
    assert!(matches!(writer.write(&late), Err(Error::TimeRange { seconds: 0x1_0000_0000 })));
    let raw = Frame { link: LinkType::RAW, ..owned.frame() };
    let error = writer.write(&raw).unwrap_err();
    assert_eq!(error.to_string(), "a pcap file holds one link type: it has 1, this frame has 101");
    assert_eq!(error.hint().as_deref(), Some("write pcapng, which holds several"));
    let (file, written) = writer.finish().unwrap();
    assert_eq!((written.frames, file.len()), (1, 24 + 16 + 1));
}

#[test]
fn microseconds_and_snap_length_are_kept_to() {
    let options = PcapOptions { micros: true, snap_len: 3, ..PcapOptions::default() };
    let mut writer = PcapWriter::new(Vec::new(), "made", options);
    writer.write(&Owned::new(1_999, b"abcdef").frame()).unwrap();
    let all = read_bytes(writer.finish().unwrap().0);
    let frame = &all.frames()[0];
    assert_eq!((frame.nanos, frame.wire_len, &frame.data[..]), (1000, 6, &b"abc"[..]));
    assert_eq!(all.reader.info().files[0].snap_len(), 3);
}

#[test]
fn pcapng_keeps_interfaces_comments_and_counts() {
    let interface = InterfaceInfo {
        link: LinkType::ETHERNET,
        snap_len: 96,
        name: Some("eth0".into()),
        description: Some("the first".into()),
        filter: Some("udp".into()),
        os: Some("linux".into()),
        hardware: Some("e1000".into()),
        speed: Some(10_000_000_000),
        fcs_len: Some(4),
        dropped_by_interface: Some(3),
        dropped_by_system: Some(0),
        ..InterfaceInfo::default()
    };
    for byte_order in [ByteOrder::Little, ByteOrder::Big] {
        let section = SectionInfo {
            byte_order,
            hardware: Some("abacus".into()),
            os: Some("none".into()),
            application: Some("rheos".into()),
            first_interface: 0,
        };
        let options = PcapngOptions {
            section: section.clone(),
            comments: vec!["about all".into()],
            ..PcapngOptions::default()
        };
        let mut writer = PcapngWriter::new(Vec::new(), "made", &options);
        let early = writer.write(&Owned::new(1, b"x").frame(), 0, []);
        assert!(matches!(early, Err(Error::UnknownInterface { interface: 0, known: 0 })));
        assert_eq!(writer.add_interface(&interface).unwrap(), 0);
        let long = "\u{e4}".repeat(40_000);
        writer.write(&Owned::new(5, b"abcde").frame(), 0, ["label: scan", &long]).unwrap();
        writer.add_statistics(0, &interface);
        let all = read_bytes(writer.finish().unwrap().0);
        assert_eq!(all.reader.damage(), []);
        assert_eq!(all.frames(), [Owned::new(5, b"abcde")]);
        let file = &all.reader.info().files[0];
        assert_eq!(file.sections, [section]);
        let read = InterfaceInfo {
            resolution: interface.resolution,
            frames: 0,
            ..file.interfaces[0].clone()
        };
        assert_eq!(read, interface);
        let texts: Vec<&str> = file.comments.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts[..2], ["about all", "label: scan"]);
        // Cut at a whole character below 65 536 bytes.
        assert_eq!(texts[2], "\u{e4}".repeat(32_767));
    }
}

#[test]
fn a_slice_keeps_interfaces_and_comments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slice.pcapng");
    let mut source = PcapngWriter::new(Vec::new(), "made", &PcapngOptions::default());
    for (link, name) in [(1, "a"), (101, "b"), (1, "c")] {
        let name = Some(name.to_owned());
        let link = LinkType(link);
        source.add_interface(&InterfaceInfo { link, name, ..InterfaceInfo::default() }).unwrap();
    }
    for i in 0..9u64 {
        let interface = (i % 3) as u16;
        let link = if interface == 1 { 101 } else { 1 };
        let frame = Owned { link, ..Owned::new(i, &[i as u8]) };
        source.write(&frame.frame(), interface, [format!("frame {i}").as_str()]).unwrap();
    }
    let source = source.finish().unwrap().0;
    let options = ReadOptions { batch_frames: 4, ..ReadOptions::default() };
    let mut reader = CaptureReader::open([Input::memory("made", source.into())], options).unwrap();
    let mut writer = CaptureWriter::create(&path, &WriteOptions::default()).unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        writer.write_batch(&batch, &reader, |_, frame| frame.ts.as_nanos() % 3 != 0).unwrap();
    }
    writer.finish().unwrap();
    let all = read_all([Input::Path(path)], ReadOptions::default());
    assert_eq!(all.frames().iter().map(|f| f.nanos).collect::<Vec<_>>(), [1, 2, 4, 5, 7, 8]);
    let file = &all.reader.info().files[0];
    let names: Vec<_> = file.interfaces.iter().map(|i| i.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["b", "c"]);
    let comments: Vec<_> = file.comments.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(comments, ["frame 1", "frame 2", "frame 4", "frame 5", "frame 7", "frame 8"]);
}

#[test]
fn both_formats_hold_an_empty_capture() {
    for format in [Format::Pcap, Format::Pcapng] {
        let all = read_bytes(made(format, &[], ByteOrder::Little));
        assert!(all.batches.is_empty());
        assert_eq!(all.reader.damage(), []);
    }
}

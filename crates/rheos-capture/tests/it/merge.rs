//! Captures merged by time.

use std::sync::Arc;

use rheos_capture::info::{ByteOrder, InterfaceInfo};
use rheos_capture::write::PcapngOptions;
use rheos_capture::{CaptureReader, Error, Input, MergedReader, PcapngWriter, ReadOptions, Source};
use rheos_core::LinkType;

use super::made::{Owned, frames, pcap, pcapng};

fn options() -> ReadOptions {
    ReadOptions { batch_frames: 5, ..ReadOptions::default() }
}

fn reader(file: Vec<u8>) -> CaptureReader {
    CaptureReader::from_memory(Arc::new(file), options()).unwrap()
}

fn one_by_one(times_and_names: &[(u64, &str)]) -> Vec<u8> {
    let frames: Vec<Owned> =
        times_and_names.iter().map(|(nanos, name)| Owned::new(*nanos, name.as_bytes())).collect();
    pcap(&frames, ByteOrder::Little)
}

fn merged(merged: &mut MergedReader) -> Vec<String> {
    let mut names = Vec::new();
    let mut index = 0;
    while let Some(batch) = merged.next_batch().unwrap() {
        assert_eq!(batch.first_index, index);
        index += batch.frames.len() as u64;
        assert!(batch.frames.len() <= 5);
        names.extend(batch.iter().map(|f| String::from_utf8_lossy(f.data).into_owned()));
    }
    names
}

#[test]
fn equal_times_keep_the_order_of_the_captures() {
    let a = one_by_one(&[(1, "a1"), (5, "a5"), (5, "a5'"), (9, "a9")]);
    let b = one_by_one(&[(0, "b0"), (5, "b5"), (6, "b6")]);
    let c = one_by_one(&[(5, "c5"), (10, "c10"), (11, "c11")]);
    let readers = vec![reader(a), reader(b), reader(c)];
    let mut all = MergedReader::new(readers, &options());
    assert_eq!(merged(&mut all), ["b0", "a1", "a5", "a5'", "b5", "c5", "b6", "a9", "c10", "c11"]);
    assert_eq!(all.backward_frames().collect::<Vec<_>>(), [0, 0, 0]);
}

#[test]
fn a_capture_that_runs_backwards_is_counted_and_keeps_its_order() {
    let a = one_by_one(&[(5, "a5"), (3, "a3"), (8, "a8")]);
    let b = one_by_one(&[(4, "b4"), (6, "b6")]);
    let mut all = MergedReader::new(vec![reader(a), reader(b)], &options());
    assert_eq!(merged(&mut all), ["b4", "a5", "a3", "b6", "a8"]);
    assert_eq!(all.backward_frames().collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn nothing_is_lost_over_many_batches() {
    let all = frames(5000);
    let mut parts = vec![Vec::new(); 7];
    for (i, frame) in all.iter().enumerate() {
        parts[i * i % 7].push(frame.clone());
    }
    let readers = parts.iter().map(|p| reader(pcapng(p, ByteOrder::Big))).collect();
    let mut merged = MergedReader::new(readers, &ReadOptions::default());
    let mut back = Vec::new();
    while let Some(batch) = merged.next_batch().unwrap() {
        back.extend(batch.iter().map(Owned::from));
    }
    assert!(back == all);
    let progress = merged.progress();
    assert_eq!(Some(progress.bytes_read), progress.bytes_total);
}

#[test]
fn interfaces_are_numbered_together_and_comments_come_along() {
    let file = |names: &[&str], start: u64| {
        let mut writer = PcapngWriter::new(Vec::new(), "made", &PcapngOptions::default());
        for name in names {
            let name = Some((*name).to_owned());
            let link = LinkType::ETHERNET;
            let interface = InterfaceInfo { link, name, ..InterfaceInfo::default() };
            writer.add_interface(&interface).unwrap();
        }
        for i in 0..6u64 {
            let interface = (i % names.len() as u64) as u16;
            let frame = Owned::new(start + i * 10, b"x");
            let comment = format!("{} {}", names[usize::from(interface)], start + i * 10);
            writer.write(&frame.frame(), interface, [comment.as_str()]).unwrap();
        }
        reader(writer.finish().unwrap().0)
    };
    let readers = vec![file(&["eth0", "eth1"], 0), file(&["eth1", "eth0"], 5)];
    let mut merged = MergedReader::new(readers, &options());
    let mut count = 0;
    while let Some(batch) = merged.next_batch().unwrap() {
        assert_eq!(merged.batch_comments().len(), batch.frames.len());
        for (place, (meta, comment)) in batch.frames.iter().zip(merged.batch_comments()).enumerate()
        {
            let interface = &merged.batch_interfaces()[usize::from(meta.interface)];
            let expected = format!("{} {}", interface.name.as_deref().unwrap(), meta.ts.as_nanos());
            assert_eq!((comment.frame, &comment.text), (place, &expected));
            count += 1;
        }
    }
    assert_eq!(count, 12);
    assert_eq!(merged.batch_interfaces().len(), 2);
}

#[test]
fn an_input_that_fails_loses_nothing_of_the_others() {
    let a = one_by_one(&[(1, "a1"), (2, "a2")]);
    let b = one_by_one(&[(1, "b1"), (9, "b9")]);
    let inputs = [
        Input::memory("a", Arc::new(a)),
        Input::reader("pipe", &b"this is text"[..]),
        Input::memory("c", Arc::new(one_by_one(&[(5, "c5")]))),
    ];
    let first = CaptureReader::open(inputs, options()).unwrap();
    let mut merged = MergedReader::new(vec![first, reader(b)], &options());
    let mut names = Vec::new();
    let mut errors = 0;
    loop {
        match merged.next_batch() {
            Ok(Some(batch)) => {
                names.extend(batch.iter().map(|f| String::from_utf8_lossy(f.data).into_owned()));
            }
            Ok(None) => break,
            Err(Error::NotACapture { .. }) => errors += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(names, ["a1", "b1", "a2", "c5", "b9"]);
    assert_eq!(errors, 1);
}

//! How fast frames come out of captures: small frames that stay in the processor's caches, large
//! ones that do not, from memory in place and through blocks as from a file.

use std::hint::black_box;
use std::io::{self, Read};
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rheos_capture::info::InterfaceInfo;
use rheos_capture::write::{PcapOptions, PcapngOptions};
use rheos_capture::{CaptureReader, Input, PcapWriter, PcapngWriter, ReadOptions, Source};
use rheos_core::{Frame, FrameBatch, LinkType, Timestamp};

fn frames(count: u64, len: usize, mut each: impl FnMut(&Frame<'_>)) {
    let data = vec![0x5a; len + 64];
    for i in 0..count {
        let data = &data[..len + (i * 37 % 64) as usize];
        let ts = Timestamp::from_nanos(i * 1000);
        each(&Frame { ts, wire_len: data.len() as u32, link: LinkType::ETHERNET, data });
    }
}

fn pcap(count: u64, len: usize) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), "bench", PcapOptions::default());
    frames(count, len, |frame| writer.write(frame).expect("memory does not fail"));
    writer.finish().expect("memory does not fail").0
}

fn pcapng(count: u64, len: usize) -> Vec<u8> {
    let mut writer = PcapngWriter::new(Vec::new(), "bench", &PcapngOptions::default());
    let ethernet = InterfaceInfo { link: LinkType::ETHERNET, ..InterfaceInfo::default() };
    writer.add_interface(&ethernet).expect("the first interface");
    frames(count, len, |frame| writer.write(frame, 0, []).expect("memory does not fail"));
    writer.finish().expect("memory does not fail").0
}

/// Memory as if it were a file.
struct Slow(Arc<Vec<u8>>, usize);

impl Read for Slow {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = &self.0[self.1..];
        let len = buf.len().min(rest.len());
        buf[..len].copy_from_slice(&rest[..len]);
        self.1 += len;
        Ok(len)
    }
}

fn read(input: Input) -> u64 {
    let mut reader = CaptureReader::open([input], ReadOptions::default()).expect("a capture");
    let mut batch = FrameBatch::default();
    let mut frames = 0;
    while reader.read_batch(&mut batch).expect("a sound capture") {
        frames += batch.frames.len() as u64;
    }
    frames
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    group.sample_size(20);
    for (name, file) in [
        ("pcap 96 B", pcap(20_000, 64)),
        ("pcapng 96 B", pcapng(20_000, 64)),
        ("pcap 1000 B", pcap(100_000, 968)),
        ("pcapng 1000 B", pcapng(100_000, 968)),
    ] {
        let file = Arc::new(file);
        let frames = read(Input::memory("memory", Arc::clone(&file)));
        group.throughput(Throughput::Elements(frames));
        group.bench_function(format!("{name} in place"), |b| {
            b.iter(|| black_box(read(Input::memory("memory", Arc::clone(&file)))));
        });
        group.bench_function(format!("{name} through blocks"), |b| {
            b.iter(|| black_box(read(Input::reader("reader", Slow(Arc::clone(&file), 0)))));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

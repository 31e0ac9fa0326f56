//! pcapng blocks, from bytes written by hand.

use rheos_capture::info::{About, ByteOrder, Resolution};
use rheos_capture::{DamageKind, ReadOptions, Source};
use rheos_core::LinkType;

use super::made::{AllRead, read_all, read_bytes};

/// Writes blocks in one byte order.
struct Blocks {
    big: bool,
    file: Vec<u8>,
}

impl Blocks {
    fn u16(&self, n: u16) -> [u8; 2] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn u32(&self, n: u32) -> [u8; 4] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn u64(&self, n: u64) -> [u8; 8] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let len = self.u32(12 + body.len() as u32);
        let kind = self.u32(kind);
        self.file.extend([&kind[..], &len, body, &len].concat());
    }

    fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(self.u16(*code));
            bytes.extend(self.u16(value.len() as u16));
            bytes.extend_from_slice(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes.extend([0; 4]);
        bytes
    }

    fn section(&mut self, options: &[(u16, &[u8])]) {
        let version = [self.u16(1), self.u16(0)].concat();
        let magic = self.u32(0x1a2b_3c4d);
        let options = self.options(options);
        self.block(0x0a0d_0d0a, &[&magic[..], &version, &[0xff; 8], &options].concat());
    }

    fn interface(&mut self, link: u16, snap_len: u32, options: &[(u16, &[u8])]) {
        let head = [&self.u16(link)[..], &[0, 0], &self.u32(snap_len)].concat();
        let options = self.options(options);
        self.block(1, &[head, options].concat());
    }

    fn packet(&mut self, interface: u32, ticks: u64, data: &[u8], options: &[(u16, &[u8])]) {
        let len = data.len() as u32;
        let fields = [interface, (ticks >> 32) as u32, ticks as u32, len, len + 1];
        let mut body: Vec<u8> = fields.iter().flat_map(|&n| self.u32(n)).collect();
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(4), 0);
        if !options.is_empty() {
            body.extend(self.options(options));
        }
        self.block(6, &body);
    }
}

fn blocks(big: bool) -> Blocks {
    Blocks { big, file: Vec::new() }
}

fn times(all: &AllRead) -> Vec<u64> {
    all.frames().iter().map(|f| f.nanos).collect()
}

/// One section with every kind of block.
fn every_block(big: bool) -> Vec<u8> {
    let mut b = blocks(big);
    b.section(&[(1, b"made by hand"), (2, b"abacus"), (3, b"plan 9\0\0"), (4, b"fingers")]);
    let speed = b.u64(1_000_000_000);
    b.interface(
        1,
        64,
        &[
            (2, b"eth0"),
            (3, b"the first"),
            (8, &speed),
            (9, &[9]),
            (11, b"\0tcp port 80"),
            (12, b"linux"),
            (13, &[4]),
            (15, b"e1000"),
            (1, b"on the interface"),
        ],
    );
    b.interface(113, 0, &[]);
    b.packet(0, 5, b"abcde", &[]);
    let dropped = b.u64(7);
    b.packet(1, 6, b"", &[(2, &[0; 4]), (1, b"look"), (1, b"again"), (4, &dropped)]);
    // Simple packet block: 100 bytes on the wire, cut by the snap length to 64.
    let simple = [&b.u32(100)[..], &[9; 64]].concat();
    b.block(3, &simple);
    // Obsolete packet block: interface 1, 2 drops.
    let mut old: Vec<u8> = [b.u16(1), b.u16(2)].concat();
    old.extend([0, 8, 1, 10].iter().flat_map(|&n| b.u32(n)));
    old.extend(b"z\0\0\0");
    b.block(2, &old);
    b.block(4, &[0; 4]);
    b.block(10, &[0; 8]);
    b.block(0x0bad, &[0; 4]);
    b.block(0x4000_0bad, &[0; 4]);
    b.block(0x1234, &[]);
    let [received, lost, accepted, system, user] = [100, 3, 90, 4, 80].map(|n| b.u64(n));
    let options = b.options(&[
        (4, &received),
        (5, &lost),
        (6, &accepted),
        (7, &system),
        (8, &user),
        (1, b"counted"),
    ]);
    let statistics = [&b.u32(0)[..], &[0; 8], &options].concat();
    b.block(5, &statistics);
    b.file
}

#[test]
fn every_packet_block_gives_a_frame_in_both_byte_orders() {
    for big in [false, true] {
        let all = read_bytes(every_block(big));
        assert!(all.reader.damage().is_empty(), "{:?}", all.reader.damage());
        let frames = all.frames();
        assert_eq!(times(&all), [5, 6000, 6000, 8000]);
        let links: Vec<u16> = frames.iter().map(|f| f.link).collect();
        assert_eq!(links, [1, 113, 1, 113]);
        let lengths: Vec<_> = frames.iter().map(|f| (f.data.len(), f.wire_len)).collect();
        assert_eq!(lengths, [(5, 6), (0, 1), (64, 100), (1, 10)]);
        assert_eq!(all.reader.info().files[0].timeless_frames, 1);
    }
}

#[test]
fn what_a_file_says_of_itself_is_kept_in_both_byte_orders() {
    for big in [false, true] {
        let all = read_bytes(every_block(big));
        let file = &all.reader.info().files[0];
        assert_eq!(file.byte_order, if big { ByteOrder::Big } else { ByteOrder::Little });
        let section = &file.sections[0];
        assert_eq!(section.hardware.as_deref(), Some("abacus"));
        assert_eq!(section.os.as_deref(), Some("plan 9"));
        assert_eq!(section.application.as_deref(), Some("fingers"));
        let [eth, any] = &file.interfaces[..] else { panic!("two interfaces") };
        assert_eq!((eth.link, any.link), (LinkType::ETHERNET, LinkType::LINUX_SLL));
        assert_eq!((eth.snap_len, eth.speed, eth.fcs_len), (64, Some(1_000_000_000), Some(4)));
        assert_eq!((eth.name.as_deref(), eth.os.as_deref()), (Some("eth0"), Some("linux")));
        assert_eq!(eth.description.as_deref(), Some("the first"));
        assert_eq!(eth.filter.as_deref(), Some("tcp port 80"));
        assert_eq!(eth.hardware.as_deref(), Some("e1000"));
        assert_eq!(eth.resolution, Resolution::Decimal(9));
        assert_eq!(any.resolution, Resolution::Decimal(6));
        assert_eq!((eth.frames, any.frames), (2, 2));
        assert_eq!((eth.received, eth.accepted, eth.delivered), (Some(100), Some(90), Some(80)));
        assert_eq!((file.interface_drops(), file.system_drops(), file.dropped_between), (3, 4, 9));
        let comments: Vec<_> = file.comments.iter().map(|c| (c.about, c.text.as_str())).collect();
        assert_eq!(
            comments,
            [
                (About::Section(0), "made by hand"),
                (About::Interface(0), "on the interface"),
                (About::Frame(1), "look"),
                (About::Frame(1), "again"),
                (About::Statistics(0), "counted"),
            ]
        );
        let counts = file.blocks;
        assert_eq!((counts.name_resolution, counts.secrets, counts.custom), (1, 1, 2));
        assert_eq!((counts.statistics, counts.other), (1, 1));
    }
}

#[test]
fn sections_of_either_byte_order_follow_each_other() {
    let mut b = blocks(false);
    b.section(&[]);
    b.interface(1, 0, &[]);
    b.interface(101, 0, &[]);
    b.packet(1, 1, b"a", &[]);
    b.big = true;
    b.section(&[]);
    b.interface(228, 0, &[(9, &[9])]);
    b.packet(0, 2000, b"b", &[]);
    b.big = false;
    b.section(&[]);
    b.interface(1, 0, &[]);
    b.packet(0, 3, b"c", &[]);
    let mut reader = read_bytes(b.file.clone()).reader;
    assert!(reader.next_batch().unwrap().is_none());
    let all = read_bytes(b.file);
    assert_eq!(times(&all), [1000, 2000, 3000]);
    assert_eq!(all.frames().iter().map(|f| f.link).collect::<Vec<_>>(), [101, 228, 1]);
    let file = &all.reader.info().files[0];
    let sections: Vec<u64> = file.interfaces.iter().map(|i| i.section).collect();
    assert_eq!(sections, [0, 0, 1, 2]);
    let first: Vec<usize> = file.sections.iter().map(|s| s.first_interface).collect();
    assert_eq!(first, [0, 2, 3]);
    assert_eq!(file.interfaces.iter().map(|i| i.frames).collect::<Vec<_>>(), [0, 1, 1, 1]);
}

#[test]
fn resolutions_and_offsets_of_each_interface() {
    let mut b = blocks(false);
    b.section(&[]);
    b.interface(1, 0, &[]);
    b.interface(1, 0, &[(9, &[3])]);
    b.interface(1, 0, &[(9, &[0x8a])]);
    let offset = b.u64(1_700_000_000);
    b.interface(1, 0, &[(9, &[9]), (14, &offset)]);
    for interface in 0..4 {
        b.packet(interface, 1536, b"x", &[]);
    }
    let all = read_bytes(b.file);
    assert_eq!(times(&all), [1_536_000, 1_536_000_000, 1_500_000_000, 1_700_000_000_000_001_536]);
    let info = &all.reader.info().files[0];
    assert_eq!(info.interfaces[2].resolution, Resolution::Binary(10));
    assert_eq!(info.interfaces[3].offset_secs, 1_700_000_000);
    assert_eq!(info.backward_frames, 1);
}

#[test]
fn comments_of_a_batch_stay_with_their_frames() {
    let mut b = blocks(false);
    b.section(&[]);
    b.interface(1, 0, &[]);
    for i in 0..10u64 {
        let text = format!("number {i}");
        let options = [(1u16, text.as_bytes())];
        b.packet(0, i, b"x", if i % 3 == 0 { &options } else { &[] });
    }
    let options = ReadOptions { batch_frames: 4, max_comments: 2, ..ReadOptions::default() };
    let input = rheos_capture::Input::memory("made", std::sync::Arc::new(b.file));
    let mut reader = rheos_capture::CaptureReader::open([input], options).unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        for comment in reader.batch_comments() {
            seen.push((batch.first_index + comment.frame as u64, comment.text.clone()));
        }
    }
    let expected = [0, 3, 6, 9].map(|i| (i, format!("number {i}")));
    assert_eq!(seen, expected);
    let file = &reader.info().files[0];
    assert_eq!((file.comments.len(), file.comments_total), (2, 4));
}

/// Adds something wrong to a sound beginning.
type Spoil = fn(&mut Blocks);

/// Whether the damage is what it should be.
type Expected = fn(&DamageKind) -> bool;

fn contradictions() -> [(Spoil, Expected); 9] {
    [
        (
            |b| b.packet(5, 1, b"x", &[]),
            |k| matches!(k, DamageKind::Interface { interface: 5, known: 1 }),
        ),
        (
            |b| {
                b.packet(0, 1, b"xxxx", &[]);
                let len = b.file.len();
                b.file[len - 1] = 9;
            },
            |k| matches!(k, DamageKind::BlockLengths { block: 6, first: 36, .. }),
        ),
        (
            |b| b.file.extend([6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]),
            |k| matches!(k, DamageKind::BlockLength { block: 6, len: 13 }),
        ),
        (
            |b| b.file.extend([6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            |k| matches!(k, DamageKind::BlockLength { block: 6, len: 0 }),
        ),
        (
            |b| b.file.extend([6, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0]),
            |k| matches!(k, DamageKind::TooLong { part: "a block", .. }),
        ),
        (|b| b.block(6, &[0; 16]), |k| matches!(k, DamageKind::BlockLength { block: 6, .. })),
        (
            |b| {
                let mut body = [0u8; 24];
                body[12] = 5;
                b.block(6, &body);
            },
            |k| matches!(k, DamageKind::PacketRoom { len: 5, room: 4 }),
        ),
        (
            |b| b.file.extend([10, 13, 13, 10, 28, 0, 0, 0, 1, 2, 3, 4]),
            |k| matches!(k, DamageKind::ByteOrder { magic: 0x0403_0201 }),
        ),
        (
            |b| {
                let magic = b.u32(0x1a2b_3c4d);
                b.block(0x0a0d_0d0a, &[&magic[..], &[9, 0, 8, 0], &[0xff; 8]].concat());
            },
            |k| matches!(k, DamageKind::SectionVersion { major: 9, minor: 8 }),
        ),
    ]
}

#[test]
fn a_contradiction_is_damage_and_keeps_what_came_before() {
    let head = |b: &mut Blocks| {
        b.section(&[]);
        b.interface(1, 0, &[]);
        b.packet(0, 1, b"good", &[]);
    };
    for (number, (spoil, expected)) in contradictions().into_iter().enumerate() {
        let mut b = blocks(false);
        head(&mut b);
        let at = b.file.len();
        spoil(&mut b);
        b.packet(0, 2, b"after", &[]);
        let all = read_all(
            [rheos_capture::Input::memory("made", std::sync::Arc::new(b.file))],
            ReadOptions::default(),
        );
        assert_eq!(all.frames().len(), 1, "case {number}");
        let [damage] = all.reader.damage() else { panic!("case {number}: one damage") };
        assert!(expected(&damage.kind), "case {number}: {damage}");
        assert_eq!(damage.offset, at as u64, "case {number}");
    }
}

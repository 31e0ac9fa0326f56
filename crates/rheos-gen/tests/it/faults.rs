//! Faults come as often as asked for, are counted, and the truth knows of them.

use rheos_gen::{Counters, Faults, SynthesisConfig, Synthesizer, Tcp};

use super::tally::run;

fn config(faults: Faults) -> SynthesisConfig {
    SynthesisConfig { seed: 5, conversations: Some(800), faults, ..SynthesisConfig::default() }
}

/// Within four standard deviations of the binomial distribution.
fn assert_rate(name: &str, hits: u64, of: u64, percent: f64) {
    let (n, p) = (of as f64, percent / 100.0);
    let (mean, deviation) = (n * p, (n * p * (1.0 - p)).sqrt());
    assert!((hits as f64 - mean).abs() <= 4.0 * deviation, "{name}: {hits} of {of} at {percent} %");
}

fn counters(faults: Faults) -> Counters {
    let mut made = Synthesizer::new(config(faults).plan().expect("sound"));
    let (mut frame, mut frames, mut last) = (Vec::new(), 0, None);
    while let Some(info) = made.next_into(&mut frame) {
        assert!(last <= Some(info.ts), "time runs backwards");
        assert!(frame.len() >= 14 && frame.len() <= info.wire_len as usize);
        last = Some(info.ts);
        frames += 1;
    }
    assert_eq!(made.counters().frames, frames);
    *made.counters()
}

#[test]
fn rates_are_those_asked_for() {
    let base = Faults { retransmit: false, ..Faults::default() };
    let c = counters(Faults {
        loss_percent: 4.0,
        reorder_percent: 2.0,
        duplicate_percent: 3.0,
        truncate_percent: 1.5,
        bad_length_percent: 2.5,
        bad_checksum_percent: 5.0,
        ..base
    });
    let came = c.made - c.lost;
    assert!(came > 20_000, "{came}");
    assert_eq!(c.frames, came + c.duplicated);
    assert_eq!(c.held_full, 0);
    assert_rate("loss", c.lost, c.made, 4.0);
    assert_rate("reorder", c.reordered, came, 2.0);
    assert_rate("duplicate", c.duplicated, came, 3.0);
    assert_rate("truncate", c.truncated, came, 1.5);
    assert_rate("bad length", c.bad_length, came, 2.5);
    assert_rate("bad checksum", c.bad_checksum, came, 5.0);
}

#[test]
fn everything_can_be_lost_or_doubled() {
    let c = counters(Faults { loss_percent: 100.0, ..Faults::default() });
    assert_eq!((c.frames, c.lost), (0, c.made));
    let c = counters(Faults { duplicate_percent: 100.0, ..Faults::default() });
    assert_eq!(c.frames, 2 * c.made - c.held_full);
}

/// With every fault that leaves headers readable, the decoder still counts what the truth says.
#[test]
fn the_truth_is_what_came() {
    let faults = Faults {
        loss_percent: 3.0,
        reorder_percent: 2.0,
        duplicate_percent: 2.0,
        bad_checksum_percent: 2.0,
        ..Faults::default()
    };
    let mut config = config(faults);
    // Fragments out of order need a reassembler.
    config.mix.udp_large = 0;
    let (tally, truth, made) = run(&config, |_, _, _| {});
    assert_eq!(tally.dropped, 0);
    assert_eq!(tally.assert_equals(&truth), truth.len());
    let bad: u64 = truth.iter().flat_map(|flow| flow.directions).map(|d| d.bad_checksum).sum();
    assert_eq!(tally.wrong_checksums, bad);
    let frames: u64 = truth.iter().flat_map(|flow| flow.directions).map(|d| d.frames).sum();
    assert_eq!(frames, made.counters().frames);
}

/// The path loses data, the sender sends it again: every byte of every finished connection comes at least once.
#[test]
fn lost_data_is_sent_again() {
    let clean = config(Faults::default());
    let lossy = config(Faults { loss_percent: 5.0, ..Faults::default() });
    let data = |config: &SynthesisConfig| {
        let (_, truth, made) = run(config, |_, _, _| {});
        let tcp = truth.iter().filter(|flow| flow.tuple.protocol == 6);
        let bytes: u64 = tcp.flat_map(|flow| flow.directions).map(|d| d.payload_bytes).sum();
        (bytes, made.counters().made)
    };
    let ((clean_bytes, clean_made), (bytes, made)) = (data(&clean), data(&lossy));
    assert!(made > clean_made, "{made} {clean_made}");
    // Lost segments are repeated, so that nearly all bytes come; a few connections give up.
    assert!(bytes as f64 > 0.98 * clean_bytes as f64, "{bytes} {clean_bytes}");
}

#[test]
fn wrong_lengths_do_not_decode_as_sound() {
    let mut config = config(Faults { bad_length_percent: 100.0, ..Faults::default() });
    config.tcp = Tcp { message_bytes_max: 10_000, ..Tcp::default() };
    let mut made = Synthesizer::new(config.plan().expect("sound"));
    let (mut frame, mut sound, mut all) = (Vec::new(), 0, 0);
    while made.next_into(&mut frame).is_some() {
        all += 1;
        sound += u64::from(etherparse::SlicedPacket::from_ethernet(&frame).is_ok());
    }
    assert_eq!(made.counters().bad_length, all);
    // A TCP header that claims more words than it has still decodes when data follows it.
    assert!(sound * 20 < all, "{sound} of {all} still decode");
}

//! Writes a preset's frames as a pcap file with nanosecond timestamps to standard output.
//!
//! `cargo run --release -p rheos-gen --example write_pcap -- demo > demo.pcap`; a second argument names a TOML
//! file with a whole configuration instead.

use std::io::{self, BufWriter, Write};

use rheos_gen::{Preset, SynthesisConfig, Synthesizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "mixed".into());
    let config: SynthesisConfig = match arguments.next() {
        Some(path) => toml::from_str(&std::fs::read_to_string(path)?)?,
        None => Preset::named(&name).ok_or("no such preset")?.config(),
    };
    let mut made = Synthesizer::new(config.plan()?);
    let mut out = BufWriter::new(io::stdout().lock());
    // Magic for nanoseconds, version 2.4, snap length, Ethernet.
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.write_all(&word.to_le_bytes())?;
    }
    let mut frame = Vec::new();
    while let Some(info) = made.next_into(&mut frame) {
        let nanos = info.ts.as_nanos();
        let header = [
            (nanos / 1_000_000_000) as u32,
            (nanos % 1_000_000_000) as u32,
            frame.len() as u32,
            info.wire_len,
        ];
        for word in header {
            out.write_all(&word.to_le_bytes())?;
        }
        out.write_all(&frame)?;
    }
    out.flush()?;
    writeln!(io::stderr(), "{:?}", made.counters())?;
    Ok(())
}

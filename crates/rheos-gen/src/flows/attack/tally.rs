//! The ground truth: what was made of each attack, counted as it was made.

use std::io::{self, Write};

use rheos_core::{Timestamp, WideRecord};

use super::AttackKind;
use crate::flows::plan::FlowPlan;
use crate::flows::subnet::Subnet;

/// How the ground truth is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruthFormat {
    /// A header line and a line for each attack; several subnets are parted by `;`.
    Csv,
    /// An object on a line for each attack.
    JsonLines,
}

/// What was made of an attack.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackSums {
    /// The records' `label`.
    pub label: u8,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: AttackKind,
    /// The first begin of its records; `None` before there is one.
    pub first: Option<Timestamp>,
    /// The last end of its records.
    pub last: Option<Timestamp>,
    /// Records, both directions.
    pub records: u64,
    /// Their packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Who did it.
    pub sources: Vec<Subnet>,
    /// Whom it was done to.
    pub targets: Vec<Subnet>,
}

/// Counts records of attacks.
///
/// ```
/// use rheos_core::WideRecord;
/// use rheos_gen::flows::{Attack, AttackKind, AttackTally, FlowConfig, FlowGenerator};
///
/// let attacks = vec![Attack::new(AttackKind::PortScan)];
/// let mut made = FlowGenerator::new(FlowConfig { attacks, ..FlowConfig::default() }.plan()?);
/// let mut tally = AttackTally::new(made.plan());
/// let mut records = [WideRecord::default(); 1000];
/// made.fill_wide(&mut records);
/// tally.add(&records);
/// let labelled = records.iter().filter(|record| record.label == 1).count();
/// assert_eq!(tally.sums()[0].records, labelled as u64);
/// # Ok::<(), rheos_gen::flows::FlowError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AttackTally {
    sums: Vec<AttackSums>,
}

impl AttackTally {
    const HEADER: &str =
        "label,name,type,technique,start_ns,end_ns,records,packets,bytes,sources,targets";

    /// Nothing made of a plan's attacks yet.
    pub fn new(plan: &FlowPlan) -> Self {
        let sums = (1..).zip(plan.settled_attacks()).map(|(label, attack)| AttackSums {
            label,
            name: attack.name.clone(),
            kind: attack.kind,
            first: None,
            last: None,
            records: 0,
            packets: 0,
            bytes: 0,
            sources: attack.sources.clone(),
            targets: attack.targets.clone(),
        });
        Self { sums: sums.collect() }
    }

    /// Counts what was made.
    pub fn add(&mut self, records: &[WideRecord]) {
        if self.sums.is_empty() {
            return;
        }
        for record in records.iter().filter(|record| record.label != 0) {
            let Some(sums) = self.sums.get_mut(usize::from(record.label) - 1) else { continue };
            sums.records += 1;
            sums.packets += record.packets;
            sums.bytes += record.bytes;
            let (first, last) =
                (Timestamp::from_nanos(record.first), Timestamp::from_nanos(record.last));
            sums.first = Some(sums.first.map_or(first, |known| known.min(first)));
            sums.last = Some(sums.last.map_or(last, |known| known.max(last)));
        }
    }

    /// The sums, in order of labels.
    pub fn sums(&self) -> &[AttackSums] {
        &self.sums
    }

    /// Writes a line for each attack, also for those of which nothing was made.
    pub fn write(&self, format: TruthFormat, out: &mut impl Write) -> io::Result<()> {
        if format == TruthFormat::Csv {
            writeln!(out, "{}", Self::HEADER)?;
        }
        for sums in &self.sums {
            match format {
                TruthFormat::Csv => sums.write_csv(out)?,
                TruthFormat::JsonLines => sums.write_json(out)?,
            }
        }
        Ok(())
    }
}

fn joined(subnets: &[Subnet], before: &str, joint: &str) -> String {
    let each: Vec<String> = subnets.iter().map(|s| format!("{before}{s}{before}")).collect();
    each.join(joint)
}

impl AttackSums {
    fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        let moment =
            |moment: Option<Timestamp>| moment.map_or(String::new(), |m| m.as_nanos().to_string());
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{}",
            self.label,
            self.name,
            self.kind.name(),
            self.kind.technique(),
            moment(self.first),
            moment(self.last),
            self.records,
            self.packets,
            self.bytes,
            joined(&self.sources, "", ";"),
            joined(&self.targets, "", ";"),
        )
    }

    /// Names and subnets have no character that JSON must escape.
    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let moment = |moment: Option<Timestamp>| {
            moment.map_or("null".to_owned(), |m| m.as_nanos().to_string())
        };
        writeln!(
            out,
            "{{\"label\":{},\"name\":\"{}\",\"type\":\"{}\",\"technique\":\"{}\",\"start_ns\":{},\
             \"end_ns\":{},\"records\":{},\"packets\":{},\"bytes\":{},\"sources\":[{}],\"targets\":[{}]}}",
            self.label,
            self.name,
            self.kind.name(),
            self.kind.technique(),
            moment(self.first),
            moment(self.last),
            self.records,
            self.packets,
            self.bytes,
            joined(&self.sources, "\"", ","),
            joined(&self.targets, "\"", ","),
        )
    }
}

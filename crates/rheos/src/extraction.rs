//! The road from captures to rows that `extract`, `validate` and `watch` share: its flags, and how it is run.

use std::sync::Arc;

use anyhow::Result;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use clap::Args;
use rheos_core::units::Count;
use rheos_features::{ExtractConfig, Selection, Summary, pipeline, table};

use crate::config::Settings;
use crate::config::keys::{CHECKSUM_WORDS, Key, TUNNEL_WORDS};
use crate::extract_plan;
use crate::privacy::{self, PrivacyArgs, Veil};
use crate::reading::Reading;
use crate::selection::SelectionArgs;

/// Flags that decide what rows there are and what is in them.
#[derive(Debug, Args)]
pub(crate) struct ExtractionArgs {
    #[command(flatten)]
    pub(crate) packets: PacketArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) flow: FlowArgs,
    #[command(flatten)]
    pub(crate) privacy: PrivacyArgs,
}

/// Which packets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Packets")]
pub(crate) struct PacketArgs {
    /// Only packets that match this expression, such as `tcp port 443 and not net 10.0.0.0/8`.
    #[arg(short, long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Stop after this many packets.
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(crate) count: Option<Count>,
    /// Which packet keys a flow in a tunnel.
    #[arg(long, value_name = "LAYER", value_parser = TUNNEL_WORDS.to_vec())]
    pub(crate) tunnels: Option<String>,
    /// What to do with wrong checksums.
    #[arg(long, value_name = "POLICY", value_parser = CHECKSUM_WORDS.to_vec())]
    pub(crate) checksums: Option<String>,
}

/// What a flow is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Flows")]
pub(crate) struct FlowArgs {
    /// A flow without a packet for this long has ended.
    #[arg(long, value_name = "SPAN")]
    idle_timeout: Option<String>,
    /// A flow that lasts this long is cut; 0: never.
    #[arg(long, value_name = "SPAN")]
    active_timeout: Option<String>,
    /// How long a closed TCP flow waits for its tail packets.
    #[arg(long, value_name = "SPAN", hide_short_help = true)]
    tcp_linger: Option<String>,
    /// Most flows held at once.
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    max_flows: Option<String>,
    /// Whether packets of different VLANs are different flows.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_short_help = true)]
    key_vlan: Option<String>,
    /// Whether packets of different tunnels are different flows.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_short_help = true)]
    key_tunnel: Option<String>,
    /// How many first packets the sequence columns hold.
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    sequence_packets: Option<String>,
    /// Threads that follow flows; 0: one per core.
    #[arg(long, value_name = "COUNT")]
    threads: Option<String>,
    /// Seed of the flow tables' hash.
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    seed: Option<String>,
}

impl ExtractionArgs {
    /// What the command line says, for the settings.
    pub(crate) fn overrides(&self) -> Vec<(Key, String)> {
        let flow = &self.flow;
        let mut flags: Vec<(Key, String)> = [
            (Key::FlowIdleTimeout, &flow.idle_timeout),
            (Key::FlowActiveTimeout, &flow.active_timeout),
            (Key::FlowTcpLinger, &flow.tcp_linger),
            (Key::FlowFlowsMax, &flow.max_flows),
            (Key::DecodeTunnels, &self.packets.tunnels),
            (Key::DecodeChecksums, &self.packets.checksums),
            (Key::FlowKeyVlan, &flow.key_vlan),
            (Key::FlowKeyTunnel, &flow.key_tunnel),
            (Key::FeaturesSequencePackets, &flow.sequence_packets),
            (Key::FlowThreads, &flow.threads),
            (Key::FlowSeed, &flow.seed),
            (Key::DecodeFilter, &self.packets.filter),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
        flags.extend(self.selection.overrides());
        flags.extend(self.privacy.overrides());
        flags
    }

    /// After how many packets to stop.
    pub(crate) fn count(&self) -> Option<u64> {
        self.packets.count.map(|Count(n)| n)
    }
}

/// The road by certain settings.
#[derive(Debug)]
pub(crate) struct Extraction {
    /// How packets become rows, before identities are hidden.
    pub(crate) plan: ExtractConfig,
    schema: SchemaRef,
    veil: Veil,
}

impl Extraction {
    /// The road for rows with the selected columns, less those that privacy forbids.
    pub(crate) fn new(settings: &Settings, selection: Selection) -> Result<Self> {
        let selection = privacy::of_selection(selection, settings)?;
        let schema = table::arrow_schema(selection.columns());
        let mut plan = extract_plan::of_settings(settings, selection)?;
        let veil = Veil::new(settings, &mut plan)?;
        Ok(Self { plan, schema: Arc::new(schema), veil })
    }

    /// The columns of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads to the end and hands on the rows as they may be told.
    pub(crate) fn run(
        &mut self,
        reading: &mut Reading,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<Summary> {
        let veil = &mut self.veil;
        let summary = pipeline::run(
            &self.plan,
            || Ok::<_, anyhow::Error>(reading.next_batch()),
            |rows| take(veil.over(rows)),
        );
        summary.map_err(extract_plan::run_error)
    }
}

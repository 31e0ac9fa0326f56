//! The road from captures to rows that `extract`, `validate` and `watch` share: its flags, and how it is run.

use std::sync::Arc;

use anyhow::Result;
use arrow_array::{RecordBatch, StringArray};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use clap::Args;
use rheos_core::units::Count;
use rheos_features::labels::LabelUse;
use rheos_features::{ExtractConfig, Identity, RowShape, Summary, pipeline};

use crate::config::Settings;
use crate::config::keys::{CHECKSUM_WORDS, CONNECTION_WORDS, Key, TUNNEL_WORDS};
use crate::extract_plan;
use crate::failure::Misuse;
use crate::labels::{self, LabelArgs, Labelling};
use crate::privacy::{self, PrivacyArgs, Veil};
use crate::reading::Reading;
use crate::selection::SelectionArgs;

/// The column that names a row's capture.
const SOURCE: &str = "source";

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
    pub(crate) labels: LabelArgs,
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
    /// Look at this share of packets only, such as `1/100` or `1%`, chosen by `--seed`.
    #[arg(long, value_name = "SHARE", hide_short_help = true)]
    sample_packets: Option<String>,
    /// Follow this share of flows only, both directions of each, chosen by `--seed`.
    #[arg(long, value_name = "SHARE", hide_short_help = true)]
    sample_flows: Option<String>,
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
    /// Which flows the group `connection` tells of: those so far, or all of the capture.
    #[arg(long, value_name = "MODE", value_parser = CONNECTION_WORDS.to_vec(), hide_short_help = true)]
    connection: Option<String>,
    /// Threads that follow flows; 0: one per core.
    #[arg(long, value_name = "COUNT")]
    threads: Option<String>,
    /// Seed of sampling and of the flow tables' hash.
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
            (Key::FeaturesConnection, &flow.connection),
            (Key::FlowThreads, &flow.threads),
            (Key::FlowSeed, &flow.seed),
            (Key::DecodeFilter, &self.packets.filter),
            (Key::SamplingPackets, &self.packets.sample_packets),
            (Key::SamplingFlows, &self.packets.sample_flows),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.clone()?)))
        .collect();
        flags.extend(self.selection.overrides());
        flags.extend(self.labels.overrides());
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
    /// How packets become rows, before labels are joined and identities hidden.
    pub(crate) plan: ExtractConfig,
    finish: RowFinish,
}

impl Extraction {
    /// The road for rows of this shape, less the columns that privacy forbids, and with labels.
    pub(crate) fn new(settings: &Settings, shape: impl Into<RowShape>) -> Result<Self> {
        let shape = privacy::of_shape(shape.into(), settings)?;
        let rows = shape.schema();
        let labelling = Labelling::new(settings, &rows)?;
        let mut fields: Vec<FieldRef> = rows.fields().iter().cloned().collect();
        let selection = match &labelling {
            Some(labelling) => {
                fields.extend(labelling.fields().iter().cloned().map(Arc::new));
                labels::with_needed(shape.selection())?
            }
            None => shape.selection().clone(),
        };
        let mut plan = extract_plan::of_settings(settings, selection)?;
        let veil = Veil::new(settings, &mut plan)?;
        let schema = Arc::new(Schema::new(fields));
        let finish = RowFinish { schema, shape, source: None, labelling, veil };
        Ok(Self { plan, finish })
    }

    /// The columns of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.finish.schema
    }

    /// With a last column `source` that names the capture of each row.
    pub(crate) fn with_source(mut self) -> Result<Self> {
        if self.finish.schema.column_with_name(SOURCE).is_some() {
            let message = "the labels have a column `source`, and so have the rows with `--each`";
            return Err(Misuse::new(message, "rename it in the file of labels").into());
        }
        let facts = [
            ("description", "the capture that the row was made of"),
            ("group", "labels"),
            ("null", "never"),
            // Names of files can tell whose they are.
            ("identity", Identity::Name.name()),
        ];
        let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let field = Field::new(SOURCE, DataType::Utf8, true).with_metadata(facts.into());
        let field: FieldRef = Arc::new(field);
        let mut fields: Vec<FieldRef> = self.finish.schema.fields().iter().cloned().collect();
        fields.push(Arc::clone(&field));
        self.finish.schema = Arc::new(Schema::new(fields));
        self.finish.source = Some(Arc::new(Schema::new(vec![field])));
        Ok(self)
    }

    /// How rows are made, and what is done to them then.
    pub(crate) fn parts(&mut self) -> (&ExtractConfig, &mut RowFinish) {
        (&self.plan, &mut self.finish)
    }

    /// What became of the labels, if there are any.
    pub(crate) fn labels(&self) -> Option<&LabelUse> {
        self.finish.labelling.as_ref().map(Labelling::uses)
    }

    /// Begins to count anew what becomes of labels.
    pub(crate) fn forget_label_uses(&mut self) {
        if let Some(labelling) = &mut self.finish.labelling {
            labelling.forget_uses();
        }
    }

    /// Reads to the end and hands on the rows as they may be told.
    pub(crate) fn run(
        &mut self,
        reading: &mut Reading,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<Summary> {
        let finish = &mut self.finish;
        let summary = pipeline::run(
            &self.plan,
            || Ok::<_, anyhow::Error>(reading.next_batch()),
            |rows| take(finish.over(&rows, "")?),
        );
        summary.map_err(extract_plan::run_error)
    }
}

/// What is done to rows after they were made.
#[derive(Debug)]
pub(crate) struct RowFinish {
    schema: SchemaRef,
    /// Made of the first columns; those after them are there for the labels only.
    shape: RowShape,
    /// The column that names captures, by itself, if there is one.
    source: Option<SchemaRef>,
    labelling: Option<Labelling>,
    veil: Veil,
}

impl RowFinish {
    /// The rows of the capture `source` with their labels, as they may be told.
    pub(crate) fn over(&mut self, rows: &RecordBatch, source: &str) -> Result<RecordBatch> {
        let labels = self.labelling.as_mut().map(|labelling| labelling.join(rows));
        let own: Vec<usize> = (0..self.shape.selection().columns().count()).collect();
        // Pseudonyms first: a view is made of what may be told.
        let shown = self.shape.rows(self.veil.over(rows.project(&own)?));
        let mut columns = shown.columns().to_vec();
        columns.extend(labels.into_iter().flatten());
        if let Some(schema) = &self.source {
            let names = StringArray::from(vec![source; rows.num_rows()]);
            let named = RecordBatch::try_new(Arc::clone(schema), vec![Arc::new(names)])?;
            columns.extend(self.veil.over(named).columns().iter().cloned());
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

//! Whole runs of the binary: exit code, standard output and standard error, as a person sees them.

#[path = "it/captures.rs"]
mod captures;
#[path = "it/collect.rs"]
mod collect;
#[path = "it/commands.rs"]
mod commands;
#[path = "it/each.rs"]
mod each;
#[path = "it/errors.rs"]
mod errors;
#[path = "it/extract.rs"]
mod extract;
#[path = "it/fit.rs"]
mod fit;
#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/flow_packets.rs"]
mod flow_packets;
#[path = "it/flows.rs"]
mod flows;
#[path = "it/gen_attacks.rs"]
mod gen_attacks;
#[path = "it/gen_captures.rs"]
mod gen_captures;
#[path = "it/gen_flows.rs"]
mod gen_flows;
#[path = "it/graph.rs"]
mod graph;
#[path = "it/help.rs"]
mod help;
#[path = "it/labels.rs"]
mod labels;
#[path = "it/memory.rs"]
mod memory;
#[path = "it/nfcapd.rs"]
mod nfcapd;
#[path = "it/privacy.rs"]
mod privacy;
#[path = "it/profiles.rs"]
mod profiles;
#[path = "it/provenance.rs"]
mod provenance;
#[cfg(feature = "sql")]
#[path = "it/query.rs"]
mod query;
#[path = "it/run.rs"]
mod run;
#[path = "it/sampling.rs"]
mod sampling;
#[path = "it/settings.rs"]
mod settings;
#[path = "it/validate.rs"]
mod validate;
#[path = "it/watch.rs"]
mod watch;

//! Keyword arguments into the plan of a run. Names and meanings are those of the command line's settings.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use rheos_capture::{FileOrder, ReadOptions};
use rheos_core::Nanos;
use rheos_core::filter::Filter;
use rheos_core::suggest::nearest;
use rheos_core::units::{Bytes, Count};
use rheos_features::anonymize::{Anonymizer, Key};
use rheos_features::{ExtractConfig, Identity, RowShape};
use rheos_wire::filter::PacketFilter;
use rheos_wire::{ChecksumPolicy, TunnelPolicy};

use crate::error;

/// All that a run needs to know.
pub(crate) struct Plan {
    pub(crate) extract: ExtractConfig,
    /// The columns that Python gets.
    pub(crate) shape: RowShape,
    pub(crate) read: ReadOptions,
    pub(crate) anonymizer: Option<Anonymizer>,
    /// Most packets that are read.
    pub(crate) count: u64,
}

/// A keyword argument: its name, and how it changes the plan.
type Setter = fn(&mut Plan, &Given<'_, '_>) -> PyResult<()>;

/// Every option by name.
static OPTIONS: &[(&str, Setter)] = &[
    ("active_timeout", |p, g| g.span().map(|v| p.extract.flow.active_timeout = v)),
    ("anonymize_key", Plan::anonymize),
    ("burst_threshold", |p, g| g.span().map(|v| p.extract.features.burst_threshold = v)),
    ("checksums", |p, g| {
        let policies = [
            ("ignore", ChecksumPolicy::Ignore),
            ("count", ChecksumPolicy::Count),
            ("drop", ChecksumPolicy::Drop),
        ];
        g.choice(&policies).map(|v| p.extract.ingest.decode.checksums = v)
    }),
    ("count", |p, g| g.count().map(|v| p.count = v)),
    ("exact_packets", |p, g| g.size().map(|v| p.extract.features.exact_packets = v)),
    ("filter", Plan::filter),
    ("flow_id_salt", |p, g| g.bytes().map(|v| p.extract.features.flow_id_salt = v)),
    ("idle_timeout", |p, g| g.span().map(|v| p.extract.flow.idle_timeout = v)),
    ("ips", |p, g| {
        let hidden = [Identity::Address, Identity::Mac, Identity::Endpoints];
        p.hide(g, &hidden)
    }),
    ("key_tunnel", |p, g| g.switch().map(|v| p.extract.flow.key_tunnel = v)),
    ("key_vlan", |p, g| g.switch().map(|v| p.extract.flow.key_vlan = v)),
    ("max_flows", |p, g| g.size().map(|v| p.extract.flow.flows_max = v.max(1))),
    ("names", |p, g| p.hide(g, &[Identity::Name])),
    ("order", |p, g| {
        let orders = [("given", FileOrder::Given), ("time", FileOrder::FirstPacket)];
        g.choice(&orders).map(|v| p.read.order = v)
    }),
    ("ports", |p, g| p.hide(g, &[Identity::Port])),
    ("recursive", |p, g| g.switch().map(|v| p.read.recursive = v)),
    ("reorder_slack", |p, g| g.span().map(|v| p.extract.flow.reorder_slack = v)),
    ("seed", |p, g| g.count().map(|v| p.extract.flow.hash_seed = v)),
    ("sequence_packets", |p, g| g.size().map(|v| p.extract.features.sequence_packets = v)),
    ("tcp_linger", |p, g| g.span().map(|v| p.extract.flow.tcp_linger = v)),
    ("threads", |p, g| g.size().map(|v| p.extract.threads = v)),
    ("tunnel_depth_max", |p, g| {
        g.size().map(|v| p.extract.ingest.decode.tunnel_depth_max = v.clamp(1, 16) as u8)
    }),
    ("tunnels", |p, g| {
        let layers = [("inner", TunnelPolicy::Inner), ("outer", TunnelPolicy::Outer)];
        g.choice(&layers).map(|v| p.extract.ingest.decode.tunnels = v)
    }),
];

/// The names of all options, for messages and completion.
#[pyfunction]
pub(crate) fn option_names() -> Vec<&'static str> {
    OPTIONS.iter().map(|(name, _)| *name).collect()
}

impl Plan {
    /// The plan for these columns and options.
    pub(crate) fn new(shape: RowShape, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut plan = Self {
            extract: ExtractConfig {
                threads: std::thread::available_parallelism().map_or(1, usize::from),
                ..ExtractConfig::default()
            },
            shape,
            read: ReadOptions::default(),
            anonymizer: None,
            count: u64::MAX,
        };
        for (name, value) in options.into_iter().flatten() {
            let name: String = name.extract()?;
            let Some((_, set)) = OPTIONS.iter().find(|(known, _)| *known == name) else {
                let known = nearest(&name, OPTIONS.iter().map(|(known, _)| *known));
                let hint = known.map_or_else(
                    || format!("options are {}", option_names().join(", ")),
                    |known| format!("did you mean `{known}`?"),
                );
                return Err(error::config(&format!("no option named `{name}`"), Some(hint)));
            };
            set(&mut plan, &Given { name: &name, value: &value })?;
        }
        plan.extract.features.selection = plan.shape.selection().clone();
        if plan.extract.threads == 0 {
            plan.extract.threads = std::thread::available_parallelism().map_or(1, usize::from);
        }
        Ok(plan)
    }

    fn filter(&mut self, given: &Given<'_, '_>) -> PyResult<()> {
        let text = given.text()?;
        let filter = Filter::parse(&text).map_err(|error| error::filter(&error, &text))?;
        let filter =
            PacketFilter::new(&filter).map_err(|error| error::config(&error.to_string(), None))?;
        self.extract.ingest.filter = (!filter.matches_all()).then_some(filter);
        Ok(())
    }

    fn anonymize(&mut self, given: &Given<'_, '_>) -> PyResult<()> {
        let hint = Some("use 16 bytes or more, for example `secrets.token_bytes(32)`".to_owned());
        let key = Key::new(&given.bytes()?)
            .map_err(|error| error::config(&format!("wrong `anonymize_key`: {error}"), hint))?;
        if self.extract.features.flow_id_salt.is_empty() {
            self.extract.features.flow_id_salt = key.salt();
        }
        self.anonymizer = Some(Anonymizer::new(&key));
        Ok(())
    }

    /// Leaves out columns that identify something, if the option is off.
    fn hide(&mut self, given: &Given<'_, '_>, identities: &[Identity]) -> PyResult<()> {
        if !given.switch()? {
            let rest = self.shape.clone().without(|identity| identities.contains(&identity));
            self.shape = rest.map_err(|error| error::features(&error))?;
        }
        Ok(())
    }
}

/// A keyword argument as it was given.
struct Given<'a, 'py> {
    name: &'a str,
    value: &'a Bound<'py, PyAny>,
}

impl Given<'_, '_> {
    fn wrong(&self, expected: &str) -> PyErr {
        let value = self.value.repr().map_or_else(|_| "?".to_owned(), |repr| repr.to_string());
        let message = format!("wrong value of `{}`: {value} is not {expected}", self.name);
        error::config(&message, None)
    }

    fn text(&self) -> PyResult<String> {
        self.value.extract().map_err(|_| self.wrong("a text"))
    }

    fn switch(&self) -> PyResult<bool> {
        self.value.extract().map_err(|_| self.wrong("True or False"))
    }

    /// A whole number, or a text like `4M`.
    fn count(&self) -> PyResult<u64> {
        if let Ok(text) = self.value.cast::<PyString>() {
            let parsed: Result<Count, _> = text.to_str()?.parse();
            return parsed.map(|Count(n)| n).map_err(|error| self.wrong(&error.to_string()));
        }
        self.value.extract().map_err(|_| self.wrong("a whole number from 0 up"))
    }

    /// As [`Self::count`], or bytes like `2MiB`.
    fn size(&self) -> PyResult<usize> {
        if let Ok(text) = self.value.cast::<PyString>()
            && let Ok(Bytes(n)) = text.to_str()?.parse()
        {
            return Ok(usize::try_from(n).unwrap_or(usize::MAX));
        }
        Ok(usize::try_from(self.count()?).unwrap_or(usize::MAX))
    }

    /// Seconds, a text like `30s`, or a `timedelta`.
    fn span(&self) -> PyResult<Nanos> {
        let expected = "a span of time: seconds, a text such as '30s', or a timedelta";
        if let Ok(text) = self.value.cast::<PyString>() {
            return text.to_str()?.parse().map_err(|_| self.wrong(expected));
        }
        let seconds = match self.value.call_method0("total_seconds") {
            Ok(seconds) => seconds.extract::<f64>(),
            Err(_) => self.value.extract::<f64>(),
        };
        let seconds = seconds.map_err(|_| self.wrong(expected))?;
        // Up to 584 years fit.
        if !(0.0..1.8e10).contains(&seconds) {
            return Err(self.wrong(expected));
        }
        Ok(Nanos((seconds * 1e9).round() as u64))
    }

    fn bytes(&self) -> PyResult<Vec<u8>> {
        if let Ok(bytes) = self.value.cast::<PyBytes>() {
            return Ok(bytes.as_bytes().to_vec());
        }
        self.text().map(String::into_bytes).map_err(|_| self.wrong("bytes or a text"))
    }

    fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> PyResult<T> {
        let text = self.text()?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|&(_, value)| value);
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("'{word}'")).collect();
        chosen.ok_or_else(|| self.wrong(&format!("one of {}", words.join(", "))))
    }
}

//! The configuration as Python gives it: a file, a text, a dictionary, or an object of the older classes.

use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyFileNotFoundError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};
use rheos_gen::flows::{
    Document, FlowConfig, FlowError, Format, GeneratorConfig, Rate, SizeModel, Subnets,
    TrafficPattern, Variables,
};

use crate::error;

/// The older `GeneratorConfig`, by its attributes.
#[derive(FromPyObject)]
struct Filled {
    bandwidth_gbps: f64,
    flows_per_second: f64,
    max_flows: u64,
    duration_seconds: f64,
    start_timestamp_ns: u64,
    source_subnets: Vec<String>,
    destination_subnets: Vec<String>,
    source_weights: Vec<f64>,
    destination_weights: Vec<f64>,
    min_packet_size: u32,
    max_packet_size: u32,
    average_packet_size: u32,
    bidirectional_mode: String,
    bidirectional_probability: f64,
    traffic_patterns: Vec<FilledPattern>,
    seed: u64,
    stream_id: u32,
}

#[derive(FromPyObject)]
struct FilledPattern {
    r#type: String,
    percentage: f64,
}

impl From<Filled> for GeneratorConfig {
    fn from(f: Filled) -> Self {
        let patterns = f.traffic_patterns.into_iter();
        Self {
            bandwidth_gbps: f.bandwidth_gbps,
            flows_per_second: f.flows_per_second,
            max_flows: f.max_flows,
            duration_seconds: f.duration_seconds,
            start_timestamp_ns: f.start_timestamp_ns,
            source_subnets: f.source_subnets,
            destination_subnets: f.destination_subnets,
            source_weights: f.source_weights,
            destination_weights: f.destination_weights,
            min_packet_size: f.min_packet_size,
            max_packet_size: f.max_packet_size,
            average_packet_size: f.average_packet_size,
            bidirectional_mode: f.bidirectional_mode,
            bidirectional_probability: f.bidirectional_probability,
            traffic_patterns: patterns
                .map(|p| TrafficPattern { kind: p.r#type, percentage: p.percentage })
                .collect(),
            seed: f.seed,
            stream_id: f.stream_id,
        }
    }
}

/// Reads any kind of configuration. A text is one that has a line end or begins with `{`; other strings are paths.
pub(super) fn read(
    given: &Bound<'_, PyAny>,
    format: Option<&str>,
    variables: Option<&Bound<'_, PyDict>>,
) -> PyResult<FlowConfig> {
    read_with_document(given, format, variables).map(|(config, _)| config)
}

/// The same with the document that it was read from, if it was one.
fn read_with_document(
    given: &Bound<'_, PyAny>,
    format: Option<&str>,
    variables: Option<&Bound<'_, PyDict>>,
) -> PyResult<(FlowConfig, Option<Document>)> {
    let py = given.py();
    let format = format.map(|name| known_format(py, name)).transpose()?;
    let variables = match variables {
        Some(pairs) => pairs
            .iter()
            .map(|(name, value)| Ok((name.str()?.to_string(), value.str()?.to_string())))
            .collect::<PyResult<Variables>>()?,
        None => Variables::NONE,
    };
    let wrong = |error| error::flow_config(py, &error);
    if let Ok(text) = given.cast::<PyString>() {
        let text = text.to_str()?;
        if text.contains('\n') || text.trim_start().starts_with('{') {
            let format = format.unwrap_or_else(|| format_of(text));
            let document = Document::parse(text, format, &variables).map_err(wrong)?;
            return Ok((document.config().map_err(wrong)?, Some(document)));
        }
    }
    if let Ok(mapping) = given.cast::<PyMapping>() {
        return of_mapping(mapping.as_any(), &variables);
    }
    if let Ok(path) = given.extract::<PathBuf>() {
        if !path.exists() {
            let message = format!("Config file not found: {}", path.display());
            return Err(PyFileNotFoundError::new_err(message));
        }
        let load = |path: &Path| {
            let document = Document::load(path, format, &variables)?;
            Ok((document.config()?, Some(document)))
        };
        return py.detach(|| load(&path)).map_err(wrong);
    }
    if given.hasattr("to_dict")? {
        return of_mapping(&given.call_method0("to_dict")?, &variables);
    }
    if given.hasattr("traffic_patterns")? {
        let filled = GeneratorConfig::from(given.extract::<Filled>()?);
        return Ok((FlowConfig::try_from(&filled).map_err(wrong)?, None));
    }
    let kind = given.get_type().name()?;
    let expected = "a path, a text, a dictionary, a GeneratorConfig or a FlowGenConfig";
    Err(PyTypeError::new_err(format!("a configuration is {expected}, not {kind}")))
}

fn known_format(py: Python<'_>, name: &str) -> PyResult<Format> {
    match name.to_ascii_lowercase().as_str() {
        "yaml" | "yml" => Ok(Format::Yaml),
        "json" => Ok(Format::Json),
        "toml" => Ok(Format::Toml),
        _ => {
            let shown: String = name.chars().take(64).collect();
            let hint = Some("formats are 'yaml', 'json', 'toml'".to_owned());
            Err(error::flows(py, &format!("no format named `{shown}`"), hint))
        }
    }
}

/// JSON begins with `{`; TOML's first line that says something is a `[section]` or has a ` = `; the rest is YAML.
fn format_of(text: &str) -> Format {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    if first.starts_with('{') {
        Format::Json
    } else if first.starts_with('[') || first.contains(" = ") {
        Format::Toml
    } else {
        Format::Yaml
    }
}

/// A dictionary has no lines: errors tell its keys.
fn of_mapping(
    mapping: &Bound<'_, PyAny>,
    variables: &Variables,
) -> PyResult<(FlowConfig, Option<Document>)> {
    let py = mapping.py();
    let plain = py.import("builtins")?.getattr("dict")?.call1((mapping,))?;
    let text = py.import("json")?.call_method1("dumps", (plain,))?;
    let text = text.cast::<PyString>()?.to_str()?;
    let read = || {
        let document = Document::parse(text, Format::Json, variables)?;
        Ok((document.config()?, Some(document)))
    };
    read().map_err(|mut error: FlowError| {
        error.place = None;
        error::flow_config(py, &error)
    })
}

/// Checks a configuration and gives it back as the dictionary of its sections, with every default filled in. Models
/// that are made of parts (services, routes, conversations, schedules, attacks) are as they were written, numbers as texts.
#[pyfunction]
#[pyo3(signature = (config, format=None, variables=None))]
pub(crate) fn flow_settings<'py>(
    config: &Bound<'py, PyAny>,
    format: Option<&str>,
    variables: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = config.py();
    let (config, document) = read_with_document(config, format, variables)?;
    let written = match &document {
        Some(document) => py.import("json")?.call_method1("loads", (document.to_json(),))?,
        None => PyDict::new(py).into_any(),
    };
    let generation = PyDict::new(py);
    generation.set_item("max_flows", config.max_flows)?;
    generation.set_item("duration_seconds", config.duration.map(|span| seconds(span.0)))?;
    let rate = PyDict::new(py);
    match config.rate {
        Rate::Bandwidth(bits) => rate.set_item("bandwidth_gbps", bits.0 as f64 / 1e9)?,
        Rate::Flows(flows) => rate.set_item("flows_per_second", flows.micros as f64 / 1e6)?,
    }
    generation.set_item("rate", rate)?;
    generation.set_item("start_timestamp", seconds(config.start.as_nanos()))?;
    let mode = if config.reversed_share > 0.0 { "random" } else { "none" };
    generation.set_item("bidirectional_mode", mode)?;
    generation.set_item("bidirectional_probability", config.reversed_share)?;
    generation.set_item("seed", config.seed)?;
    generation.set_item("stream_id", config.stream_id)?;
    generation.set_item("end_timestamp", config.end.map(|end| seconds(end.as_nanos())))?;

    let patterns = patterns(py, &config, &written)?;
    let network = PyDict::new(py);
    for (side, subnets) in [("source", &config.sources), ("destination", &config.destinations)] {
        set_side(&network, side, subnets)?;
    }
    let routes = match section(&written, "network")? {
        Some(network) => section(&network, "routes")?,
        None => None,
    };
    network.set_item("routes", routes)?;
    let packets = PyDict::new(py);
    packets.set_item("min_size", config.sizes.min)?;
    packets.set_item("max_size", config.sizes.max)?;
    packets.set_item("average_size", config.sizes.average)?;

    let realism = PyDict::new(py);
    let sizes = match config.realism.sizes {
        SizeModel::Patterns => "patterns",
        SizeModel::Agh2015 => "agh_2015",
        SizeModel::Services => "services",
    };
    realism.set_item("sizes", sizes)?;
    realism.set_item("arrivals", config.realism.arrivals.name())?;
    realism.set_item("host_exponent", config.realism.host_exponent)?;
    if let Some(models) = section(&written, "realism")? {
        for (key, model) in models.cast::<PyDict>()?.iter() {
            if !realism.contains(&key)? {
                realism.set_item(key, model)?;
            }
        }
    }

    let all = PyDict::new(py);
    all.set_item("generation", generation)?;
    all.set_item("traffic_patterns", patterns)?;
    all.set_item("network", network)?;
    all.set_item("packets", packets)?;
    all.set_item("realism", realism)?;
    let none = || PyList::empty(py).into_any();
    all.set_item("attacks", section(&written, "attacks")?.unwrap_or_else(none))?;
    Ok(all)
}

/// What is written under a key, unless it is empty.
fn section<'py>(written: &Bound<'py, PyAny>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = written.call_method1("get", (key,))?;
    Ok((!found.is_none()).then_some(found))
}

/// The patterns by their names, and the services as they were written.
fn patterns<'py>(
    py: Python<'py>,
    config: &FlowConfig,
    written: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let patterns = PyList::empty(py);
    for (pattern, percentage) in &config.patterns {
        let one = PyDict::new(py);
        one.set_item("type", pattern.name())?;
        one.set_item("percentage", percentage)?;
        patterns.append(one)?;
    }
    let Some(all) = section(written, "traffic_patterns")? else { return Ok(patterns) };
    for one in all.try_iter()? {
        let one = one?;
        let kind = section(&one, "type")?.map(|kind| kind.str()).transpose()?;
        if kind.is_some_and(|kind| kind.to_string_lossy().eq_ignore_ascii_case("service")) {
            let percentage = section(&one, "percentage")?.map(|share| share.str()).transpose()?;
            let percentage = percentage.map(|p| p.to_string_lossy().parse::<f64>().unwrap_or(0.0));
            one.set_item("percentage", percentage.unwrap_or(0.0))?;
            patterns.append(one)?;
        }
    }
    Ok(patterns)
}

fn set_side(network: &Bound<'_, PyDict>, side: &str, subnets: &Subnets) -> PyResult<()> {
    let texts: Vec<String> = subnets.subnets.iter().map(ToString::to_string).collect();
    network.set_item(format!("{side}_subnets"), texts)?;
    let weights = (!subnets.weights.is_empty()).then(|| subnets.weights.clone());
    network.set_item(format!("{side}_weights"), weights)
}

/// Nanoseconds as seconds, all digits kept: a float would lose those beyond the 16th.
fn seconds(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

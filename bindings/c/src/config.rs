//! The configuration of a generator: from a file, from text, or value by value.

use std::ffi::c_char;
use std::path::Path;

use rheos_core::units::BitRate;
use rheos_core::{Nanos, Timestamp};
use rheos_gen::flows::{
    FlowConfig, FlowError, FlowRate, Format, Pattern, Rate, Sizes, Subnet, Subnets, Variables,
};

use crate::error::{Error, ErrorCode, handed_out, nothing, object, object_mut, reporting, text};
use crate::guarded;

/// What is to be generated. Values are checked where they are given; what they are together, by
/// `rheos_config_check` and `rheos_generator_new`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) flows: FlowConfig,
    /// Which lists still hold the defaults, to be dropped when the first own element is added.
    defaults: Defaults,
}

/// Lists that were not set yet.
#[derive(Clone, Copy, Debug)]
struct Defaults {
    patterns: bool,
    sources: bool,
    destinations: bool,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { patterns: true, sources: true, destinations: true }
    }
}

impl Config {
    fn loaded(flows: FlowConfig) -> Self {
        let defaults = Defaults { patterns: false, sources: false, destinations: false };
        Self { flows, defaults }
    }
}

/// Which format a configuration is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum ConfigFormat {
    /// YAML 1.2.
    Yaml = 1,
    /// JSON.
    Json = 2,
    /// TOML.
    Toml = 3,
}

fn wrong(error: &FlowError) -> Error {
    Error::from_flow(ErrorCode::Config, error)
}

fn number(name: &str, value: f64, rule: &str) -> Error {
    let message = format!("`{name}` is {value}, must be {rule}");
    Error::new(ErrorCode::Config, &message, "")
}

/// A configuration with the defaults: 10 Gbit/s of the usual mix from 192.168.1.0/24 to 10.0.0.0/8, without end.
#[unsafe(no_mangle)]
pub extern "C" fn rheos_config_new() -> *mut Config {
    guarded(nothing(), || handed_out(Config::default()))
}

/// Reads a configuration file; its ending says the format (`.yaml`, `.yml`, `.json`, `.toml`). Null on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_from_file(
    path: *const c_char,
    error: *mut *mut Error,
) -> *mut Config {
    let work = || {
        // SAFETY: a text, as the interface asks.
        let path = unsafe { text(path, "path") }?;
        let read = FlowConfig::load(Path::new(path), &Variables::default());
        Ok(handed_out(Config::loaded(read.map_err(|e| wrong(&e))?)))
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, nothing(), work) }
}

/// Reads a configuration from a text of that format. Null on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_from_text(
    document: *const c_char,
    format: u32,
    error: *mut *mut Error,
) -> *mut Config {
    let work = || {
        // SAFETY: a text, as the interface asks.
        let document = unsafe { text(document, "document") }?;
        let format = match format {
            f if f == ConfigFormat::Yaml as u32 => Format::Yaml,
            f if f == ConfigFormat::Json as u32 => Format::Json,
            f if f == ConfigFormat::Toml as u32 => Format::Toml,
            _ => {
                let hint = "use RHEOS_FORMAT_YAML, RHEOS_FORMAT_JSON or RHEOS_FORMAT_TOML";
                return Err(Error::argument("there is no such format", hint));
            }
        };
        let read = FlowConfig::parse(document, format, &Variables::default());
        Ok(handed_out(Config::loaded(read.map_err(|e| wrong(&e))?)))
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, nothing(), work) }
}

/// A copy. Null of null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_clone(config: *const Config) -> *mut Config {
    // SAFETY: null or live, as the interface asks.
    let config = unsafe { config.as_ref() };
    guarded(nothing(), || config.map_or(nothing(), |config| handed_out(config.clone())))
}

/// Frees a configuration. Generators made from it live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_free(config: *mut Config) {
    if !config.is_null() {
        // SAFETY: made by `Box::into_raw`, and freed once, as the interface asks.
        drop(unsafe { Box::from_raw(config) });
    }
}

/// Checks all values together, as `rheos_generator_new` would.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_check(config: *const Config, error: *mut *mut Error) -> bool {
    let work = || {
        // SAFETY: null or live, as the interface asks.
        unsafe { object(config, "config") }?.flows.check().map_err(|e| wrong(&e))?;
        Ok(true)
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, false, work) }
}

/// Changes a configuration.
pub(crate) unsafe fn change(
    config: *mut Config,
    error: *mut *mut Error,
    how: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> bool {
    let work = || {
        // SAFETY: null or live, as the interface asks.
        how(unsafe { object_mut(config, "config") }?)?;
        Ok(true)
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, false, work) }
}

/// Sets what cannot be wrong alone; false only for a null configuration.
unsafe fn set(config: *mut Config, how: impl FnOnce(&mut FlowConfig)) -> bool {
    // SAFETY: null or live, as the interface asks.
    let config = unsafe { config.as_mut() };
    config.map(|config| how(&mut config.flows)).is_some()
}

/// All randomness follows from the seed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_seed(config: *mut Config, seed: u64) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        set(config, |flows| {
            flows.seed = seed;
        })
    }
}

/// Goes into every record; streams of one seed differ by it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_stream_id(config: *mut Config, stream_id: u32) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        set(config, |flows| {
            flows.stream_id = stream_id;
        })
    }
}

/// The moment of the first record, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_start(config: *mut Config, nanoseconds: u64) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        set(config, |flows| {
            flows.start = Timestamp::from_nanos(nanoseconds);
        })
    }
}

/// Only records before this moment, in nanoseconds since the Unix epoch; 0: no such limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_end(config: *mut Config, nanoseconds: u64) -> bool {
    let end = (nanoseconds > 0).then(|| Timestamp::from_nanos(nanoseconds));
    // SAFETY: as the interface asks.
    unsafe { set(config, |flows| flows.end = end) }
}

/// How many records; 0: no such limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_max_flows(config: *mut Config, count: u64) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        set(config, |flows| {
            flows.max_flows = (count > 0).then_some(count);
        })
    }
}

/// Over how much simulated time, in nanoseconds; 0: no such limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_duration(config: *mut Config, nanoseconds: u64) -> bool {
    let duration = (nanoseconds > 0).then_some(Nanos(nanoseconds));
    // SAFETY: as the interface asks.
    unsafe { set(config, |flows| flows.duration = duration) }
}

/// The clock goes so that the records' lengths come to this bandwidth, in 10^9 bits per second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_bandwidth_gbps(
    config: *mut Config,
    gbps: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            let bits = (gbps * 1e9).round();
            if !(1.0..1.8e19).contains(&bits) {
                return Err(number("bandwidth_gbps", gbps, "greater than 0"));
            }
            config.flows.rate = Rate::Bandwidth(BitRate(bits as u64));
            Ok(())
        })
    }
}

/// The clock goes at so many records per second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_flows_per_second(
    config: *mut Config,
    flows_per_second: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            let rate = FlowRate::per_second(flows_per_second);
            let rule = "greater than 0";
            let rate = rate.ok_or_else(|| number("flows_per_second", flows_per_second, rule))?;
            config.flows.rate = Rate::Flows(rate);
            Ok(())
        })
    }
}

/// How likely it is that a record runs from server to client: 0 to 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_bidirectional(
    config: *mut Config,
    probability: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            if !(0.0..=1.0).contains(&probability) {
                return Err(number("bidirectional_probability", probability, "from 0 to 1"));
            }
            config.flows.reversed_share = probability;
            Ok(())
        })
    }
}

/// Lengths in bytes; an `average` of 0 leaves the patterns their own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_sizes(
    config: *mut Config,
    min: u32,
    max: u32,
    average: u32,
) -> bool {
    let average = (average > 0).then_some(average);
    // SAFETY: as the interface asks.
    unsafe {
        set(config, |flows| {
            flows.sizes = Sizes { min, max, average };
        })
    }
}

/// Adds a kind of traffic with its share in percent; the first one replaces the default mix.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_add_pattern(
    config: *mut Config,
    pattern: *const c_char,
    percentage: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            let unknown = |e: rheos_gen::flows::UnknownPattern| {
                let hint = e.nearest.map(|near| format!("did you mean `{near}`?"));
                Error::new(ErrorCode::Config, &e.to_string(), &hint.unwrap_or_default())
            };
            let pattern: Pattern = text(pattern, "pattern")?.parse().map_err(unknown)?;
            if std::mem::take(&mut config.defaults.patterns) {
                config.flows.patterns.clear();
            }
            config.flows.patterns.push((pattern, percentage));
            Ok(())
        })
    }
}

/// Adds a subnet of clients, as `192.168.0.0/16`, with its share in percent; the first one replaces the default.
/// Either all have a share or none: a negative one stands for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_add_source_subnet(
    config: *mut Config,
    cidr: *const c_char,
    percentage: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            let fresh = std::mem::take(&mut config.defaults.sources);
            add_subnet(&mut config.flows.sources, fresh, text(cidr, "cidr")?, percentage)
        })
    }
}

/// Adds a subnet of servers, like `rheos_config_add_source_subnet`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_add_destination_subnet(
    config: *mut Config,
    cidr: *const c_char,
    percentage: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            let fresh = std::mem::take(&mut config.defaults.destinations);
            add_subnet(&mut config.flows.destinations, fresh, text(cidr, "cidr")?, percentage)
        })
    }
}

fn add_subnet(list: &mut Subnets, fresh: bool, cidr: &str, percentage: f64) -> Result<(), Error> {
    let not_one = |why: &'static str| {
        let message = format!("`{cidr}` is no subnet: {why}");
        Error::new(ErrorCode::Config, &message, "write it like `192.168.0.0/16` or `2001:db8::/32`")
    };
    let subnet: Subnet = cidr.parse().map_err(not_one)?;
    if fresh {
        *list = Subnets::even([]);
    }
    list.subnets.push(subnet);
    if percentage >= 0.0 {
        list.weights.push(percentage);
    }
    Ok(())
}

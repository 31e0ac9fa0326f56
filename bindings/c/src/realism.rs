//! Models of a real network, set one by one; a configuration file may say more.

use rheos_gen::flows::{Arrivals, SizeModel};

use crate::config::{Config, change};
use crate::error::Error;

/// Packets and bytes of flows. Records of all but the first are wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum SizeModelName {
    /// The patterns' lengths, one packet each.
    Patterns = 1,
    /// Mixtures fitted to 4 billion flows of a campus.
    Agh2015 = 2,
    /// Each pattern's own.
    Services = 3,
}

/// When flows begin. Records of all but the first are wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum ArrivalsName {
    /// At equal distances.
    Even = 1,
    /// At random.
    Poisson = 2,
    /// In bursts at many scales of time.
    Bursty = 3,
}

/// Packets and bytes of flows: one `rheos_size_model`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_size_model(
    config: *mut Config,
    model: u32,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            config.flows.realism.sizes = match model {
                m if m == SizeModelName::Patterns as u32 => SizeModel::Patterns,
                m if m == SizeModelName::Agh2015 as u32 => SizeModel::Agh2015,
                m if m == SizeModelName::Services as u32 => SizeModel::Services,
                _ => return Err(unknown("model of sizes", "rheos_size_model")),
            };
            Ok(())
        })
    }
}

/// When flows begin: one `rheos_arrivals`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_arrivals(
    config: *mut Config,
    arrivals: u32,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            config.flows.realism.arrivals = match arrivals {
                a if a == ArrivalsName::Even as u32 => Arrivals::Even,
                a if a == ArrivalsName::Poisson as u32 => Arrivals::Poisson,
                a if a == ArrivalsName::Bursty as u32 => Arrivals::Bursty,
                _ => return Err(unknown("kind of arrivals", "rheos_arrivals")),
            };
            Ok(())
        })
    }
}

/// The exponent of Zipf's law for hosts, 0.5 to 2; 0: all hosts of a subnet are equal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_config_set_host_exponent(
    config: *mut Config,
    exponent: f64,
    error: *mut *mut Error,
) -> bool {
    // SAFETY: as the interface asks.
    unsafe {
        change(config, error, |config| {
            if exponent != 0.0 && !(0.5..=2.0).contains(&exponent) {
                let message = format!("`host_exponent` is {exponent}, must be from 0.5 to 2");
                return Err(Error::argument(&message, "0 makes all hosts equal"));
            }
            config.flows.realism.host_exponent = (exponent != 0.0).then_some(exponent);
            Ok(())
        })
    }
}

fn unknown(what: &str, name: &str) -> Error {
    Error::argument(&format!("there is no such {what}"), &format!("use one of {name}"))
}

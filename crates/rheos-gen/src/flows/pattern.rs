//! The seven kinds of traffic: protocols, ports and sizes.

use std::fmt;
use std::str::FromStr;

use rheos_core::suggest;

use super::error::{FlowError, FlowProblem};

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// HTTPS and HTTP: TCP 443 and 80, short requests and long answers.
    Web,
    /// DNS over UDP 53.
    Dns,
    /// SSH: TCP 22.
    Ssh,
    /// MySQL, PostgreSQL, MongoDB and Redis over TCP.
    Database,
    /// Mail: TCP 25, 587 and 465.
    Smtp,
    /// FTP: TCP 21 for commands, TCP 20 for data.
    Ftp,
    /// Any port, TCP and UDP.
    Random,
}

/// IANA protocol numbers.
pub(super) const TCP: u8 = 6;
const UDP: u8 = 17;

/// The largest size where the table says "up to the configured maximum".
const MAX: u32 = u32::MAX;

/// A branch of a pattern: its share, protocol, ports and sizes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Branch {
    pub(super) share: f64,
    pub(super) protocol: u8,
    pub(super) ports: (u16, u16),
    pub(super) sizes: (u32, u32),
}

impl Branch {
    const fn new(share: f64, protocol: u8, port: u16, sizes: (u32, u32)) -> Self {
        Self { share, protocol, ports: (port, port), sizes }
    }
}

impl Pattern {
    /// Every pattern.
    pub const ALL: [Self; 7] =
        [Self::Web, Self::Dns, Self::Ssh, Self::Database, Self::Smtp, Self::Ftp, Self::Random];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web_traffic",
            Self::Dns => "dns_traffic",
            Self::Ssh => "ssh_traffic",
            Self::Database => "database_traffic",
            Self::Smtp => "smtp_traffic",
            Self::Ftp => "ftp_traffic",
            Self::Random => "random",
        }
    }

    /// Other names that mean the same.
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Web => &["http_traffic", "https_traffic"],
            Self::Smtp => &["email_traffic"],
            _ => &[],
        }
    }

    /// Names and aliases of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL
            .into_iter()
            .flat_map(|p| [p.name()].into_iter().chain(p.aliases().iter().copied()))
    }

    /// Its branches; the shares sum to 1.
    pub(super) fn branches(self) -> Vec<Branch> {
        match self {
            Self::Web => [(443, 0.7), (80, 0.3)]
                .into_iter()
                .flat_map(|(port, share)| {
                    [
                        Branch::new(share * 0.4, TCP, port, (64, 200)),
                        Branch::new(share * 0.6, TCP, port, (500, MAX)),
                    ]
                })
                .collect(),
            Self::Dns => vec![Branch::new(1.0, UDP, 53, (64, 512))],
            Self::Ssh => vec![Branch::new(1.0, TCP, 22, (100, 400))],
            Self::Database => [3306, 5432, 27017, 6379]
                .into_iter()
                .flat_map(|port| {
                    [
                        Branch::new(0.25 * 0.3, TCP, port, (64, 300)),
                        Branch::new(0.25 * 0.7, TCP, port, (500, MAX)),
                    ]
                })
                .collect(),
            Self::Smtp => [25, 587, 465]
                .into_iter()
                .map(|port| Branch::new(1.0 / 3.0, TCP, port, (200, MAX)))
                .collect(),
            Self::Ftp => {
                vec![Branch::new(0.5, TCP, 20, (1000, MAX)), Branch::new(0.5, TCP, 21, (64, 500))]
            }
            Self::Random => [(TCP, 0.7), (UDP, 0.3)]
                .into_iter()
                .map(|(protocol, share)| Branch {
                    share,
                    protocol,
                    ports: (1, u16::MAX),
                    sizes: (0, MAX),
                })
                .collect(),
        }
    }
}

/// A pattern's name that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPattern {
    /// As written.
    pub name: String,
    /// The nearest known name.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown pattern type: `{}`", self.name)
    }
}

impl std::error::Error for UnknownPattern {}

impl UnknownPattern {
    /// As an error of a configuration's key.
    pub(super) fn error(self, key: &str) -> FlowError {
        FlowError::new(key, FlowProblem::Pattern { got: self.name, nearest: self.nearest })
    }
}

/// By name or alias, in any case.
impl FromStr for Pattern {
    type Err = UnknownPattern;

    fn from_str(text: &str) -> Result<Self, UnknownPattern> {
        let known = |pattern: &Self| {
            pattern.name().eq_ignore_ascii_case(text)
                || pattern.aliases().iter().any(|a| a.eq_ignore_ascii_case(text))
        };
        Self::ALL.into_iter().find(known).ok_or_else(|| UnknownPattern {
            name: text.chars().take(64).collect(),
            nearest: suggest::nearest(text, Self::names()),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aliases_and_mistakes() {
        for pattern in Pattern::ALL {
            assert_eq!(pattern.name().parse(), Ok(pattern));
            assert_eq!(pattern.to_string().to_uppercase().parse(), Ok(pattern));
            let sum: f64 = pattern.branches().iter().map(|b| b.share).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{pattern}: {sum}");
        }
        assert_eq!("HTTPS_traffic".parse(), Ok(Pattern::Web));
        assert_eq!("email_traffic".parse(), Ok(Pattern::Smtp));
        let error = "web_trafic".parse::<Pattern>().unwrap_err();
        assert_eq!(error.nearest, Some("web_traffic"));
        assert_eq!(error.to_string(), "unknown pattern type: `web_trafic`");
        assert_eq!("".parse::<Pattern>().unwrap_err().nearest, None);
    }
}

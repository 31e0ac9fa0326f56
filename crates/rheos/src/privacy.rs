//! What of people is in rows: identities left out, or replaced by keyed pseudonyms.

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use clap::Args;
use rheos_core::Addr;
use rheos_features::anonymize::{Anonymizer, KEY_MIN, Key as AnonymizeKey};
use rheos_features::{Error, ExtractConfig, Identity, RowShape};
use rheos_flow::FlowEdge;

use crate::config::Settings;
use crate::config::keys::Key;
use crate::failure::Misuse;

/// A file with more is no key.
const KEY_FILE_MAX: u64 = 64 << 10;

/// Flags that keep identities out of rows.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Privacy")]
pub(crate) struct PrivacyArgs {
    /// Replace addresses and names by keyed pseudonyms; addresses keep their common prefixes.
    #[arg(long)]
    anonymize: bool,
    /// File with the key of the pseudonyms, 16 bytes or more; else `RHEOS_PRIVACY_KEY`.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    key_file: Option<String>,
    /// Leave out columns with IP and hardware addresses, and hashes of them.
    #[arg(long, hide_short_help = true)]
    no_ips: bool,
    /// Leave out columns with ports.
    #[arg(long, hide_short_help = true)]
    no_ports: bool,
    /// Leave out columns with names: SNI, DNS names, certificate subjects, HTTP fields.
    #[arg(long, hide_short_help = true)]
    no_names: bool,
}

impl PrivacyArgs {
    /// What the command line says, for the settings.
    pub(crate) fn overrides(&self) -> Vec<(Key, String)> {
        let said = |on: bool, key, value: &str| on.then(|| (key, value.to_owned()));
        [
            said(self.anonymize, Key::PrivacyAnonymize, "true"),
            said(self.no_ips, Key::PrivacyIps, "false"),
            said(self.no_ports, Key::PrivacyPorts, "false"),
            said(self.no_names, Key::PrivacyNames, "false"),
            self.key_file.clone().map(|path| (Key::PrivacyKeyFile, path)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The columns that may be told.
pub(crate) fn of_shape(shape: RowShape, settings: &Settings) -> Result<RowShape, Error> {
    let told = |identity| match identity {
        Identity::Nothing => true,
        Identity::Address | Identity::Mac | Identity::Endpoints => settings.switch(Key::PrivacyIps),
        Identity::Port => settings.switch(Key::PrivacyPorts),
        Identity::Name => settings.switch(Key::PrivacyNames),
    };
    shape.without(|identity| !told(identity))
}

/// Turns rows into what may be told of them.
#[derive(Debug)]
pub(crate) struct Veil(Option<Anonymizer>);

impl Veil {
    /// As the settings say; a plan that hashes endpoints will do so with the key.
    pub(crate) fn new(settings: &Settings, plan: &mut ExtractConfig) -> Result<Self> {
        if !settings.switch(Key::PrivacyAnonymize) {
            return Ok(Self(None));
        }
        let key = key(settings)?;
        if plan.features.flow_id_salt.is_empty() {
            plan.features.flow_id_salt = key.salt();
        }
        Ok(Self(Some(Anonymizer::new(&key))))
    }

    /// For what is no row: as the settings say.
    pub(crate) fn of_settings(settings: &Settings) -> Result<Self> {
        Self::new(settings, &mut ExtractConfig::default())
    }

    /// A flow as it may be told.
    pub(crate) fn over_edge(&self, edge: FlowEdge) -> FlowEdge {
        let Some(anonymizer) = &self.0 else { return edge };
        let hidden = |addr: Addr| Addr::from(anonymizer.address(addr.to_std(edge.version)));
        FlowEdge { initiator: hidden(edge.initiator), responder: hidden(edge.responder), ..edge }
    }

    /// The rows as they may be told.
    pub(crate) fn over(&mut self, rows: RecordBatch) -> RecordBatch {
        match &mut self.0 {
            Some(anonymizer) => anonymizer.apply(&rows),
            None => rows,
        }
    }
}

fn key(settings: &Settings) -> Result<AnonymizeKey> {
    let file = settings.text(Key::PrivacyKeyFile);
    let said = settings.text(Key::PrivacySecret);
    let how = "make one with `head -c 32 /dev/urandom > rheos.key`, and keep it secret";
    let secret = match (file, said) {
        ("", "") => {
            let message = "`--anonymize` needs a key: `--key-file FILE` or `RHEOS_PRIVACY_KEY`";
            return Err(Misuse::new(message, how).into());
        }
        ("", said) => said.as_bytes().to_vec(),
        (file, _) => {
            let reading = || {
                Misuse::new(
                    format!("cannot read the key file `{file}`"),
                    format!("name one, or {how}"),
                )
            };
            let size = std::fs::metadata(file).with_context(reading)?.len();
            if size > KEY_FILE_MAX {
                let message = format!("`{file}` has {size} bytes: that is no key");
                return Err(Misuse::new(message, how).into());
            }
            std::fs::read(file).with_context(reading)?
        }
    };
    AnonymizeKey::new(&secret).map_err(|error| {
        let message = format!("the key for `--anonymize` is too short: {error}");
        Misuse::new(message, format!("give at least {KEY_MIN} bytes; {how}")).into()
    })
}

#[cfg(test)]
mod tests {
    use rheos_features::Selection;

    use super::*;

    fn settings(flags: &[(Key, &str)]) -> Settings {
        let flags: Vec<(Key, String)> =
            flags.iter().map(|&(key, text)| (key, text.to_owned())).collect();
        Settings::load(None, [], &flags).expect("settings")
    }

    #[test]
    fn identities_are_left_out_by_kind() {
        let of = |flags| {
            let shape = of_shape(Selection::all().into(), &settings(flags)).expect("columns");
            shape.selection().clone()
        };
        let all = of(&[]);
        assert!(all.contains("src_ip") && all.contains("src_port") && all.contains("flow_id"));
        let no_ips = of(&[(Key::PrivacyIps, "false")]);
        assert!(!no_ips.contains("src_ip") && !no_ips.contains("community_id"));
        assert!(no_ips.contains("src_port"));
        assert!(!of(&[(Key::PrivacyPorts, "false")]).contains("dst_port_class"));
    }

    #[test]
    fn a_key_is_asked_for_and_salts_what_is_hashed() {
        let on = (Key::PrivacyAnonymize, "true");
        let mut plan = ExtractConfig::default();
        assert!(Veil::new(&settings(&[on]), &mut plan).is_err(), "no key");
        let short = [on, (Key::PrivacySecret, "short")];
        assert!(Veil::new(&settings(&short), &mut plan).is_err());
        assert!(plan.features.flow_id_salt.is_empty());
        let good = [on, (Key::PrivacySecret, "a secret of enough bytes")];
        assert!(Veil::new(&settings(&good), &mut plan).expect("a veil").0.is_some());
        assert_eq!(plan.features.flow_id_salt.len(), 32);
    }
}

//! What the argument parser has to say, in the voice of all other errors.

use std::io::Write;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::exit::ExitStatus;

/// Prints help, version, or what is wrong with the arguments.
pub(crate) fn report(error: &Error) -> ExitStatus {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed pipe is the reader's choice.
            let _ = error.print();
            ExitStatus::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitStatus::Unusable
        }
        _ => {
            let colour = console_colour();
            let (red, cyan, off) =
                if colour { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
            let mut err = std::io::stderr().lock();
            let _ = writeln!(err, "{red}error:{off} {}", message(error));
            for hint in hints(error) {
                let _ = writeln!(err, "{cyan}hint:{off} {hint}");
            }
            ExitStatus::Unusable
        }
    }
}

fn console_colour() -> bool {
    use crate::output::{ColorChoice, Output, Tone};
    // The arguments did not parse, so `--color` is not known.
    Output::new(ColorChoice::Auto, 0).paint_err(Tone::Bad, "").len() > 1
}

fn one(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join("`, `")),
        _ => None,
    }
}

fn message(error: &Error) -> String {
    // `--format <FORMAT>` is named without its value, `<INPUT>...` without its marks.
    let plain = |arg: String| {
        let arg = arg.split_once(" <").map_or(arg.as_str(), |(flag, _)| flag);
        arg.trim_end_matches("...").trim_start_matches('<').trim_end_matches('>').to_owned()
    };
    let arg = || plain(one(error, ContextKind::InvalidArg).unwrap_or_default());
    let value = || one(error, ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => format!("unknown argument `{}`", arg()),
        ErrorKind::InvalidSubcommand => format!(
            "unknown command `{}`",
            one(error, ContextKind::InvalidSubcommand).unwrap_or_default()
        ),
        ErrorKind::InvalidValue if value().is_empty() => format!("`{}` needs a value", arg()),
        ErrorKind::InvalidValue => format!("`{}` is no value for `{}`", value(), arg()),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error)
                .map_or_else(|| format!("`{}` is none", value()), ToString::to_string);
            format!("wrong value of `{}`: {why}", arg())
        }
        ErrorKind::MissingRequiredArgument => format!("`{}` is missing", arg()),
        ErrorKind::ArgumentConflict if arg().is_empty() => format!(
            "`{}` stands before `{}`",
            plain(one(error, ContextKind::PriorArg).unwrap_or_default()),
            one(error, ContextKind::InvalidSubcommand).unwrap_or_default()
        ),
        ErrorKind::ArgumentConflict => format!(
            "`{}` cannot be used with `{}`",
            arg(),
            plain(one(error, ContextKind::PriorArg).unwrap_or_default())
        ),
        ErrorKind::TooManyValues => format!("`{}` is one value too many for `{}`", value(), arg()),
        _ => error.kind().to_string(),
    }
}

fn hints(error: &Error) -> Vec<String> {
    let mut hints = Vec::new();
    if error.kind() == ErrorKind::ArgumentConflict
        && let Some(command) = one(error, ContextKind::InvalidSubcommand)
    {
        return vec![format!("all flags of `{command}` stand behind it")];
    }
    for kind in
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
    {
        if let Some(name) = one(error, kind) {
            hints.push(format!("did you mean `{name}`?"));
        }
    }
    if let Some(values) = one(error, ContextKind::ValidValue)
        && !values.is_empty()
    {
        hints.push(format!("possible values: `{values}`"));
    }
    if hints.is_empty() {
        if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
            let usage = usage.to_string();
            let usage = usage.trim_start_matches("Usage:").trim();
            hints.push(format!(
                "usage: `{}`",
                usage.split_whitespace().collect::<Vec<_>>().join(" ")
            ));
        }
        hints.push("`--help` explains every argument".to_owned());
    }
    hints
}

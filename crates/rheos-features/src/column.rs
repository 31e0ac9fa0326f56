//! What is known of a column, whatever computes it.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// Signed 64-bit integer.
    I64,
    /// 64-bit floating point.
    F64,
    /// True or false.
    Bool,
    /// UTF-8 text.
    Str,
    /// Nanoseconds since the Unix epoch, UTC.
    Timestamp,
    /// List of unsigned 32-bit integers.
    ListU32,
    /// List of signed 64-bit integers.
    ListI64,
    /// List of signed 8-bit integers.
    ListI8,
    /// List of 64-bit floating point numbers.
    ListF64,
}

impl Kind {
    /// Whether its values are numbers of at most 64 bits.
    pub const fn fits_word(self) -> bool {
        match self {
            Self::U8
            | Self::U16
            | Self::U32
            | Self::U64
            | Self::I64
            | Self::F64
            | Self::Bool
            | Self::Timestamp => true,
            Self::Str | Self::ListU32 | Self::ListI64 | Self::ListI8 | Self::ListF64 => false,
        }
    }

    /// The kind as `list` and the reference print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Bool => "bool",
            Self::Str => "str",
            Self::Timestamp => "timestamp",
            Self::ListU32 => "list<u32>",
            Self::ListI64 => "list<i64>",
            Self::ListI8 => "list<i8>",
            Self::ListF64 => "list<f64>",
        }
    }

    /// The Arrow type of the column.
    pub fn data_type(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
        match self {
            Self::U8 => DataType::UInt8,
            Self::U16 => DataType::UInt16,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::I64 => DataType::Int64,
            Self::F64 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Str => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::ListU32 => list(DataType::UInt32),
            Self::ListI64 => list(DataType::Int64),
            Self::ListI8 => list(DataType::Int8),
            Self::ListF64 => list(DataType::Float64),
        }
    }
}

/// Which packets of the flow a column looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Both directions.
    Bidirectional,
    /// Packets from the initiator.
    Forward,
    /// Packets from the responder.
    Backward,
}

impl Scope {
    /// `bidir`, `fwd` or `bwd`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bidirectional => "bidir",
            Self::Forward => "fwd",
            Self::Backward => "bwd",
        }
    }
}

/// Whether a column is there unless it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Emitted {
    /// There by default.
    Default,
    /// Only when it is named, or with the profile `all`.
    Option,
}

/// How settled a column is; each profile holds the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Cheap, and meaningful for every flow.
    Core,
    /// Needs more state or a certain protocol.
    Extended,
    /// May still change its definition.
    Experimental,
}

impl Profile {
    /// The profile as it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Extended => "extended",
            Self::Experimental => "experimental",
        }
    }
}

/// What a column says about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privacy {
    /// Counts, sizes, times between packets.
    Safe,
    /// Could help to tell a person or host apart: ports, absolute times, identifiers.
    Sensitive,
    /// Names a host: addresses.
    High,
}

impl Privacy {
    /// `safe`, `sensitive` or `high`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Sensitive => "sensitive",
            Self::High => "high",
        }
    }
}

/// Whom or what a column's value identifies: what can be left out, or replaced by a keyed pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nothing.
    Nothing,
    /// An IP address as text.
    Address,
    /// A hardware address as text.
    Mac,
    /// A port, or what is derived from it alone.
    Port,
    /// A name or other text that a host said: SNI, DNS name, certificate subject, HTTP field.
    Name,
    /// The flow's endpoints together: their hash.
    Endpoints,
}

impl Identity {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Nothing, Self::Address, Self::Mac, Self::Port, Self::Name, Self::Endpoints];

    /// `-`, `address`, `mac`, `port`, `name` or `endpoints`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::Address => "address",
            Self::Mac => "mac",
            Self::Port => "port",
            Self::Name => "name",
            Self::Endpoints => "endpoints",
        }
    }

    const fn privacy(self) -> Privacy {
        match self {
            Self::Nothing => Privacy::Safe,
            Self::Address | Self::Mac | Self::Name => Privacy::High,
            Self::Port | Self::Endpoints => Privacy::Sensitive,
        }
    }
}

/// What a column needs of the shared packet log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The first packets of the flow.
    Sequence,
    /// Quantiles or the mode over all packets.
    Quantiles,
}

/// One column: a row of the static table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, unique over all groups.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its unit; empty for pure numbers, texts and truth values.
    pub unit: &'static str,
    /// Which packets it looks at.
    pub scope: Scope,
    /// Whether it is there by default.
    pub emitted: Emitted,
    /// How settled it is.
    pub profile: Profile,
    /// What it says about people.
    pub privacy: Privacy,
    /// Whom it identifies.
    pub identity: Identity,
    /// The column that holds the same information under another name or in another unit.
    pub alias_of: Option<&'static str>,
    /// When it is null.
    pub nulls: &'static str,
    /// Exactly what it is.
    pub meaning: &'static str,
    /// How it differs from the column of this name in JoyfulJay 0.1, and why.
    pub changed: Option<&'static str>,
    /// What it needs of the shared packet log.
    pub needs: Needs,
}

/// A safe column of the extended profile, over both directions.
pub(crate) const fn extended(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Extended)
}

/// A safe column of the experimental profile, over both directions.
pub(crate) const fn experimental(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
) -> Column {
    Column::new(name, kind, unit, meaning).profile(Profile::Experimental)
}

impl Column {
    /// A safe core column over both directions, there by default and never null.
    pub const fn new(
        name: &'static str,
        kind: Kind,
        unit: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            unit,
            scope: Scope::Bidirectional,
            emitted: Emitted::Default,
            profile: Profile::Core,
            privacy: Privacy::Safe,
            identity: Identity::Nothing,
            alias_of: None,
            nulls: "never",
            meaning,
            changed: None,
            needs: Needs::Nothing,
        }
    }

    /// Over packets from the initiator.
    #[must_use]
    pub const fn fwd(self) -> Self {
        Self { scope: Scope::Forward, ..self }
    }

    /// Over packets from the responder.
    #[must_use]
    pub const fn bwd(self) -> Self {
        Self { scope: Scope::Backward, ..self }
    }

    /// Only when asked for.
    #[must_use]
    pub const fn option(self) -> Self {
        Self { emitted: Emitted::Option, ..self }
    }

    /// Of the given profile.
    #[must_use]
    pub const fn profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Tells something about people.
    #[must_use]
    pub const fn privacy(self, privacy: Privacy) -> Self {
        Self { privacy, ..self }
    }

    /// Identifies somebody, and is as private as that is.
    #[must_use]
    pub const fn identity(self, identity: Identity) -> Self {
        Self { identity, privacy: identity.privacy(), ..self }
    }

    /// Another name for what `of` holds.
    #[must_use]
    pub const fn alias(self, of: &'static str) -> Self {
        Self { alias_of: Some(of), ..self }
    }

    /// Null when.
    #[must_use]
    pub const fn null(self, when: &'static str) -> Self {
        Self { nulls: when, ..self }
    }

    /// Differs from the older column by.
    #[must_use]
    pub const fn changed(self, how: &'static str) -> Self {
        Self { changed: Some(how), ..self }
    }

    /// Needs of the shared packet log.
    #[must_use]
    pub const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }
}

/// A group of columns that one extractor computes.
#[derive(Clone, Copy, Debug)]
pub struct GroupInfo {
    /// Its name on the command line and in the reference.
    pub name: &'static str,
    /// What its columns are about.
    pub meaning: &'static str,
    /// Its columns, in output order.
    pub columns: &'static [Column],
}

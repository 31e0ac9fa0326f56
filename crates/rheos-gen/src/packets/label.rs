//! What a frame belongs to, by name.

/// Number of a label in [`super::Plan::labels`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(pub u16);

/// The name that frames and flows carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Kind of conversation (`http`, `dns`, ...) or the scenario's label.
    pub name: String,
    /// It is a scenario, not background.
    pub anomaly: bool,
}

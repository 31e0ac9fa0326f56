//! Which kinds of messages a flow has: few distinct codes, in order of their first appearance.

/// Distinct codes that are kept at most; more than common protocols have kinds of messages in one flow.
pub const CODES_MAX: usize = 24;

/// The first distinct codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    codes: [u8; CODES_MAX],
    len: u8,
}

impl Codes {
    /// Takes in one more message's code.
    pub(super) fn insert(&mut self, code: u8) {
        if self.as_slice().contains(&code) {
            return;
        }
        if let Some(place) = self.codes.get_mut(usize::from(self.len)) {
            *place = code;
            self.len += 1;
        }
    }

    /// The codes.
    pub fn as_slice(&self) -> &[u8] {
        self.codes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Appends what the codes are called, joined by `,`; one without a name as a decimal number. False if there is
    /// none.
    pub fn push_names(&self, out: &mut String, name: impl Fn(u8) -> Option<&'static str>) -> bool {
        for (place, &code) in self.as_slice().iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            match name(code) {
                Some(name) => out.push_str(name),
                None => out.push_str(&code.to_string()),
            }
        }
        self.len > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_distinct_ones_are_kept_in_order() {
        let mut codes = Codes::default();
        let mut out = String::new();
        assert!(!codes.push_names(&mut out, |_| None));
        for code in [3, 1, 3, 9] {
            codes.insert(code);
        }
        assert!(codes.push_names(&mut out, |code| (code == 1).then_some("one")));
        assert_eq!(out, "3,one,9");
        for code in 0..=255 {
            codes.insert(code);
        }
        assert_eq!(codes.as_slice().len(), CODES_MAX);
    }
}

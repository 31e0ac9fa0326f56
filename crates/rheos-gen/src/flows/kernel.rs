//! Which code fills records: chosen once, by what the processor can do. All make the same bytes.

use fearless_simd::Level;
#[cfg(target_arch = "x86_64")]
use fearless_simd::x86::{Avx2, Avx512};
use rheos_core::FlowRecord;

#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::clock::Moment;
use super::plan::FlowPlan;
use super::{record, scalar};

/// A way to fill records.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Kernel {
    /// One record after the other, on every processor.
    pub const SCALAR: Self = Self(Kind::Scalar);

    /// The fastest that this processor has.
    pub fn best() -> Self {
        Self::all().last().copied().unwrap_or(Self::SCALAR)
    }

    /// Every kernel that this processor has, the fastest last.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        all.extend(Level::new().as_avx2().map(|token| Self(Kind::Avx2(token))));
        #[cfg(target_arch = "x86_64")]
        all.extend(Level::new().as_avx512().map(|token| Self(Kind::Avx512(token))));
        all
    }

    /// `scalar`, `avx2` or `avx512`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
        }
    }

    /// What loops over wide records are compiled for.
    pub(super) fn level(self) -> Level {
        match self.0 {
            Kind::Scalar => Level::baseline(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => Level::Avx2(token),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(token) => Level::Avx512(token),
        }
    }

    /// This kernel, or the scalar one for plans of narrow records that its tables cannot hold.
    pub(super) fn suited(self, plan: &FlowPlan) -> Self {
        if plan.lanes.is_some() || !plan.is_narrow() { self } else { Self::SCALAR }
    }

    /// Fills `out` with the records from `index` on; `moment` is that of `index`. Returns the moment after the last.
    pub(super) fn fill(
        self,
        plan: &FlowPlan,
        index: u64,
        moment: Moment,
        out: &mut [FlowRecord],
    ) -> Moment {
        match (self.0, &plan.lanes) {
            #[cfg(target_arch = "x86_64")]
            (Kind::Avx512(token), Some(lanes)) => {
                let blocks = out.len() & !15;
                let (whole, rest) = out.split_at_mut(blocks);
                let start = avx512::Start::new(plan, index, moment);
                avx512::fill(token, lanes, &start, whole);
                let index = index.wrapping_add(blocks as u64);
                let moment = if blocks == 0 { moment } else { plan.clock.at(index) };
                scalar::fill(plan, lanes, index, moment, rest)
            }
            (_, Some(lanes)) => scalar::fill(plan, lanes, index, moment, out),
            (_, None) => record::fill(plan, index, moment, out),
        }
    }
}

#[cfg(test)]
mod tests;

//! Flow export: hand-written datagrams, round trips, limits, and damage.

mod damage;
mod encode;
mod made;
mod round_trip;
mod told;

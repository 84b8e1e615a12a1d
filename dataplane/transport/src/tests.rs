//! The protocol as one node speaks it and another hears it: every message there and back,
//! whatever bytes come, and the service behind a listener.

mod bytes;
mod fake;
mod filter_of;
mod jobs_of;
mod listener;
mod rank_of;
mod round_trip;
mod snapshots;
mod value_of;

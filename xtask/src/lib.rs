//! What is checked of the source tree as a whole, beside what the compiler and clippy say.
//!
//! Owns the table of layers, the limits of size and the rules of words. It reads sources as
//! text and changes none of them.

#![forbid(unsafe_code)]

mod cycles;
mod error;
mod figures;
mod layers;
mod limits;
mod orphans;
mod sizes;
mod words;
mod workspace;

pub use error::Error;
pub use figures::{Figures, table};
pub use layers::{arrows, picture, picture_is_shown};
pub use limits::{Rule, broken};
pub use orphans::orphans;
pub use sizes::too_long;
pub use workspace::{Package, Workspace};

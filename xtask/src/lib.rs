//! What is checked of the source tree as a whole, beside what the compiler and clippy say.
//!
//! Owns the table of layers, the limits of size and the rules of words. It reads sources as
//! text and changes none of them.

#![forbid(unsafe_code)]

mod cycles;
mod error;
mod figures;
mod layers;
mod orphans;
mod ratchet;
mod sizes;
mod words;
mod workspace;

pub use error::Error;
pub use figures::{Figures, table};
pub use layers::{LAYERS, arrows, picture, picture_is_shown};
pub use orphans::orphans;
pub use ratchet::{Ratchet, Rule};
pub use sizes::{FILE_LINES_MAX, FUNCTION_LINES_MAX, too_long};
pub use workspace::{Package, Workspace};

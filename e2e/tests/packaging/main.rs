//! What users install is accepted by a real API server, and gives the operator the rights that
//! its calls need and no others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod operator;
mod rendered;
mod rights;
mod values;

//! The administration's messages: what is read, what is answered, how a call fails.

pub mod balance;
pub mod convert;
mod failure;
pub mod request;

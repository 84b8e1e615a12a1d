//! The administration's messages: what is read, what is answered, how a call fails.

pub mod convert;
pub mod failure;
pub mod request;

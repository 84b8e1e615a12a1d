//! Which protocol nodes speak. A call says it before anything of its message is read, so that
//! nodes of two protocols refuse each other instead of misreading each other.

use tonic::Status;
use tonic::metadata::{MetadataMap, MetadataValue};

/// The protocol that this version speaks. Raised by a change that an older node would misread;
/// fields that it may skip do not raise it.
pub const PROTOCOL: u32 = 3;

/// Metadata key of the protocol that a caller speaks.
const KEY: &str = "vane-protocol";

/// Puts the protocol on a call.
pub(crate) fn put(metadata: &mut MetadataMap) {
    metadata.insert(KEY, MetadataValue::from(PROTOCOL));
}

/// Refuses a call of a protocol that this node does not speak.
pub(crate) fn check(metadata: &MetadataMap) -> Result<(), Status> {
    let spoken = match metadata.get(KEY) {
        // Callers name it since protocol 2.
        None => "1",
        Some(value) => match value.to_str() {
            Ok(number) if number.parse() == Ok(PROTOCOL) => return Ok(()),
            // Any other number: nodes of two protocols must not half understand each other.
            Ok(number) => number,
            Err(_) => "unknown",
        },
    };
    Err(Status::failed_precondition(format!(
        "this node speaks protocol {PROTOCOL}, the caller protocol {spoken}; nothing was changed, \
         run versions of Vane that speak the same"
    )))
}

//! What a search looks for.

use vane_proto::peer::vector_search::Sought as Message;
use vane_shard::Sought;
use vane_types::Vector;

use super::{Unreadable, Wire};

impl Wire for Sought {
    type Message = Message;

    fn into_message(self) -> Message {
        match self {
            Self::Near(vector) => Message::Vector(vector.into_message()),
        }
    }

    fn from_message(sought: Message) -> Result<Self, Unreadable> {
        Ok(match sought {
            Message::Vector(vector) => Self::Near(Vector::from_message(vector)?),
        })
    }
}

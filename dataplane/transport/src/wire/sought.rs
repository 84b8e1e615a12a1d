//! What a search looks for.

use vane_proto::peer;
use vane_proto::peer::examples::Rule as RuleMessage;
use vane_proto::peer::vector_search::Sought as Message;
use vane_shard::{Examples, Rule, Sought};
use vane_types::Vector;

use super::{Unreadable, Wire, need};

impl Wire for Sought {
    type Message = Message;

    fn into_message(self) -> Message {
        match self {
            Self::Near(vector) => Message::Vector(vector.into_message()),
            Self::Examples(examples) => Message::Examples(examples.into_message()),
        }
    }

    fn from_message(sought: Message) -> Result<Self, Unreadable> {
        Ok(match sought {
            Message::Vector(vector) => Self::Near(Vector::from_message(vector)?),
            Message::Examples(examples) => Self::Examples(Examples::from_message(examples)?),
        })
    }
}

impl Wire for Examples {
    type Message = peer::Examples;

    fn into_message(self) -> peer::Examples {
        let (rule, vectors) = self.into_parts();
        let rule = match rule {
            Rule::BestScore { positive } => RuleMessage::Positive(positive.into_message()),
            Rule::Weighted(weights) => RuleMessage::Weights(peer::Weights { weights }),
            Rule::Discover => RuleMessage::Discover(peer::Unit {}),
            Rule::Context => RuleMessage::Context(peer::Unit {}),
        };
        peer::Examples { vectors: vectors.into_message(), rule: Some(rule) }
    }

    fn from_message(examples: peer::Examples) -> Result<Self, Unreadable> {
        let rule = match need(examples.rule, "what is made of examples")? {
            RuleMessage::Positive(positive) => {
                Rule::BestScore { positive: usize::from_message(positive)? }
            }
            RuleMessage::Weights(peer::Weights { weights }) => Rule::Weighted(weights),
            RuleMessage::Discover(peer::Unit {}) => Rule::Discover,
            RuleMessage::Context(peer::Unit {}) => Rule::Context,
        };
        Ok(Self::new(rule, Vec::from_message(examples.vectors)?)?)
    }
}

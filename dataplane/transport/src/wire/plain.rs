//! What has no message of its own: numbers, texts, ids, lists.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use uuid::Uuid;
use vane_filter::{Datetime, Number, ValueSet};
use vane_proto::peer;
use vane_raft::Envelope;
use vane_types::{GroupId, JsonPath, LogIndex, NodeId, PathError, PeerId, PointId, TenantId, Term};

use super::{Unreadable, Wire};

/// A type, its wire form, and both ways between them.
macro_rules! plain {
    ($type:ty as $message:ty, |$value:ident| $to:expr, |$read:ident| $from:expr) => {
        impl Wire for $type {
            type Message = $message;

            fn into_message(self) -> $message {
                let $value = self;
                $to
            }

            fn from_message($read: $message) -> Result<Self, Unreadable> {
                $from
            }
        }
    };
}

macro_rules! as_it_is {
    ($($type:ident),*) => {$(plain!($type as Self, |value| value, |value| Ok(value));)*};
}

macro_rules! by_number {
    ($($type:ident),*) => {$(plain!($type as u64, |id| id.0, |number| Ok(Self(number)));)*};
}

as_it_is!(bool, u32, u64, i64, f32, f64, String);
by_number!(GroupId, LogIndex, NodeId, PeerId, Term);
plain!(usize as u64, |count| count as u64, |number| {
    Self::try_from(number).map_err(|_| Unreadable::TooLarge(number))
});
plain!(Uuid as String, |uuid| uuid.to_string(), |text| {
    text.parse().map_err(|_| Unreadable::Uuid(text))
});
// As text, which both sides parse by the same rules.
plain!(JsonPath as String, |path| path.to_string(), |text| {
    text.parse().map_err(|error: PathError| Unreadable::Path(error.to_string()))
});
// As it was written, for the same reason.
plain!(Datetime as String, |datetime| datetime.text().to_owned(), |text| {
    Self::parse(&text).ok_or(Unreadable::Datetime(text))
});
// As JSON, which keeps whole numbers whole.
plain!(Number as String, |number| number.to_string(), |text| {
    text.parse().map_err(|_| Unreadable::Number(text))
});
plain!(TenantId as u32, |tenant| tenant.number(), |number| {
    Self::from_number(number).ok_or(Unreadable::Tenant)
});
// In its stored form.
plain!(PointId as Vec<u8>, |id| id.to_key(), |key| {
    Self::from_key(&key).ok_or(Unreadable::PointId)
});
plain!(
    ValueSet<String> as peer::Strings,
    |set| peer::Strings { values: set.given().to_vec() },
    |strings| Ok(strings.values.into())
);
plain!(
    ValueSet<i64> as peer::Integers,
    |set| peer::Integers { values: set.given().to_vec() },
    |integers| Ok(integers.values.into())
);
plain!(
    ValueSet<PointId> as peer::PointIds,
    |set| peer::PointIds { ids: set.given().to_vec().into_message() },
    |list| Vec::from_message(list.ids).map(Self::from)
);

plain!(
    ValueSet<TenantId> as peer::Tenants,
    |set| peer::Tenants { tenants: set.given().to_vec().into_message() },
    |list| Vec::from_message(list.tenants).map(Self::from)
);

plain!(
    Envelope as peer::Envelope,
    |envelope| peer::Envelope { group: envelope.group.0, message: envelope.encode() },
    |wire| {
        Self::decode(GroupId(wire.group), &wire.message)
            .map_err(|error| Unreadable::Raft(error.to_string()))
    }
);

impl<T: Wire> Wire for Option<T> {
    type Message = Option<T::Message>;

    fn into_message(self) -> Option<T::Message> {
        self.map(T::into_message)
    }

    fn from_message(message: Option<T::Message>) -> Result<Self, Unreadable> {
        message.map(T::from_message).transpose()
    }
}

/// Many values, each as an entry of a list.
macro_rules! list {
    ($type:ty, of $entry:ty, where $($bounds:tt)*) => {
        impl<$($bounds)*> Wire for $type
        where
            $entry: Wire,
        {
            type Message = Vec<<$entry as Wire>::Message>;

            fn into_message(self) -> Self::Message {
                self.into_iter().map(Wire::into_message).collect()
            }

            fn from_message(entries: Self::Message) -> Result<Self, Unreadable> {
                entries.into_iter().map(<$entry>::from_message).collect()
            }
        }
    };
}

list!(Vec<T>, of T, where T);
list!(BTreeMap<K, V>, of (K, V), where K: Ord, V);
list!(BTreeSet<T>, of T, where T: Ord);
list!(HashMap<K, V>, of (K, V), where K: Eq + Hash, V);

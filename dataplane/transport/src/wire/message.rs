//! Both directions of a conversion from one line: which value, which message, which fields.

/// A type whose message has one field for each of its parts. All are named, so that one that is
/// added to either side does not compile before it travels.
///
/// Where the two sides differ, `as` gives the value as a pattern that binds the message's fields.
/// A field is a message that must be there when `=` says what to call it if it is not.
macro_rules! message {
    ($type:ident { $($fields:tt)* }) => {
        $crate::wire::message!($type => $type { $($fields)* });
    };
    ($type:ident => $message:ident { $($field:ident $(= $needed:literal)?),* $(,)? }) => {
        $crate::wire::message!(
            $type as ($type { $($field),* }) => $message { $($field $(= $needed)?),* }
        );
    };
    (
        $type:ty as ($($value:tt)*) =>
        $message:ident { $($field:ident $(= $needed:literal)?),* $(,)? }
    ) => {
        impl $crate::wire::Wire for $type {
            type Message = peer::$message;

            fn into_message(self) -> peer::$message {
                let $($value)* = self;
                peer::$message { $($field: $crate::wire::part!(to $field $($needed)?)),* }
            }

            fn from_message(message: peer::$message) -> Result<Self, $crate::wire::Unreadable> {
                let peer::$message { $($field),* } = message;
                $(let $field = $crate::wire::part!(from $field $($needed)?);)*
                Ok($($value)*)
            }
        }
    };
}

/// One field of a message, with what it is called where it must be there.
macro_rules! part {
    (to $value:ident) => {
        $crate::wire::Wire::into_message($value)
    };
    (to $value:ident $needed:literal) => {
        Some($crate::wire::Wire::into_message($value))
    };
    (from $field:ident) => {
        $crate::wire::Wire::from_message($field)?
    };
    (from $field:ident $needed:literal) => {
        $crate::wire::Wire::from_message($crate::wire::need($field, $needed)?)?
    };
}

/// An enumeration that has the same choices on the wire, and there perhaps one that says nothing.
macro_rules! choices {
    ($type:ident, $what:literal: $($choice:ident),* $(,)?) => {
        impl $crate::wire::Wire for $type {
            type Message = i32;

            fn into_message(self) -> i32 {
                match self {
                    $(Self::$choice => peer::$type::$choice.into(),)*
                }
            }

            fn from_message(value: i32) -> Result<Self, $crate::wire::Unreadable> {
                match $crate::wire::choice(value, $what)? {
                    $(peer::$type::$choice => Ok(Self::$choice),)*
                    // No default: whoever sent it meant one of them.
                    #[allow(unreachable_patterns, reason = "not all have one that says nothing")]
                    _ => Err($crate::wire::Unreadable::Missing($what)),
                }
            }
        }
    };
}

pub(crate) use {choices, message, part};

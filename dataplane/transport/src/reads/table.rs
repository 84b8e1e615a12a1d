//! What a row of the table of reads says, in code: the replica's method, and [`Read`](super::Read).

/// Makes the trait of replicas, and a read of each row.
macro_rules! reads {
    ($(
        $(#[$doc:meta])*
        $method:ident: $read:ident as ($($asked:tt)*) =>
            $request:ident { $($field:ident $(= $needed:literal)?),* },
            $answer:ty as ($($given:tt)*) =>
                $message:ident { $($part:ident $(= $part_needed:literal)?),* $(,)? },
            $reply:ident of $outcome:ident;
    )*) => {
        /// A replica that answers reads: one method for each kind, so that a new kind is a compile
        /// error wherever it is not answered yet. All fail with [`Error`]; none changes anything.
        pub trait Replica: Send + Sync {$(
            $(#[$doc])*
            fn $method(
                &self,
                read: $read,
                deadline: Instant,
            ) -> impl Future<Output = Result<$answer, Error>> + Send;
        )*}

        $(impl Read for $read {
            type Answer = $answer;
            type Request = peer::$request;
            type Reply = peer::$reply;

            async fn answer<R: Replica>(
                self,
                replica: &R,
                deadline: Instant,
            ) -> Result<$answer, Error> {
                replica.$method(self, deadline).await
            }

            async fn call(
                client: &mut Client,
                request: peer::$request,
            ) -> Result<Response<peer::$reply>, Status> {
                client.$method(request).await
            }

            fn to_wire(self, header: Header) -> peer::$request {
                let $($asked)* = self;
                peer::$request {
                    header: Some(header_to_wire(header)),
                    $($field: part!(to $field $($needed)?)),*
                }
            }

            fn header(request: &peer::$request) -> Option<peer::ReadHeader> {
                request.header
            }

            fn from_wire(request: peer::$request) -> Result<Self, Unreadable> {
                let peer::$request { header: _, $($field),* } = request;
                $(let $field = part!(from $field $($needed)?);)*
                Ok($($asked)*)
            }

            fn reply_to_wire(answered: Answered<$answer>) -> peer::$reply {
                use peer::$outcome::Outcome;
                let outcome = match answered {
                    Ok(($($given)*, LogIndex(index))) => {
                        let parts = peer::$message {
                            index,
                            $($part: part!(to $part $($part_needed)?)),*
                        };
                        Outcome::Answer(parts)
                    }
                    Err(not_read) => Outcome::NotRead(not_read.into_message()),
                };
                peer::$reply { outcome: Some(outcome) }
            }

            fn reply_from_wire(reply: peer::$reply) -> Result<Answered<$answer>, Unreadable> {
                use peer::$outcome::Outcome;
                Ok(match need(reply.outcome, "the answer")? {
                    Outcome::Answer(peer::$message { index, $($part),* }) => {
                        $(let $part = part!(from $part $($part_needed)?);)*
                        Ok(($($given)*, LogIndex(index)))
                    }
                    Outcome::NotRead(not_read) => Err(NotRead::from_message(not_read)?),
                })
            }
        })*
    };
}

pub(super) use reads;

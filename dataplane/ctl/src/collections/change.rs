//! Making, changing and deleting collections.

use std::io::{self, BufRead, IsTerminal};

use serde::Serialize;
use uuid::Uuid;
use vane_proto::admin::{
    CreateCollectionRequest, DeleteCollectionRequest, UpdateCollectionRequest,
};

use super::CollectionView;
use crate::body;
use crate::client::Client;
use crate::error::Error;
use crate::output::{Output, write_stderr};

/// Makes a collection. Without a key it gets one of its own, so that the collection can
/// be told from another of the same name.
pub(super) async fn create(
    client: &mut Client,
    output: &Output,
    name: String,
    body: &str,
    key: Option<String>,
) -> Result<(), Error> {
    let body = body::read(body)?;
    let idempotency_key = key.unwrap_or_else(|| Uuid::new_v4().to_string());
    let made =
        client.create_collection(CreateCollectionRequest { name, body, idempotency_key }).await?;
    let made = CollectionView::from(made);
    output.confirm(&format!("collection/{} created", made.collection.name), &made)
}

pub(super) async fn update(
    client: &mut Client,
    output: &Output,
    name: String,
    body: &str,
) -> Result<(), Error> {
    let body = body::read(body)?;
    let updated = CollectionView::from(
        client.update_collection(UpdateCollectionRequest { name, body }).await?,
    );
    output.confirm(&format!("collection/{} updated", updated.collection.name), &updated)
}

#[derive(Debug, Serialize)]
struct Deleted {
    name: String,
    /// Whether there was one.
    deleted: bool,
}

/// Deletes a collection, after a yes. That there was none is no failure: a script may
/// repeat itself.
pub(super) async fn delete(
    client: &mut Client,
    output: &Output,
    name: String,
    key: Option<String>,
    yes: bool,
) -> Result<(), Error> {
    if !yes {
        ask(&name)?;
    }
    let idempotency_key = key.unwrap_or_default();
    let with_key = !idempotency_key.is_empty();
    let deleted = client
        .delete_collection(DeleteCollectionRequest { name: name.clone(), idempotency_key })
        .await?;
    let sentence = match (deleted, with_key) {
        (true, _) => format!("collection/{name} deleted"),
        (false, false) => format!("collection/{name} does not exist"),
        (false, true) => format!("collection/{name} with this key does not exist"),
    };
    output.confirm(&sentence, &Deleted { name, deleted })
}

/// Asks the person at the terminal. Nobody there is a no.
fn ask(name: &str) -> Result<(), Error> {
    /// A yes is short.
    const ANSWER_BYTES_MAX: u64 = 256;
    // Both: the question goes to stderr, and stdout keeps the result alone.
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Error::Usage(format!(
            "collection {name} was not deleted: say --yes, there is no terminal to ask at"
        )));
    }
    write_stderr(&format!("delete collection {name} with all its points? [y/N] "));
    let mut answer = String::new();
    let read = io::Read::take(io::stdin().lock(), ANSWER_BYTES_MAX).read_line(&mut answer);
    read.map_err(|source| Error::Terminal { what: "read the answer", source })?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        // Anything else is a no: an empty line too, and the end of the input.
        _ => Err(Error::Unmet(format!("collection {name} was not deleted"))),
    }
}

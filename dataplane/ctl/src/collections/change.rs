//! Making, changing and deleting collections.

use std::io::{self, BufRead, IsTerminal};

use serde::Serialize;
use uuid::Uuid;
use vane_proto::admin::{
    CreateCollectionRequest, DeleteCollectionRequest, UpdateCollectionRequest,
};

use super::CollectionView;
use crate::body;
use crate::error::Error;
use crate::output::{Console, write_stderr};

/// Makes a collection. Without a key it gets one of its own, so that the collection can
/// be told from another of the same name.
pub(super) async fn create(
    console: &mut Console,
    name: String,
    body: &str,
    key: Option<String>,
) -> Result<(), Error> {
    let body = body::read(body)?;
    let idempotency_key = key.unwrap_or_else(|| Uuid::new_v4().to_string());
    let request = CreateCollectionRequest { name, body, idempotency_key };
    let made = CollectionView::from(console.client.create_collection(request).await?);
    console.output.confirm(&format!("collection/{} created", made.collection.name), &made)
}

pub(super) async fn update(console: &mut Console, name: String, body: &str) -> Result<(), Error> {
    let body = body::read(body)?;
    let request = UpdateCollectionRequest { name, body };
    let updated = CollectionView::from(console.client.update_collection(request).await?);
    console.output.confirm(&format!("collection/{} updated", updated.collection.name), &updated)
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
    console: &mut Console,
    name: String,
    key: Option<String>,
    yes: bool,
) -> Result<(), Error> {
    if !yes {
        ask(&name)?;
    }
    let idempotency_key = key.unwrap_or_default();
    let with_key = !idempotency_key.is_empty();
    let request = DeleteCollectionRequest { name: name.clone(), idempotency_key };
    let deleted = console.client.delete_collection(request).await?;
    let sentence = match (deleted, with_key) {
        (true, _) => format!("collection/{name} deleted"),
        (false, false) => format!("collection/{name} does not exist"),
        (false, true) => format!("collection/{name} with this key does not exist"),
    };
    console.output.confirm(&sentence, &Deleted { name, deleted })
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

//! Which node is believed: the first that has heard from a majority.

use futures_util::future::join_all;

use super::{Admin, Database, catch_up, overview};
use crate::sightings::Sightings;

/// A node that belongs to a database.
#[derive(Clone)]
pub(crate) struct Member {
    /// Its pod.
    pub(crate) pod: String,
    /// UUID of the database, as the node's disk has it.
    pub(crate) database: String,
    /// The way to it.
    pub(crate) admin: Admin,
}

/// The database, as the first of its nodes tells it that knows it by the word of a majority;
/// without any, as the first one does that answers at all. `None` where nobody answers.
pub(crate) async fn ask(sightings: &Sightings, members: Vec<Member>) -> Option<Database> {
    // One is enough nearly always. The others are asked at once: nodes that hang cost the time of
    // one.
    let (first, rest) = members.split_at(members.len().min(1));
    for group in [first, rest] {
        let confirmed = join_all(group.iter().map(|member| confirm(sightings, member))).await;
        for (member, index) in group.iter().zip(confirmed) {
            let Some(index) = index else { continue };
            if let Some(database) = tell(member, Some(index)).await {
                return Some(database);
            }
        }
    }
    let unconfirmed = join_all(members.iter().map(|member| tell(member, None))).await;
    unconfirmed.into_iter().flatten().next()
}

/// The entry of the catalog that a node is at by the word of a majority, if it has that word.
async fn confirm(sightings: &Sightings, member: &Member) -> Option<u64> {
    let seen = sightings.index(&member.database);
    match catch_up(&mut member.admin.clone(), seen).await {
        Ok(index) => {
            sightings.note_index(&member.database, index);
            Some(index)
        }
        Err(status) => {
            tracing::info!(pod = member.pod, %status, "a node has no word of a majority");
            None
        }
    }
}

async fn tell(member: &Member, confirmed: Option<u64>) -> Option<Database> {
    let told = overview(member.admin.clone(), confirmed).await;
    told.inspect_err(|error| tracing::info!(pod = member.pod, %error, "a node does not answer"))
        .ok()
}

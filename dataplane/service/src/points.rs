//! Points: changed, and read without ranking.

use std::sync::Arc;

use vane_api::Error;
use vane_api::rest::read::PageOf;
use vane_filter::Filter;
use vane_types::{LogIndex, PointId};

use crate::call::Call;
use crate::engine::{
    Collection, ConfigChange, LayoutChange, Ordered, Page, Record, Requested, Scroll, Want, Write,
};
use crate::operation::Operation;
use crate::service::{Answering, Service, to_the_end};

impl Service {
    /// Applies a change. Returns its place in the log, once it is on disk on a majority and seen
    /// by the next read.
    ///
    /// # Errors
    ///
    /// What the collection refuses, and what keeps it from a leader. After
    /// [`Kind::may_have_changed`](vane_api::Kind::may_have_changed) the change may still apply.
    pub fn write<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        write: Write,
    ) -> Answering<'a, LogIndex> {
        Box::pin(async move {
            let (service, owned_call, options) = (Arc::clone(self), call.clone(), call.options());
            // To its end: the log may have it already when the client goes.
            to_the_end(call, async move {
                let operation = Operation::of_write(&write);
                let applying = async {
                    service
                        .admit(&owned_call, &collection, || Requested::Writes(vec![&write]))
                        .await?;
                    Ok::<_, Error>(collection.write(write, options).await?)
                };
                service.run(&owned_call, operation, collection.name(), applying).await
            })
            .await
        })
    }

    /// Makes a payload index, and keeps what `options` says of it. With `wait` the leaders' indexes
    /// have all points when it answers true; without, and where that takes longer than the call has
    /// time, they will have.
    ///
    /// # Errors
    ///
    /// As those of [`Service::write`] and [`Service::update_collection`]; the index may be there.
    pub fn make_index<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        collection: Arc<Collection>,
        write: Write,
        options: Option<ConfigChange>,
        wait: bool,
    ) -> Answering<'a, (LogIndex, bool)> {
        Box::pin(async move {
            // One deadline for all.
            let deadline = call.options();
            let field = match &write {
                Write::CreateIndex { field, .. } if wait => Some(field.clone()),
                _ => None,
            };
            let index = self.write(call, Arc::clone(&collection), write).await?;
            // After the index, which is what was asked for: options are only told about. Before
            // the time that there is goes into waiting.
            if let Some(change) = options {
                let layout = LayoutChange::default();
                self.update_collection(call, Arc::clone(&collection), change, layout).await?;
            }
            let is_whole = match field {
                Some(field) => collection.wait_filled(&field, deadline).await,
                None => false,
            };
            Ok((index, is_whole))
        })
    }

    /// Applies changes of one collection one after the other, each as its shard keys have it. None
    /// begins before all were found to fit the collection, and one that fails ends the batch.
    ///
    /// # Errors
    ///
    /// As those of [`Service::write`]; the text names the operation, and what became of the
    /// others.
    pub fn write_batch<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        writes: Vec<(Arc<Collection>, Write)>,
    ) -> Answering<'a, Vec<LogIndex>> {
        Box::pin(async move {
            if let Some((collection, _)) = writes.first() {
                let each = || writes.iter().map(|(_, write)| write).collect();
                self.admit(call, collection, || Requested::Writes(each())).await?;
            }
            let mut operations = Vec::with_capacity(writes.len());
            for (i, (collection, write)) in writes.into_iter().enumerate() {
                let operation = Operation::of_write(&write);
                let checked = collection.check(write).await.map_err(Error::from);
                let checked = checked.map_err(|error| {
                    error.with_remark(format_args!("operations[{i}]; no operation was begun"))
                })?;
                operations.push((operation, collection, checked));
            }
            // One deadline for all of them: the client waits for the batch.
            let (service, owned_call, options) = (Arc::clone(self), call.clone(), call.options());
            // All on one task: a client that goes must not leave half of them undone.
            to_the_end(call, async move {
                let mut indexes = Vec::with_capacity(operations.len());
                for (i, (operation, collection, checked)) in operations.into_iter().enumerate() {
                    let applying = collection.write_checked(checked, options.clone());
                    let applied =
                        service.run(&owned_call, operation, collection.name(), applying).await;
                    // An error ends the batch: later operations may build on this one.
                    indexes.push(applied.map_err(|error| in_batch(error, i))?);
                }
                Ok(indexes)
            })
            .await
        })
    }

    /// Those of the points that are there.
    ///
    /// # Errors
    ///
    /// What keeps the collection from a leader of one of its shards.
    pub fn retrieve<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        ids: Vec<PointId>,
        want: Want,
    ) -> Answering<'a, Vec<Record>> {
        let reading = async move {
            self.admit(call, collection, || Requested::Retrieve(ids.len())).await?;
            Ok::<_, Error>(collection.retrieve(ids, want, call.options()).await?)
        };
        Box::pin(self.run(call, Operation::Retrieve, collection.name(), reading))
    }

    /// A page of points. One in an order of values is none that another one follows.
    ///
    /// # Errors
    ///
    /// As those of [`Service::retrieve`], and a filter or an order that the collection refuses.
    pub fn scroll<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        page: PageOf,
    ) -> Answering<'a, Page> {
        let options = call.options();
        let reading = async move {
            let (filter, limit) = match &page {
                PageOf::Ids(Scroll { filter, limit, .. }) => (filter, *limit),
                PageOf::Values(Ordered { filter, limit, .. }) => (filter, *limit),
            };
            let requested = || Requested::Scroll { filter: filter.as_ref(), limit };
            self.admit(call, collection, requested).await?;
            match page {
                PageOf::Ids(scroll) => Ok::<_, Error>(collection.scroll(scroll, options).await?),
                PageOf::Values(ordered) => {
                    let records = collection.ordered(ordered, &options).await?;
                    Ok(Page { records, next: None })
                }
            }
        };
        Box::pin(self.run(call, Operation::Scroll, collection.name(), reading))
    }

    /// How many points match. They are counted exactly, whether that is asked for or not.
    ///
    /// # Errors
    ///
    /// As those of [`Service::scroll`].
    pub fn count<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        (filter, exact): (Option<Filter>, bool),
    ) -> Answering<'a, usize> {
        let reading = async move {
            let requested = || Requested::Count { filter: filter.as_ref(), exact };
            self.admit(call, collection, requested).await?;
            Ok::<_, Error>(collection.count(filter, call.options()).await?)
        };
        Box::pin(self.run(call, Operation::Count, collection.name(), reading))
    }
}

/// Says which operation failed and what became of the others.
fn in_batch(error: Error, i: usize) -> Error {
    let before = match i {
        0 => "no operation was applied before it".to_owned(),
        1 => "the operation before it was applied".to_owned(),
        _ => format!("the {i} operations before it were applied"),
    };
    error.with_remark(format_args!("operations[{i}]; {before}, those after it were not begun"))
}

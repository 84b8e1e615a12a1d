//! Points counted by their values, and compared with each other.

use vane_api::Error;
use vane_filter::Filter;
use vane_types::JsonPath;

use crate::call::Call;
use crate::engine::{Collection, FacetHit, Matrix, MatrixRow, Requested};
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// The most frequent values of a field, with how many points have each. They are counted
    /// exactly, whether that is asked for or not.
    ///
    /// # Errors
    ///
    /// As those of [`Service::query`], and a field without an index of values.
    pub fn facet<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        (field, filter, limit, exact): (JsonPath, Option<Filter>, usize, bool),
    ) -> Answering<'a, Vec<FacetHit>> {
        let counting = async move {
            let requested = || Requested::Facet { filter: filter.as_ref(), limit, exact };
            self.admit(call, collection, requested).await?;
            Ok::<_, Error>(collection.facet(field, filter, limit, call.options()).await?)
        };
        Box::pin(self.run(call, Operation::Facet, collection.name(), counting))
    }

    /// How near points that are drawn at random are to each other.
    ///
    /// # Errors
    ///
    /// As those of [`Service::query`].
    pub fn matrix<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        matrix: Matrix,
    ) -> Answering<'a, Vec<MatrixRow>> {
        let comparing = async move {
            self.admit(call, collection, || Requested::Matrix(&matrix)).await?;
            Ok::<_, Error>(collection.matrix(matrix, call.options()).await?)
        };
        Box::pin(self.run(call, Operation::Matrix, collection.name(), comparing))
    }
}

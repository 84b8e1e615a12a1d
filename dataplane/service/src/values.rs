//! Points counted by their values, and compared with each other.

use vane_filter::Filter;
use vane_types::JsonPath;

use crate::call::Call;
use crate::engine::{Collection, FacetHit, Matrix, MatrixRow};
use crate::operation::Operation;
use crate::service::{Answering, Service};

impl Service {
    /// The most frequent values of a field, with how many points have each.
    ///
    /// # Errors
    ///
    /// As those of [`Service::query`], and a field without an index of values.
    pub fn facet<'a>(
        &'a self,
        call: &'a Call,
        collection: &'a Collection,
        (field, filter, limit): (JsonPath, Option<Filter>, usize),
    ) -> Answering<'a, Vec<FacetHit>> {
        let counting = collection.facet(field, filter, limit, call.options());
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
        let comparing = collection.matrix(matrix, call.options());
        Box::pin(self.run(call, Operation::Matrix, collection.name(), comparing))
    }
}

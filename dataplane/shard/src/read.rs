//! Reads that need no vectors to compare: by id, by page, by count.

pub(crate) mod by_value;
pub(crate) mod fetch;
pub(crate) mod frequencies;
mod include;
pub(crate) mod info;
pub(crate) mod memory;
pub(crate) mod missed;
pub(crate) mod sample;
pub(crate) mod segments;
pub(crate) mod usage;

use std::time::Instant;

use vane_filter::Filter;
use vane_types::limits::RESULTS_MAX;
use vane_types::{PointId, Slot, TenantId, Vector};

use crate::error::{BadInput, Error};
use crate::request::{Page, Record, Scroll, Want};
use crate::search::select::Checker;
use crate::search::view::View;
use crate::shard::Shard;
use crate::state::filter_indexes::meant;

/// Matching points up to which a page is made by sorting them rather than by walking ids.
const SORTED_PAGE_POINTS_MAX: u64 = 4096;
/// Points walked between two looks at the clock.
const POINTS_PER_DEADLINE: usize = 1024;

impl Shard {
    /// Those of the points that are there, in the order asked for.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a vector that the collection lacks, [`Error::NotReady`],
    /// [`Error::Storage`].
    pub fn retrieve(&self, ids: &[PointId], want: &Want) -> Result<Vec<Record>, Error> {
        want.check(&self.state.read().config)?;
        let view = self.view(None)?;
        let ids = meant(ids.iter().copied(), &view.tenants).ok_or(BadInput::TooManyMeant)?;
        let mut slots = Vec::with_capacity(ids.len());
        for id in ids {
            slots.extend(view.snapshot.slot(id)?);
        }
        self.fetch(&view, &slots, want)
    }

    /// One vector of one point, in its stored form.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a point that is not there; [`Error::BadInput`] when collection
    /// or point lack the vector; [`Error::NotReady`], [`Error::Storage`].
    pub fn vector_of(&self, id: PointId, using: &str) -> Result<Vector, Error> {
        let view = self.view(None)?;
        let slot = view.snapshot.slot(id)?;
        let row = {
            let state = self.state.read();
            self.check_ready(&state)?;
            let vector = state.known_vector(using)?;
            // A slot is its point's for ever: the row of now is that of the same point.
            let slot = slot.filter(|slot| state.live.contains(*slot)).ok_or(Error::NotFound(id))?;
            vector.row(slot)
        };
        let absent = || BadInput::VectorAbsent { id, using: using.to_owned() };
        Ok(row.ok_or_else(absent)?.vector()?)
    }

    /// How many points match.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::NotReady`], [`Error::Storage`].
    pub fn count(&self, filter: Option<&Filter>, deadline: Instant) -> Result<usize, Error> {
        let view = self.view(filter)?;
        let count = match view.resolved() {
            None => view.live.len(),
            // Payload indexes alone have answered: no record need be read.
            Some(resolved) if resolved.exact => resolved.allowed.slots.len(),
            Some(_) => view.allowed(filter, deadline)?.map_or(0, |allowed| allowed.slots.len()),
        };
        Ok(count as usize)
    }

    /// A page of matching points in id order.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a vector that the collection lacks, [`Error::Timeout`],
    /// [`Error::NotReady`], [`Error::Storage`].
    pub fn scroll(&self, scroll: &Scroll, deadline: Instant) -> Result<Page, Error> {
        scroll.want.check(&self.state.read().config)?;
        let view = self.view(scroll.filter.as_ref())?;
        // Clamped, as no page has more: a limit may be any number, and means "all".
        let scroll = Scroll { limit: scroll.limit.min(RESULTS_MAX), ..scroll.clone() };
        // Sorting a few matches beats walking past the many ids that do not match.
        let few = view
            .resolved()
            .is_some_and(|resolved| resolved.allowed.slots.len() <= SORTED_PAGE_POINTS_MAX);
        let found =
            if few { sorted(&view, &scroll, deadline)? } else { walked(&view, &scroll, deadline)? };
        // One point more than the page has was looked for: the next page begins with it.
        let page = &found[..found.len().min(scroll.limit)];
        let slots: Vec<Slot> = page.iter().map(|(_, slot)| *slot).collect();
        let records = self.fetch_what_fits(&view, &slots, &scroll.want)?;
        // Also behind a page that is shorter than was asked for, since no more fits.
        let next = found.get(records.len()).map(|(id, _)| *id);
        Ok(Page { records, next })
    }

    /// Ids of all matching points, in no particular order.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::NotReady`], [`Error::Storage`].
    pub fn matching_ids(&self, filter: &Filter, deadline: Instant) -> Result<Vec<PointId>, Error> {
        let everything =
            // Not the largest number: a page is looked for with one point more than its limit.
            Scroll { filter: Some(filter.clone()), limit: usize::MAX - 1, ..Scroll::default() };
        let view = self.view(Some(filter))?;
        Ok(walked(&view, &everything, deadline)?.into_iter().map(|(id, _)| id).collect())
    }
}

/// One page and one point more, by reading all candidates.
fn sorted(
    view: &View<'_>,
    scroll: &Scroll,
    deadline: Instant,
) -> Result<Vec<(PointId, Slot)>, Error> {
    let allowed = view.allowed(scroll.filter.as_ref(), deadline)?;
    let mut found = Vec::new();
    for slot in allowed.iter().flat_map(|allowed| &allowed.slots) {
        found.push((view.snapshot.present(slot)?.id, slot));
    }
    found.retain(|(id, _)| scroll.offset.is_none_or(|offset| *id >= offset));
    found.sort_unstable();
    found.truncate(scroll.limit + 1);
    Ok(found)
}

/// One page and one point more, by walking ids from the offset on: those of the tenants that the
/// filter names, where it names some.
fn walked(
    view: &View<'_>,
    scroll: &Scroll,
    deadline: Instant,
) -> Result<Vec<(PointId, Slot)>, Error> {
    let checker = scroll.filter.as_ref().map(|filter| view.checker(filter, deadline));
    let mut walk = Walk { view, checker, deadline, most: scroll.limit, found: Vec::new(), seen: 0 };
    match scroll.filter.as_ref().and_then(Filter::tenants) {
        None => walk.run(scroll.offset, None)?,
        Some(tenants) => {
            for tenant in tenants.iter() {
                // Of one before the offset nothing is left, of one behind it everything.
                let first = PointId::num(0).of(*tenant);
                let from = scroll.offset.map_or(first, |offset| offset.max(first));
                walk.run(Some(from), Some(*tenant))?;
            }
        }
    }
    Ok(walk.found)
}

/// A walk over ids.
struct Walk<'a> {
    view: &'a View<'a>,
    checker: Option<Checker<'a>>,
    deadline: Instant,
    /// It ends with one more than these.
    most: usize,
    found: Vec<(PointId, Slot)>,
    seen: usize,
}

impl Walk<'_> {
    /// Adds what matches from an id on, to the end or to that of a tenant.
    fn run(&mut self, from: Option<PointId>, tenant: Option<TenantId>) -> Result<(), Error> {
        let mut failed = None;
        let view = self.view;
        if self.found.len() > self.most {
            return Ok(());
        }
        view.snapshot.points_from(from, |id, slot| {
            if tenant.is_some() && id.tenant != tenant {
                return Ok(false);
            }
            // The scan knows errors of the disk only: another is kept beside it.
            let goes_on = self.visit(id, slot);
            Ok(goes_on.unwrap_or_else(|error| {
                failed = Some(error);
                false
            }))
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Takes a point in that matches; false once there are enough.
    fn visit(&mut self, id: PointId, slot: Slot) -> Result<bool, Error> {
        self.seen += 1;
        if self.seen.is_multiple_of(POINTS_PER_DEADLINE) && Instant::now() > self.deadline {
            return Err(Error::Timeout { group: self.view.group });
        }
        if passes(self.view, slot, self.checker.as_ref())? {
            self.found.push((id, slot));
        }
        Ok(self.found.len() <= self.most)
    }
}

/// Whether a point passes the filter, which payload indexes may have answered already.
fn passes(view: &View<'_>, slot: Slot, checker: Option<&Checker<'_>>) -> Result<bool, Error> {
    let (Some(resolved), Some(checker)) = (view.resolved(), checker) else { return Ok(true) };
    if !resolved.allowed.slots.contains(slot) {
        return Ok(false);
    }
    if resolved.exact {
        return Ok(true);
    }
    checker.matches(&view.snapshot.present(slot)?)
}

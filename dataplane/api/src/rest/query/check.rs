//! Whether what ranks a stage fits what else the stage says. Refusals are in Qdrant's words.

use super::by::Ranking;
use super::examples;
use crate::engine::By;
use crate::error::{Error, Kind};
use crate::rest::INVALID;

/// How a stage with so many prefetches ranks.
pub(super) fn by(
    ranking: Option<Ranking>,
    using: Option<&str>,
    score_threshold: Option<f32>,
    prefetches: usize,
) -> Result<By, Error> {
    let by = ranking.map_or(By::Id, |ranking| ranking.0);
    match &by {
        By::Id => without_ranking(score_threshold, prefetches)?,
        By::Rrf { k, weights } => {
            fusion(using, prefetches)?;
            if *k == 0 {
                return Err(Error::zero("query.rrf.k"));
            }
            weights.as_ref().map_or(Ok(()), |weights| self::weights(weights, prefetches))?;
        }
        By::Dbsf => fusion(using, prefetches)?,
        By::Examples(by) => examples::check(by)?,
        By::Diverse(diverse) => examples::check_diverse(diverse)?,
        By::Order(_) if score_threshold.is_some() => {
            return Err(Error::bad_request("Can't use score_threshold with an order_by query."));
        }
        By::Formula(_) if prefetches == 0 => {
            return Err(invalid("cannot apply Formula without prefetches"));
        }
        By::Vector(_) | By::Point(_) | By::Formula(_) | By::Order(_) | By::Sample => {}
    }
    Ok(by)
}

fn without_ranking(score_threshold: Option<f32>, prefetches: usize) -> Result<(), Error> {
    if prefetches > 0 {
        return Err(Error::bad_request(
            "A query is needed to merge the prefetches. \
             Can't have prefetches without defining a query.",
        ));
    }
    if score_threshold.is_some() {
        return Err(Error::bad_request(
            "A query is needed to use the score_threshold. \
             Can't have score_threshold without defining a query.",
        ));
    }
    Ok(())
}

/// A fusion of stages that names a vector is refused once the points that they name were found,
/// see [`of_a_vector`].
fn fusion(using: Option<&str>, prefetches: usize) -> Result<(), Error> {
    if prefetches == 0 && using.is_some_and(|using| !using.is_empty()) {
        return Err(of_a_vector());
    }
    // It ranks what prefetches found, and there is nothing else to rank.
    if prefetches == 0 {
        return Err(invalid("cannot apply Fusion without prefetches"));
    }
    Ok(())
}

/// A fusion ranks what its stages found, by no vector of its own.
pub fn of_a_vector() -> Error {
    Error::bad_request("Fusion queries cannot be combined with the 'using' field.")
}

fn weights(weights: &[f32], prefetches: usize) -> Result<(), Error> {
    if weights.len() != prefetches {
        return Err(invalid(format_args!(
            "Number of weights in RRF should match number of pre-fetches: got {}, expected \
             {prefetches}",
            weights.len()
        )));
    }
    Ok(())
}

/// What Qdrant finds where the query is carried out.
fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(Kind::BadInput, "", format_args!("{INVALID}{what}"))
}

//! What clients ask for, by the seed's weights.

use crate::env::Env;
use crate::history::{Kind, ReadOf};
use crate::random::Random;
use crate::write::{CLASSES, Write};

/// Points that one write names at most.
const BATCH_MAX: u64 = 5;

/// A request for any of the collections, or for the catalog.
pub(crate) fn draw_request(
    env: &mut Env,
    collections: &[String],
    next_number: &mut u64,
) -> (Option<String>, Kind) {
    // The catalog is one more, behind the last of them.
    let drawn = env.random.below(collections.len() as u64 + 1) as usize;
    let collection = collections.get(drawn).cloned();
    let points = if collection.is_some() { env.swarm.load.points } else { env.nodes };
    let (load, random) = (env.swarm.load.clone(), &mut env.random);
    let point = 1 + random.below(points);
    let kind = if random.chance(load.reads) {
        let is_wide = collection.is_some() && random.chance(load.wide_reads);
        let of = if is_wide { draw_wide(random) } else { ReadOf::Point(point) };
        // The catalog is read where it is, once a leader has said how far that has to be.
        let linearizable = collection.is_none() || !random.chance(load.default_reads);
        Kind::Read { of, linearizable }
    } else if collection.is_some() && random.chance(load.others) {
        Kind::Write(draw_other(random, points, next_number))
    } else {
        Kind::Write(draw_simple(random, point, load.deletes, next_number))
    };
    (collection, kind)
}

/// A read of many points.
fn draw_wide(random: &mut Random) -> ReadOf {
    let class = random.below(CLASSES);
    match random.below(4) {
        0 => ReadOf::All,
        1 => ReadOf::Class(class),
        2 => ReadOf::Nearest,
        _ => ReadOf::Count(class),
    }
}

fn draw_simple(random: &mut Random, point: u64, deletes: u64, next_number: &mut u64) -> Write {
    match random.chance(deletes) {
        true => Write::Remove(vec![point]),
        false => Write::Put(vec![(point, take(next_number))]),
    }
}

fn take(next_number: &mut u64) -> u64 {
    *next_number += 1;
    *next_number
}

/// A few points, each once.
fn draw_points(random: &mut Random, points: u64) -> Vec<u64> {
    let mut drawn: Vec<u64> =
        (0..=random.below(BATCH_MAX)).map(|_| 1 + random.below(points)).collect();
    drawn.sort_unstable();
    drawn.dedup();
    drawn
}

/// Any kind of write that a client can make.
fn draw_other(random: &mut Random, points: u64, next_number: &mut u64) -> Write {
    let drawn = draw_points(random, points);
    match random.below(24) {
        0..8 => Write::Put(drawn.into_iter().map(|point| (point, take(next_number))).collect()),
        8..10 => Write::Remove(drawn),
        10..12 => Write::RemoveClass(random.below(CLASSES)),
        12..15 => Write::Merge(drawn, take(next_number)),
        15..17 => Write::Replace(drawn, take(next_number)),
        17 => Write::Erase(drawn),
        18 => Write::Clear(drawn),
        19..21 => Write::Turn(drawn),
        21 => Write::Strip(drawn),
        22 => Write::MakeIndex,
        _ => Write::DropIndex,
    }
}

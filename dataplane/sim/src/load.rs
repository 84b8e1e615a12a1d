//! What clients ask for, by the seed's weights.

use vane_types::GroupId;

use crate::env::Env;
use crate::history::Kind;
use crate::random::Random;
use crate::write::Write;

/// Points that one write names at most.
const BATCH_MAX: u64 = 5;

/// A request for any group.
pub(crate) fn draw_request(env: &mut Env, next_number: &mut u64) -> (GroupId, Kind) {
    let group = env.groups[env.random.below(env.groups.len() as u64) as usize];
    let (points, load, random) = (env.points(group), env.swarm.load.clone(), &mut env.random);
    let point = 1 + random.below(points);
    let kind = if random.chance(load.reads) {
        Kind::Read { point, linearizable: !random.chance(load.default_reads) }
    } else if group == GroupId::META {
        Kind::Write(draw_simple(random, point, load.deletes, next_number))
    } else if random.chance(load.others) {
        Kind::Write(draw_other(random, points, next_number))
    } else {
        Kind::Write(draw_simple(random, point, load.deletes, next_number))
    };
    (group, kind)
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
        10..12 => Write::RemoveClass(random.below(crate::write::CLASSES)),
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

//! What the background jobs of a collection are at: `GET /collections/{collection}/optimizations`.

use serde_json::{Value, json};
use uuid::Uuid;
use vane_types::GroupId;

use super::time::time_text;
use crate::engine::{Job, Outlook, SegmentOf};
use crate::error::{Error, Kind};

/// Jobs that have ended which are shown where nobody says how many.
const ENDED_DEFAULT: usize = 16;

/// What is wanted beside the summary and the jobs that run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Jobs that come next.
    pub queued: bool,
    /// How many of the last that ended, where any are wanted.
    pub ended: Option<usize>,
    /// Segments that no job is about.
    pub idle: bool,
}

impl Parts {
    /// Reads `with`, a list of names with commas between them, and `completed_limit`.
    ///
    /// # Errors
    /// [`Kind::MalformedParameter`] for a name that there is not.
    pub fn of(with: Option<&str>, limit: Option<usize>) -> Result<Self, Error> {
        let mut parts = Self::default();
        let names = with.unwrap_or_default().split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "queued" => parts.queued = true,
                "completed" => parts.ended = Some(limit.unwrap_or(ENDED_DEFAULT)),
                "idle_segments" => parts.idle = true,
                _ => {
                    let detail =
                        format!("`{name}` is none of `queued`, `completed` and `idle_segments`");
                    return Err(Error::new(Kind::MalformedParameter, "with", detail));
                }
            }
        }
        Ok(parts)
    }
}

/// The answer, from what the leaders of all shards say.
pub fn optimizations(shards: &[(GroupId, Outlook)], parts: Parts) -> Value {
    let queued = || of_all(shards, |outlook| &outlook.queued);
    let segments = || queued().flat_map(|(_, job)| &job.segments);
    let idle = || {
        shards.iter().flat_map(|(group, all)| all.idle.iter().map(move |segment| (*group, segment)))
    };
    let mut told = json!({
        "summary": {
            "queued_optimizations": queued().count(),
            "queued_segments": segments().count(),
            "queued_points": segments().map(|segment| segment.points).sum::<usize>(),
            "idle_segments": idle().count(),
        },
        "running": of_all(shards, |outlook| &outlook.running)
            .map(|(group, job)| optimization(group, job))
            .collect::<Vec<_>>(),
    });
    if parts.queued {
        told["queued"] = queued().map(|(group, job)| pending(group, job)).collect();
    }
    if let Some(most) = parts.ended {
        let mut ended: Vec<(GroupId, &Job)> = of_all(shards, |outlook| &outlook.ended).collect();
        ended.sort_by_key(|(_, job)| std::cmp::Reverse(job.started_ms + job.took_us / 1000));
        let ended = ended.into_iter().take(most);
        told["completed"] = ended.map(|(group, job)| optimization(group, job)).collect();
    }
    if parts.idle {
        told["idle_segments"] = idle().map(|(group, segment)| info_of(group, segment)).collect();
    }
    told
}

fn of_all<'a>(
    shards: &'a [(GroupId, Outlook)],
    jobs: impl Fn(&'a Outlook) -> &'a Vec<Job> + 'a,
) -> impl Iterator<Item = (GroupId, &'a Job)> {
    shards.iter().flat_map(move |(group, outlook)| jobs(outlook).iter().map(|job| (*group, job)))
}

fn pending(group: GroupId, job: &Job) -> Value {
    json!({ "optimizer": job.optimizer.name(), "segments": segments_of(group, job) })
}

fn optimization(group: GroupId, job: &Job) -> Value {
    let name = job.optimizer.name();
    let mut progress = json!({ "name": name, "done": job.done, "total": job.total });
    // Of a payload index that is filled it is not known.
    if job.started_ms > 0 {
        progress["started_at"] = json!(time_text(job.started_ms));
    }
    if job.ended {
        progress["finished_at"] = json!(time_text(job.started_ms + job.took_us / 1000));
        progress["duration_sec"] = json!(job.took_us as f64 / 1e6);
    }
    json!({
        "uuid": uuid_of_job(group, job),
        "optimizer": name,
        "status": status_of_job(job),
        "segments": segments_of(group, job),
        "progress": progress,
    })
}

/// What became of a job, in the words of the API.
pub(super) fn status_of_job(job: &Job) -> Value {
    match &job.failure {
        _ if job.cancelled => json!({ "cancelled": "it was called off, and will be tried again" }),
        Some(error) => json!({ "error": error }),
        None if job.ended => json!("done"),
        None => json!("optimizing"),
    }
}

fn segments_of(group: GroupId, job: &Job) -> Vec<Value> {
    job.segments.iter().map(|segment| info_of(group, segment)).collect()
}

fn info_of(group: GroupId, segment: &SegmentOf) -> Value {
    json!({ "uuid": segment_uuid(group, segment), "points_count": segment.points })
}

/// A segment has a number in its shard; here it goes by one that no other shard has.
pub(super) fn segment_uuid(group: GroupId, segment: &SegmentOf) -> String {
    let within = u64::from(segment.vector) << 32 | u64::from(segment.segment);
    Uuid::from_u64_pair(group.0, within).to_string()
}

/// The same of a job.
pub(super) fn uuid_of_job(group: GroupId, job: &Job) -> String {
    Uuid::from_u64_pair(group.0 | 1 << 63, job.number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Optimizer;

    fn job(number: u64, started_ms: u64) -> Job {
        Job {
            number,
            optimizer: Optimizer::Merge,
            segments: vec![SegmentOf { vector: 1, segment: 4, points: 30 }],
            started_ms,
            took_us: 2_500_000,
            ended: false,
            cancelled: false,
            failure: None,
            done: 10,
            total: 30,
        }
    }

    fn shards() -> Vec<(GroupId, Outlook)> {
        let ended = |number, started_ms| Job { ended: true, ..job(number, started_ms) };
        let failed = Job { failure: Some("no room".into()), ..ended(3, 3_000) };
        let first = Outlook {
            running: vec![job(9, 1_000)],
            ended: vec![ended(2, 2_000), ended(1, 1_000)],
            queued: vec![job(0, 0)],
            idle: vec![SegmentOf { vector: 0, segment: 1, points: 7 }],
        };
        let second = Outlook { ended: vec![failed], ..Outlook::default() };
        vec![(GroupId(5), first), (GroupId(6), second)]
    }

    #[test]
    fn what_is_not_asked_for_is_left_out_and_counted_all_the_same() {
        let told = optimizations(&shards(), Parts::default());
        assert_eq!(
            told["summary"],
            json!({"queued_optimizations": 1, "queued_segments": 1, "queued_points": 30,
                "idle_segments": 1})
        );
        let running = &told["running"][0];
        assert_eq!(
            (&running["status"], &running["optimizer"]),
            (&json!("optimizing"), &json!("merge"))
        );
        assert_eq!(running["progress"]["done"], 10);
        assert_eq!(running["progress"].get("finished_at"), None);
        for part in ["queued", "completed", "idle_segments"] {
            assert_eq!(told.get(part), None, "{part}");
        }
    }

    #[test]
    fn the_last_that_ended_come_first_whichever_their_shard() {
        let parts = Parts::of(Some("queued, completed,idle_segments"), Some(2)).unwrap();
        assert_eq!(parts, Parts { queued: true, ended: Some(2), idle: true });
        let told = optimizations(&shards(), parts);
        let completed = told["completed"].as_array().unwrap();
        assert_eq!(completed.len(), 2);
        assert_eq!(completed[0]["status"], json!({"error": "no room"}));
        assert_eq!(completed[1]["status"], "done");
        assert_eq!(completed[1]["progress"]["duration_sec"], 2.5);
        assert_eq!(told["idle_segments"][0]["points_count"], 7);
        assert_eq!(Parts::of(Some("completed"), None).unwrap().ended, Some(ENDED_DEFAULT));
        assert!(Parts::of(Some("done"), None).is_err());
    }
}

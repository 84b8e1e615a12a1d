//! Times in which what runs well may be taken away. Pure: the time is a fact like others.

use jiff::Timestamp;
use vane_crds::cluster::{Maintenance, Window};

use super::Refusal;
use super::failing::minutes;

/// Whether something may be taken away now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opening {
    /// It may.
    Open,
    /// Not before this.
    At(Timestamp),
    /// No window ever opens.
    Never,
}

/// Whether one of the windows is open, and when the next one opens where none is.
pub(super) fn opening(maintenance: &Maintenance, now: Timestamp) -> Opening {
    if maintenance.windows.is_empty() {
        return Opening::Open;
    }
    let next = maintenance.windows.iter().filter_map(|window| begins(window, now)).min();
    match next {
        Some(begins) if begins <= now => Opening::Open,
        Some(begins) => Opening::At(begins),
        None => Opening::Never,
    }
}

/// The first begin of a window that is not over yet.
fn begins(window: &Window, now: Timestamp) -> Option<Timestamp> {
    let crontab = crontab(window).ok()?;
    let before = now.checked_sub(minutes(window.duration_minutes)).ok()?;
    crontab.find_next(before).ok().map(|begins| begins.timestamp())
}

fn crontab(window: &Window) -> Result<cronexpr::Crontab, cronexpr::Error> {
    cronexpr::parse_crontab(&format!("{} {}", window.schedule.trim(), window.time_zone))
}

/// Windows that nobody can tell when they open.
pub(super) fn refusal(maintenance: &Maintenance) -> Option<Refusal> {
    let (window, error) =
        maintenance.windows.iter().find_map(|window| Some((window, crontab(window).err()?)))?;
    // The library draws a picture of the mistake below its first line.
    let error = error.to_string();
    let why = error.lines().last().unwrap_or_default().trim();
    Some(Refusal {
        reason: "BadSchedule",
        message: format!(
            "the window of spec.maintenance with schedule {:?} and time zone {:?} never opens: \
             {why}",
            window.schedule, window.time_zone
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn window(schedule: &str, duration_minutes: i32, time_zone: &str) -> Window {
        Window { schedule: schedule.into(), duration_minutes, time_zone: time_zone.into() }
    }

    fn at(windows: &[Window], now: &str) -> Opening {
        opening(&Maintenance { windows: windows.to_vec() }, now.parse().unwrap())
    }

    fn opens(time: &str) -> Opening {
        Opening::At(time.parse().unwrap())
    }

    #[test]
    fn without_windows_it_is_always_open() {
        assert_eq!(at(&[], "2026-01-01T00:00:00Z"), Opening::Open);
    }

    #[test]
    fn a_window_is_open_from_its_begin_until_its_minutes_are_over() {
        // Sundays at three.
        let windows = [window("0 3 * * 0", 90, "UTC")];
        assert_eq!(at(&windows, "2026-01-03T12:00:00Z"), opens("2026-01-04T03:00:00Z"));
        assert_eq!(at(&windows, "2026-01-04T03:00:00Z"), Opening::Open);
        assert_eq!(at(&windows, "2026-01-04T04:29:59Z"), Opening::Open);
        assert_eq!(at(&windows, "2026-01-04T04:30:00Z"), opens("2026-01-11T03:00:00Z"));
    }

    #[test]
    fn the_next_of_several_counts_in_their_own_time_zones() {
        let windows = [window("0 3 * * *", 60, "Europe/Berlin"), window("0 3 * * *", 60, "UTC")];
        assert_eq!(at(&windows, "2026-07-01T00:30:00Z"), opens("2026-07-01T01:00:00Z"));
        assert_eq!(at(&windows, "2026-07-01T02:30:00Z"), opens("2026-07-01T03:00:00Z"));
        assert_eq!(at(&windows, "2026-01-01T02:30:00Z"), Opening::Open, "in winter an hour later");
        assert_eq!(at(&windows, "2026-01-01T01:30:00Z"), opens("2026-01-01T02:00:00Z"));
    }

    #[test]
    fn a_window_across_midnight_and_one_longer_than_its_period_stay_open() {
        assert_eq!(at(&[window("0 23 * * *", 120, "UTC")], "2026-01-02T00:30:00Z"), Opening::Open);
        let always = [window("0 * * * *", 61, "UTC")];
        for minute in ["00", "29", "59"] {
            assert_eq!(at(&always, &format!("2026-01-02T07:{minute}:30Z")), Opening::Open);
        }
    }

    #[test]
    fn what_is_no_schedule_never_opens_and_is_refused() {
        for (schedule, zone) in [("61 * * * *", "UTC"), ("0 3 * *", "UTC"), ("0 3 * * *", "Mars/X")]
        {
            let windows = vec![window(schedule, 60, zone)];
            assert_eq!(at(&windows, "2026-01-01T00:00:00Z"), Opening::Never, "{schedule} {zone}");
            let refused = refusal(&Maintenance { windows }).unwrap();
            assert_eq!(refused.reason, "BadSchedule");
            assert!(!refused.message.contains('\n'), "{}", refused.message);
        }
        let windows = vec![window("0 3 * * MON-FRI", 60, "UTC")];
        assert_eq!(refusal(&Maintenance { windows }), None);
    }
}

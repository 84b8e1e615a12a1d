//! Logs: one line per event on stderr, for people or for collectors.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::settings::{Log, LogFormat, LogLevel};

/// Has another level logged.
type SetLevel = Box<dyn Fn(LogLevel) + Send + Sync>;

/// Of the logging that this process started.
static SET_LEVEL: OnceLock<SetLevel> = OnceLock::new();

/// Starts logging. A second call in one process changes nothing.
pub(crate) fn start(log: &Log) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(log.level))
        .with_writer(std::io::stderr)
        .with_target(false);
    match log.format {
        LogFormat::Text => {
            // Colours are for terminals; a file would have their codes.
            let lines = lines
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .with_filter_reloading();
            let handle = lines.reload_handle();
            keep(lines.try_init(), move |level| handle.reload(filter(level)));
        }
        // Collectors look for fields at the top of the object.
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            keep(lines.try_init(), move |level| handle.reload(filter(level)));
        }
    }
}

/// Keeps the way to another level, of logging that was started here.
fn keep<S, R>(started: Result<(), S>, reload: impl Fn(LogLevel) -> R + Send + Sync + 'static) {
    if started.is_ok() {
        // It fails where logging has ended, which it does with the process.
        let set = move |level| drop(reload(level));
        let _kept_before = SET_LEVEL.set(Box::new(set));
    }
}

/// Has another level logged from now on.
pub(crate) fn set_level(level: LogLevel) {
    if let Some(set) = SET_LEVEL.get() {
        set(level);
    }
}

fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What the HTTP library has to say is of use only to one who debugs it.
    let quiet = ["hyper=info", "hyper_util=info", "tower_http=info"];
    quiet.iter().filter_map(|directive| directive.parse().ok()).fold(
        EnvFilter::builder().with_default_directive(level.into()).parse_lossy(""),
        EnvFilter::add_directive,
    )
}

//! Logs: one line per event on stderr, for people or for collectors.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::settings::{Log, LogFormat, LogLevel};

/// Starts logging. A second call in one process changes nothing.
pub(crate) fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What the HTTP library has to say is of use only to one who debugs it.
    let quiet = ["hyper=info", "hyper_util=info", "tower_http=info"];
    let filter = quiet.iter().filter_map(|directive| directive.parse().ok()).fold(
        EnvFilter::builder().with_default_directive(level.into()).parse_lossy(""),
        EnvFilter::add_directive,
    );
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // It fails only when logging was started before.
    let _started_before = match log.format {
        LogFormat::Text => {
            // Colours are for terminals; a file would have their codes.
            lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
        }
        // Collectors look for fields at the top of the object.
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

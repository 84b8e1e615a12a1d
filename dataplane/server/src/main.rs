//! `vane`: the node's binary. Exit code 0 after a clean stop, 1 when the node could not
//! start or failed, 2 when it was told something wrong, 78 when a later version wrote its disk.

use std::process::ExitCode;

use vane_proto::EXIT_FORMAT_TOO_NEW;
use vane_server::args::{self, Action, Recover};
use vane_server::exec_up::exec_up;

/// A request makes a few hundred small allocations; this one serves them in half of glibc's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXIT_FAILED: u8 = 1;
const EXIT_MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    // First of all: without these instructions almost any other code may end the process.
    if let Err(error) = vane_index::check_cpu() {
        eprintln!("vane: {error}");
        return ExitCode::from(EXIT_FAILED);
    }
    let flags = match args::parse().action() {
        Action::Serve(flags) => flags,
        Action::Recover(recover) => return recovered(&recover),
        Action::Hand(verb, arguments) => {
            eprintln!("vane: {}", exec_up(verb, &arguments));
            return ExitCode::from(EXIT_FAILED);
        }
    };
    let loaded = match flags.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("vane: {error}");
            return ExitCode::from(EXIT_MISCONFIGURED);
        }
    };
    // After loading: settings that would be refused are not printed.
    if flags.print_config {
        return print(&loaded.settings.to_yaml());
    }
    match vane_server::serve(loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vane: {error}");
            ExitCode::from(if error.is_too_new() { EXIT_FORMAT_TOO_NEW } else { EXIT_FAILED })
        }
    }
}

/// Recovers, and says what was done.
fn recovered(recover: &Recover) -> ExitCode {
    match vane_server::recover(recover) {
        Ok(said) => print(&said),
        Err(error) => {
            eprintln!("vane: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Writes to stdout; a reader that has gone away is no failure of ours to report.
fn print(text: &str) -> ExitCode {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_FAILED),
    }
}

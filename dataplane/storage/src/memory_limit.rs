//! How much memory this process may use, and how much of it the databases get.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where control groups are, and the file with a limit, in the two versions and in both at once.
const V2: [(&str, &str); 2] =
    [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/unified", "memory.max")];
const V1: [(&str, &str); 1] = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];

/// Bytes of memory of the machine, or of the process's control groups where one of them has less.
/// More than any machine has where the kernel does not say.
pub fn memory_bytes() -> u64 {
    static MEMORY: OnceLock<u64> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let limits = limit_files(&groups);
        let limits = limits.into_iter().filter_map(|path| fs::read_to_string(path).ok());
        let machine = fs::read_to_string("/proc/meminfo").ok();
        memory(machine.as_deref(), limits)
    })
}

/// The files with the limits that hold for a process of these control groups: those of its own and
/// of all around it. In a container the path may be the host's; then the outermost is its own.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let places: &[(&str, &str)] = match controllers {
            "" => &V2,
            named if named.split(',').any(|name| name == "memory") => &V1,
            _ => &[],
        };
        for (root, file) in places {
            let own = Path::new(root).join(path.trim_start_matches('/'));
            let around = own.ancestors().take_while(|dir| dir.starts_with(root));
            files.extend(around.map(|dir| dir.join(file)));
        }
    }
    files
}

/// Bytes of memory, by what the kernel says of the machine and of limits. Where it says nothing
/// there is no bound to go by.
fn memory(machine: Option<&str>, limits: impl Iterator<Item = String>) -> u64 {
    let total = machine.and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes << 10)
    });
    // `max` stands for none.
    let limits = limits.filter_map(|limit| limit.trim().parse().ok());
    limits.chain(total).min().unwrap_or(u64::MAX)
}

/// A part of the memory, `most` at most: what is as large as is useful wherever there is plenty.
pub fn share_of_memory(divisor: u64, most: usize) -> usize {
    share(memory_bytes(), divisor, most)
}

fn share(memory: u64, divisor: u64, most: usize) -> usize {
    usize::try_from(memory / divisor).unwrap_or(usize::MAX).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(groups: &str) -> Vec<String> {
        limit_files(groups).into_iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn the_least_limit_is_the_memory() {
        let machine = Some("MemFree: 1 kB\nMemTotal:       2048 kB\n");
        let limits =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(memory(machine, limits(&[]).into_iter()), 2 << 20);
        assert_eq!(memory(machine, limits(&["max\n", "4096\n"]).into_iter()), 4096);
        assert_eq!(memory(machine, limits(&["9223372036854771712"]).into_iter()), 2 << 20);
        assert_eq!(memory(None, limits(&["max"]).into_iter()), u64::MAX);
    }

    #[test]
    fn limits_of_version_two_are_those_of_all_groups_around_the_process() {
        let found = files("0::/system.slice/vane.service\n");
        let root = "/sys/fs/cgroup";
        assert_eq!(
            found[..3],
            [
                format!("{root}/system.slice/vane.service/memory.max"),
                format!("{root}/system.slice/memory.max"),
                format!("{root}/memory.max"),
            ]
        );
        // As in a container with a name space of its own.
        assert_eq!(files("0::/\n")[0], format!("{root}/memory.max"));
    }

    #[test]
    fn limits_of_version_one_are_those_of_the_controller_of_memory() {
        let found = files("9:name=systemd:/a\n5:cpu,memory:/pods/b:c\n1:memoryless:/d\n");
        let root = "/sys/fs/cgroup/memory";
        assert_eq!(
            found,
            [
                format!("{root}/pods/b:c/memory.limit_in_bytes"),
                format!("{root}/pods/memory.limit_in_bytes"),
                format!("{root}/memory.limit_in_bytes"),
            ]
        );
    }

    #[test]
    fn what_is_no_list_of_groups_names_no_files() {
        for odd in ["", "\n", "memory", "1:memory", "::"] {
            let outside = |file: &String| !file.starts_with("/sys/fs/cgroup/");
            assert!(!files(odd).iter().any(outside), "{odd:?}");
        }
        assert!(files("memory\n1:memory\n").is_empty());
    }

    #[test]
    fn a_share_is_bounded() {
        assert_eq!(share(8 << 30, 16, 128 << 20), 128 << 20);
        assert_eq!(share(512 << 20, 16, 128 << 20), 32 << 20);
        assert_eq!(share(u64::MAX, 1, 5), 5);
    }
}

//! What is known of the machine that a run was made on.

use serde::{Deserialize, Serialize};

/// Features of processors that distances are computed with.
const SIMD: [&str; 16] = [
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "asimd",
    "asimddp",
    "i8mm",
    "sve",
];

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Model of the processor, as the system names it.
    pub(crate) cpu: String,
    /// Cores that this program may use.
    pub(crate) cores: usize,
    /// Bytes of memory.
    pub(crate) memory_bytes: u64,
    /// Features of the processor that matter to distances.
    pub(crate) simd: Vec<String>,
    /// Kernel of the system.
    pub(crate) kernel: String,
}

impl Machine {
    /// This machine. What the system does not tell is empty.
    pub(crate) fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let (cpu, simd) = processor(&read("/proc/cpuinfo"));
        Self {
            cpu,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal")
                .and_then(|value| value.trim_end_matches("kB").trim().parse::<u64>().ok())
                .map_or(0, |kilobytes| kilobytes * 1024),
            simd,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// Model and features, from `/proc/cpuinfo`; machines of other kinds name no model.
fn processor(text: &str) -> (String, Vec<String>) {
    let model = field(text, "model name").unwrap_or_default().to_owned();
    let features = field(text, "flags").or_else(|| field(text, "Features")).unwrap_or_default();
    let has = |feature: &&str| features.split(' ').any(|name| name == *feature);
    (model, SIMD.into_iter().filter(has).map(str::to_owned).collect())
}

/// The first value of a field in lines of `name : value`.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields
        .map(|(key, value)| (key.trim(), value.trim()))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_and_features_are_those_of_the_first_core() {
        let text = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 fma avx512_vnni\n\
                    \nprocessor\t: 1\nmodel name\t: Other\n";
        let simd = ["avx2", "fma", "avx512_vnni"].map(str::to_owned).to_vec();
        assert_eq!(processor(text), ("Some CPU".to_owned(), simd));
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && machine.memory_bytes > 1 << 20, "{machine:?}");
    }
}

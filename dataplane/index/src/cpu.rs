use crate::error::Error;
use crate::ffi;

/// Refuses a machine without the CPU features this build was compiled for (on x86-64
/// AVX2, FMA, F16C and their companions). To be called first thing in `main`: where one
/// is missing, almost any other code may end in an illegal instruction.
///
/// # Errors
/// [`Error::Cpu`] names the first feature that is missing.
pub fn check_cpu() -> Result<(), Error> {
    ffi::missing_cpu_feature().map_or(Ok(()), |feature| Err(Error::Cpu { feature }))
}

/// Keeps FAISS on the calling thread, for the rest of that thread's life. Every thread
/// that builds or searches calls it once at its start: OpenMP would otherwise give each
/// of them as many helpers as there are cores.
pub fn single_threaded_here() {
    ffi::single_threaded();
}

/// Gives memory back to the system that was freed, by C++ (builds of graphs, RocksDB) or by Rust:
/// both allocators keep it, a hundred megabytes after a load of 200,000 rows. Takes milliseconds,
/// in which other threads wait that need memory of C++'s.
pub fn trim_memory() {
    ffi::trim_memory();
}

/// Gives back what the calling thread keeps of memory that was freed: pages that it would use
/// again. Takes microseconds, and nobody waits.
pub fn trim_thread() {
    ffi::trim_thread();
}

#[cfg(test)]
mod tests {
    use super::check_cpu;

    #[test]
    fn cpu_that_runs_the_tests_is_accepted() {
        check_cpu().expect("the test itself was compiled for these features");
    }
}

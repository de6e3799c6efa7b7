//! Memory in small pages.
//!
//! Linux may back memory with pages of 2 MB. Then a server that holds 3 MB here and there takes 15 MB, because what lies free between
//! is never given back: an idle `rowlock serve` had 34 MB with them and has 22 MB without. What it would gain is time for programs that
//! walk through gigabytes.
//!
//! The allocator does not ask for them (its feature `no_thp`); this is for systems on which they come without being asked for.

/// Takes no huge pages from now on. Children inherit that: a local Postgres keeps its buffers in shared memory, which this is not about.
pub(crate) fn decline() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_thp_disable(true) {
        // It only takes more memory then.
        tracing::debug!(error = error.to_string(), "huge pages cannot be declined");
    }
}

//! The memory that an operation may use when the caller names none.

/// Used where the system does not say how much memory is available: 1 GiB.
const FALLBACK: u64 = 1 << 30;

/// A quarter of the memory that is available now, in bytes.
pub(super) fn default_budget() -> u64 {
    available().map_or(FALLBACK, |bytes| bytes / 4)
}

/// What the kernel could give without swapping, in bytes.
#[cfg(target_os = "linux")]
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(not(target_os = "linux"))]
fn available() -> Option<u64> {
    None
}

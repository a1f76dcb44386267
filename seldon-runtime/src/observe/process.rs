//! Figures of the process itself, by the names that Prometheus gives them.

use std::fs;

/// Appends the figures that the system tells; where it tells none, nothing.
pub(super) fn write(text: &mut String) {
    if let Some(bytes) = resident() {
        gauge(
            text,
            "process_resident_memory_bytes",
            "Resident memory size in bytes",
            bytes,
        );
    }
    if let Some(open) = descriptors() {
        gauge(
            text,
            "process_open_fds",
            "Number of open file descriptors",
            open,
        );
    }
}

fn gauge(text: &mut String, name: &str, help: &str, value: u64) {
    text.push_str(&format!(
        "# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}\n"
    ));
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn descriptors() -> Option<u64> {
    // The listing is an open descriptor itself.
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(open.saturating_sub(1) as u64)
}

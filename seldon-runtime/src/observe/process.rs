//! Figures of the process itself, by the names that Prometheus' own clients give them.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// What the system tells of this process; where it tells nothing, nothing.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            ConstGauge::new(value).encode(family)
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let (bytes, seconds) = (Some(&Unit::Bytes), Some(&Unit::Seconds));
        gauge(
            "process_resident_memory",
            "Memory of the process that is in RAM",
            bytes,
            kilobytes(&status, "VmRSS:"),
        )?;
        gauge(
            "process_virtual_memory",
            "Memory that the process has addresses for",
            bytes,
            kilobytes(&status, "VmSize:"),
        )?;
        gauge(
            "process_threads",
            "Threads of the process",
            None,
            entry(&status, "Threads:").and_then(|n| n.parse().ok()),
        )?;
        gauge(
            "process_open_fds",
            "File descriptors that are open",
            None,
            descriptors(),
        )?;
        gauge(
            "process_max_fds",
            "File descriptors that may be open",
            None,
            most_descriptors(),
        )?;
        let Some(times) = Times::read() else {
            return Ok(());
        };
        gauge(
            "process_start_time",
            "When the process started, since 1970",
            seconds,
            times.started,
        )?;
        let counter = MetricType::Counter;
        let help = "Time that the process computed, for itself and in the system";
        let family = encoder.encode_descriptor("process_cpu", help, seconds, counter)?;
        ConstCounter::new(times.computed).encode(family)
    }
}

fn entry<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    (status.lines()).find_map(|line| line.strip_prefix(name).map(str::trim))
}

fn kilobytes(status: &str, name: &str) -> Option<f64> {
    let kilobytes: f64 = entry(status, name)?.strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn descriptors() -> Option<f64> {
    // The listing is an open descriptor itself.
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(open.saturating_sub(1) as f64)
}

fn most_descriptors() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let most = entry(&limits, "Max open files")?;
    // `unlimited` is no number, and no figure then.
    most.split_whitespace().next()?.parse().ok()
}

/// In seconds.
struct Times {
    computed: f64,
    started: Option<f64>,
}

impl Times {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name, in parentheses, and may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // proc_pid_stat(5) counts from 1, and the name is the second.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let booted = fs::read_to_string("/proc/stat").ok();
        let booted = booted.and_then(|stat| entry(&stat, "btime ")?.parse::<f64>().ok());
        Some(Self {
            computed: (field(14)? + field(15)?) / TICKS,
            started: booted.and_then(|booted| Some(booted + field(22)? / TICKS)),
        })
    }
}

/// The unit of /proc's times, in a second: the same on every architecture of Linux but one that
/// Rust does not run on.
const TICKS: f64 = 100.0;

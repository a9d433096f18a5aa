//! What a server measured of itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::ServerId;

/// Counters and gauges as the kernel states them; rates need two of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Processor time since boot in ticks, by state.
    pub cpu: CpuTicks,
    /// Load over 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// Logical processors.
    pub cores: u32,
    /// Bytes of memory.
    pub memory_total: u64,
    /// Bytes that programs could still get.
    pub memory_available: u64,
    /// Bytes of swap.
    pub swap_total: u64,
    /// Bytes of swap that are free.
    pub swap_free: u64,
    /// Bytes of the root file system.
    pub disk_total: u64,
    /// Bytes used of it.
    pub disk_used: u64,
    /// Bytes read from disks since boot.
    pub disk_read: u64,
    /// Bytes written to disks since boot.
    pub disk_written: u64,
    /// Bytes received on the default route's interface since boot.
    pub net_received: u64,
    /// Bytes sent on it since boot.
    pub net_sent: u64,
    /// Seconds since boot.
    pub uptime_seconds: f64,
    /// Running containers; none where Docker was not asked.
    pub containers_running: Option<u32>,
}

/// Processor time since boot, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTicks {
    /// All states together.
    pub total: u64,
    /// Idle and waiting for disks.
    pub idle: u64,
    /// Waiting for disks.
    pub iowait: u64,
    /// Taken by the hypervisor for others.
    pub steal: u64,
}

/// One metrics reading of one server, ready for people.
///
/// Rates are `None` in the first sample after a start, a reboot or a counter
/// reset: an invented zero would be a lie in the chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which server.
    pub server_id: ServerId,
    /// When it was taken.
    pub at: Timestamp,
    /// Busy processor time since the sample before, in percent.
    pub cpu_percent: Option<f64>,
    /// Load over 1 minute.
    pub load_1: f64,
    /// Logical processors.
    pub cores: u32,
    /// Bytes of memory.
    pub memory_total: u64,
    /// Bytes of memory in use.
    pub memory_used: u64,
    /// Bytes of the root file system.
    pub disk_total: u64,
    /// Bytes used of it.
    pub disk_used: u64,
    /// Bytes a second read from disks.
    pub disk_read_rate: Option<f64>,
    /// Bytes a second written to disks.
    pub disk_write_rate: Option<f64>,
    /// Bytes a second received.
    pub net_receive_rate: Option<f64>,
    /// Bytes a second sent.
    pub net_send_rate: Option<f64>,
    /// Seconds since boot.
    pub uptime_seconds: f64,
    /// Running containers; none where Docker was not asked.
    pub containers_running: Option<u32>,
}

/// Turns a reading into a sample, with rates against the reading before it.
pub fn sample(
    server_id: ServerId,
    at: Timestamp,
    reading: &Reading,
    before: Option<(Timestamp, &Reading)>,
) -> Sample {
    // A reboot between two readings starts every counter anew.
    let before = before.filter(|(_, b)| b.uptime_seconds <= reading.uptime_seconds);
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53rd bit")]
    let rate = |now: u64, then: fn(&Reading) -> u64| {
        let (then_at, then_reading) = before?;
        let seconds = (at.as_millisecond() - then_at.as_millisecond()) as f64 / 1000.0;
        let delta = now.checked_sub(then(then_reading))?;
        (seconds > 0.0).then(|| delta as f64 / seconds)
    };
    Sample {
        server_id,
        at,
        cpu_percent: before.and_then(|(_, b)| cpu_percent(reading.cpu, b.cpu)),
        load_1: reading.load[0],
        cores: reading.cores,
        memory_total: reading.memory_total,
        memory_used: reading.memory_total.saturating_sub(reading.memory_available),
        disk_total: reading.disk_total,
        disk_used: reading.disk_used,
        disk_read_rate: rate(reading.disk_read, |r| r.disk_read),
        disk_write_rate: rate(reading.disk_written, |r| r.disk_written),
        net_receive_rate: rate(reading.net_received, |r| r.net_received),
        net_send_rate: rate(reading.net_sent, |r| r.net_sent),
        uptime_seconds: reading.uptime_seconds,
        containers_running: reading.containers_running,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53rd bit")]
fn cpu_percent(now: CpuTicks, before: CpuTicks) -> Option<f64> {
    let total = now.total.checked_sub(before.total).filter(|ticks| *ticks > 0)?;
    let idle = now.idle.checked_sub(before.idle)?;
    Some((100.0 * (total.saturating_sub(idle)) as f64 / total as f64).clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(total: u64, idle: u64, uptime: f64) -> Reading {
        Reading {
            cpu: CpuTicks { total, idle, iowait: 0, steal: 0 },
            load: [0.5, 0.4, 0.3],
            cores: 2,
            memory_total: 2_000,
            memory_available: 500,
            swap_total: 0,
            swap_free: 0,
            disk_total: 100,
            disk_used: 40,
            disk_read: total,
            disk_written: 0,
            net_received: total * 10,
            net_sent: 0,
            uptime_seconds: uptime,
            containers_running: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number is a time")
    }

    #[test]
    fn the_first_sample_has_no_rates() {
        let sample = sample(ServerId::new(), at(100), &reading(100, 50, 10.0), None);

        assert_eq!(sample.cpu_percent, None);
        assert_eq!(sample.net_receive_rate, None);
        assert_eq!(sample.memory_used, 1_500);
    }

    #[test]
    fn rates_are_what_happened_between_two_samples() {
        let (first, second) = (reading(100, 50, 10.0), reading(300, 200, 40.0));

        let sample = sample(ServerId::new(), at(130), &second, Some((at(100), &first)));

        assert_eq!(sample.cpu_percent, Some(25.0), "50 of 200 ticks were busy");
        assert_eq!(sample.net_receive_rate, Some(2_000.0 / 30.0));
    }

    #[test]
    fn a_reboot_gives_a_gap_and_no_nonsense() {
        let (first, second) = (reading(900, 50, 5_000.0), reading(300, 200, 40.0));

        let sample = sample(ServerId::new(), at(130), &second, Some((at(100), &first)));

        assert_eq!(sample.cpu_percent, None);
        assert_eq!(sample.disk_read_rate, None);
    }
}

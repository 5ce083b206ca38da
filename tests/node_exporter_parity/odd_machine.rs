//! A machine that has what virtual machines lack: sensors, bonded links, mains, cores
//! with a clock of their own. Its trees are written anew for each test.

use std::fs;
use std::path::Path;

use usher_agent::probe::host::Roots;

const FILES: &[(&str, &str)] = &[
    ("proc/schedstat", "version 15\ncpu0 0 0 0 0 0 0 3000000000 1000000000 42\n"),
    ("proc/meminfo", "MemTotal: 1024 kB\nHardwareCorrupted:     0 kB\n"),
    ("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"),
    ("proc/pressure/io", "some avg10=0 avg60=0 avg300=0 total=1\nfull avg10=0 avg60=0 avg300=0 total=1\n"),
    (
        "proc/pressure/memory",
        "some avg10=0 avg60=0 avg300=0 total=1\nfull avg10=0 avg60=0 avg300=0 total=1\n",
    ),
    ("proc/pressure/irq", "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2000000\n"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq", "1000000\n"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "3000000\n"),
    ("sys/class/thermal/cooling_device0/type", "Processor\n"),
    ("sys/class/thermal/cooling_device0/cur_state", "0\n"),
    ("sys/class/thermal/cooling_device0/max_state", "10\n"),
    ("sys/class/power_supply/AC/type", "Mains\n"),
    ("sys/class/power_supply/AC/online", "1\n"),
    ("sys/class/net/bonding_masters", "bond0\n"),
    ("sys/class/net/bond0/bonding/slaves", "eth0 eth1\n"),
    ("sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", "up\n"),
    ("sys/class/net/bond0/lower_eth1/bonding_slave/mii_status", "down\n"),
    ("sys/class/hwmon/hwmon0/name", "coretemp\n"),
    ("sys/class/hwmon/hwmon0/temp1_input", "45000\n"),
    ("sys/class/hwmon/hwmon0/temp1_max", "80000\n"),
    ("sys/class/hwmon/hwmon0/temp1_crit", "100000\n"),
    ("sys/class/hwmon/hwmon0/temp1_crit_alarm", "0\n"),
    ("sys/class/hwmon/hwmon0/fan1_input", "1200\n"),
    ("sys/class/hwmon/hwmon0/fan1_min", "300\n"),
];

/// Writes the trees below `directory`.
pub(crate) fn write(directory: &Path) -> Roots {
    for (file, text) in FILES {
        let path = directory.join(file);
        fs::create_dir_all(path.parent().expect("files lie in directories")).expect("the directory is ours");
        fs::write(path, text).expect("the directory is ours");
    }
    Roots { proc: directory.join("proc"), sys: directory.join("sys"), rootfs: directory.join("root") }
}

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn group(dir: &tempfile::TempDir) -> Group {
    Group::new(locate(&dir.path().join("proc"), &dir.path().join("sys"), 7).unwrap())
}

const SCOPE: &str = "sys/fs/cgroup/system.slice/docker-abc.scope";

fn version_2(more: &[(&str, &str)]) -> tempfile::TempDir {
    let files = [
        ("cgroup.controllers", "cpu memory pids\n"),
        ("cpu.stat", "usage_usec 2500000\nuser_usec 2\nnr_throttled 3\n"),
        ("memory.current", "1000000\n"),
        ("memory.stat", "anon 5\ninactive_file 400000\n"),
        ("memory.max", "max\n"),
        ("memory.events", "low 0\noom 1\noom_kill 2\n"),
        ("pids.current", "12\n"),
        ("io.stat", "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n"),
    ];
    let mut all = vec![("proc/7/cgroup".to_owned(), "0::/system.slice/docker-abc.scope\n")];
    all.extend(files.iter().chain(more).map(|(name, text)| (format!("{SCOPE}/{name}"), *text)));
    tree(&all.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>())
}

#[test]
fn version_2_is_read_from_one_directory() {
    let dir = version_2(&[]);
    let want = Usage {
        cpu_ns: Some(2_500_000_000),
        throttled_periods: Some(3),
        working_set_bytes: Some(600_000),
        limit_bytes: None,
        oom_kills: Some(2),
        pids: Some(12),
        read_bytes: Some(11),
        written_bytes: Some(22),
        pressure: Pressure::default(),
    };
    assert_eq!(group(&dir).read(&mut Text::default(), None), Some(want));
}

#[test]
fn time_waited_is_told_where_the_kernel_counts_it() {
    let line = |share: &str, total: u64| format!("{share} avg10=0.12 avg60=0.00 avg300=0.00 total={total}\n");
    let both = |some: u64, full: u64| line("some", some) + &line("full", full);
    let dir = version_2(&[
        // Kernels before 5.13 have no `full` for processors.
        ("cpu.pressure", &line("some", 1_500_000)),
        ("memory.pressure", &both(7, 5)),
        ("io.pressure", &both(9, 0)),
    ]);
    let usage = group(&dir).read(&mut Text::default(), None).unwrap();
    let want = Pressure {
        cpu: Waited { some_us: Some(1_500_000), full_us: None },
        memory: Waited { some_us: Some(7), full_us: Some(5) },
        io: Waited { some_us: Some(9), full_us: Some(0) },
    };
    assert_eq!(usage.pressure, want);
}

#[test]
fn a_file_that_is_kept_open_is_read_from_its_start_each_time() {
    let dir = version_2(&[]);
    let (mut group, mut text) = (group(&dir), Text::default());
    assert_eq!(group.read(&mut text, None).unwrap().pids, Some(12));
    fs::write(dir.path().join(SCOPE).join("pids.current"), "9\n").unwrap();
    let kept = Usage { pids: Some(12), cpu_ns: Some(1), ..Usage::default() };
    let read = group.read(&mut text, Some(kept)).unwrap();
    assert_eq!(read.pids, Some(12), "kept from a moment ago");
    assert_ne!(read.cpu_ns, Some(1), "read each time");
    assert_eq!(group.read(&mut text, None).unwrap().pids, Some(9));
}

#[test]
fn version_1_is_read_per_controller_under_its_joint_mount() {
    let dir = tree(&[
        ("proc/7/cgroup", "9:memory:/docker/x\n5:cpu,cpuacct:/docker/x\n3:pids:/docker/x\n0::/\n"),
        ("sys/fs/cgroup/cpu,cpuacct/docker/x/cpuacct.usage", "77\n"),
        ("sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes", "500\n"),
        (
            "sys/fs/cgroup/memory/docker/x/memory.stat",
            "hierarchical_memory_limit 9223372036854771712\ntotal_inactive_file 600\n",
        ),
        ("sys/fs/cgroup/memory/docker/x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
        ("sys/fs/cgroup/pids/docker/x/pids.current", "4\n"),
    ]);
    let usage = group(&dir).read(&mut Text::default(), None).unwrap();
    assert_eq!((usage.cpu_ns, usage.pids, usage.oom_kills), (Some(77), Some(4), Some(1)));
    assert_eq!((usage.working_set_bytes, usage.limit_bytes), (Some(0), None));
    assert_eq!((usage.read_bytes, usage.throttled_periods), (None, None));
}

#[test]
fn a_container_that_ended_has_no_figures() {
    let dir = tree(&[]);
    assert!(locate(&dir.path().join("proc"), &dir.path().join("sys"), 7).is_err());
    assert_eq!(Group::new(Place::V2(dir.path().join("gone"))).read(&mut Text::default(), None), None);
}

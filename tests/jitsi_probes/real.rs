//! The real nginx and the real prosody of Debian, as processes of the test's own.
//!
//! They must be installed (`nginx-light`, `prosody`): without them these tests fail.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use usher_agent::probe::merge::{jitsi, rooms};
use usher_agent::probe::reading::{Reading, ServiceProbe};
use usher_agent::probe::targets::{Secret, ServiceTargets, Target};
use usher_common::wire::{ProbeFailure, RoomKey};

use super::rig::{Rig, check};

/// A process that ends with the value.
struct Process(Child);

impl Process {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let quiet = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(quiet.unwrap_or_else(|error| panic!("{program}: {error}; apt-get install nginx-light prosody")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("a child of ours can be ended");
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn target(url: &str) -> Option<Target> {
    Some(Target::at(url.parse().unwrap()))
}

/// Year 2033, of which [`END_UNIX_S`] is the start.
const END: (i32, u8, u8) = (2033, 1, 1);
const END_UNIX_S: i64 = 1_988_150_400;

/// A self-signed certificate for a name nobody asks for, in `folder`.
fn certificate(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(vec!["meet.example.org".into()]).unwrap();
    params.not_after = rcgen::date_time_ymd(END.0, END.1, END.2);
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(folder.join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_nginx_shows_its_counters_its_page_and_the_end_of_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (root, plain, tls) = (folder.path(), free_port(), free_port());
    certificate(root);
    let dir = root.display();
    let config = format!(
        "daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; events {{}}\n\
         http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
         server {{ listen 127.0.0.1:{plain}; location = /nginx_status {{ stub_status; }} }}\n\
         server {{ listen 127.0.0.1:{tls} ssl; ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;\n\
         location = / {{ return 200 'Jitsi Meet'; }} }} }}\n"
    );
    std::fs::write(root.join("nginx.conf"), config).unwrap();
    let nginx = Process::start("nginx", &["-p", &dir.to_string(), "-c", &format!("{dir}/nginx.conf")]);
    let rig = Rig::start(ServiceTargets {
        web: target(&format!("https://127.0.0.1:{tls}/")),
        nginx: target(&format!("http://127.0.0.1:{plain}/nginx_status")),
        certificate_file: Some(root.join("cert.pem")),
        ..ServiceTargets::default()
    });
    let ends = |end: Option<i64>| check(end == Some(END_UNIX_S), || format!("ends {end:?}"));
    rig.until("nginx is read", |readings| {
        let Some(Reading::StubStatus(status)) = readings.reading(ServiceProbe::NginxStatus) else {
            return Err(format!("{:?}", readings.outcome(ServiceProbe::NginxStatus)));
        };
        check(status.requests >= 2 && status.accepted == status.handled, || format!("{status:?}"))?;
        check(status.writing >= 1, || "our own request is being written".into())?;
        match readings.reading(ServiceProbe::Web) {
            Some(Reading::Page(shown)) => ends(shown.map(|shown| shown.not_after_unix_s))?,
            _ => return Err(format!("{:?}", readings.outcome(ServiceProbe::Web))),
        }
        let Some(Reading::Certificate(filed)) = readings.reading(ServiceProbe::CertificateFile) else {
            return Err(format!("{:?}", readings.outcome(ServiceProbe::CertificateFile)));
        };
        ends(Some(filed.not_after_unix_s))?;
        ends(jitsi(readings).and_then(|said| said.certificate_not_after_unix_s))
    })
    .await;
    rig.until_shown(&["\nnginx_up 1\n", "\nnginx_http_requests_total "]).await;

    // Plain HTTP on the TLS port is an error of the request, TLS on the plain port of the handshake.
    rig.aim(|targets| targets.web = target(&format!("https://127.0.0.1:{plain}/")));
    let says = |want: ProbeFailure| {
        move |readings: &usher_agent::probe::reading::ServiceReadings| {
            let got = readings.failure(ServiceProbe::Web).map(|failed| failed.reason);
            check(got == Some(want), || format!("{got:?}"))
        }
    };
    rig.until("no TLS there", says(ProbeFailure::Tls)).await;
    rig.aim(|targets| targets.web = target(&format!("http://127.0.0.1:{tls}/")));
    rig.until("TLS is wanted", says(ProbeFailure::Status)).await;

    drop(nginx);
    let since = Instant::now();
    rig.until("nginx is gone", |readings| {
        let status = readings.outcome(ServiceProbe::NginxStatus).ok_or("not there")?;
        let got = status.result.as_ref().err().map(|failed| failed.reason);
        check(got == Some(ProbeFailure::Refused) && status.at > since, || format!("{got:?}"))
    })
    .await;
    rig.until_shown(&["\nnginx_up 0\n"]).await;
}

/// Our own Lua, in the shape docker-jitsi-meet's census module documents: Debian's prosody has
/// none. `/test-seat` makes a room, so that the census has a real one to show.
const CENSUS_MODULE: &str = r#"
local json = require "util.json";
module:depends("http");
local function muc() return prosody.hosts["muc." .. module.host].modules.muc; end
module:provides("http", { default_path = "/"; route = {
    ["GET room-census"] = function ()
        local rooms = {};
        for room in muc().each_room() do
            rooms[#rooms + 1] = {
                room_name = room.jid; participants = 2; leaked = false;
                created_time = string.format("%i", (os.time() - 60) * 1000);
            };
        end
        return { status_code = 200; body = json.encode({ room_census = rooms }) };
    end;
    ["GET test-seat"] = function ()
        return muc().create_room("[acme]caf%c3%a9@muc." .. module.host) and "seated" or 500;
    end;
} });
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prosody_is_alive_counted_and_its_rooms_are_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (root, port) = (folder.path(), free_port());
    std::fs::write(root.join("mod_test_census.lua"), CENSUS_MODULE).unwrap();
    let dir = root.display();
    // A gateway between sessions and nowhere: no XMPP port is opened.
    let config = format!(
        "run_as_root = true\npidfile = \"{dir}/prosody.pid\"\ndata_path = \"{dir}\"\nplugin_paths = {{ \"{dir}\" }}\n\
         log = {{ error = \"{dir}/prosody.err\" }}\nc2s_ports = {{}}\ns2s_ports = {{}}\nhttps_ports = {{}}\n\
         http_interfaces = {{ \"127.0.0.1\" }}\nhttp_ports = {{ {port} }}\nhttp_default_host = \"meet.jitsi\"\n\
         statistics = \"internal\"\nstatistics_interval = 1\nmodules_disabled = {{ \"s2s\", \"c2s\" }}\n\
         modules_enabled = {{ \"bosh\", \"http_openmetrics\" }}\nopenmetrics_allow_ips = {{ \"127.0.0.1\" }}\n\
         VirtualHost \"meet.jitsi\"\nmodules_enabled = {{ \"test_census\" }}\n\
         Component \"muc.meet.jitsi\" \"muc\"\n"
    );
    std::fs::write(root.join("prosody.cfg.lua"), config).unwrap();
    let _prosody = Process::start("prosody", &["-F", "--config", &format!("{dir}/prosody.cfg.lua")]);
    let base = format!("http://127.0.0.1:{port}/");
    let rig = Rig::start(ServiceTargets {
        prosody: target(&base),
        room_secret: Some(Secret::new(b"secret")),
        ..ServiceTargets::default()
    });
    rig.until("prosody is alive and empty", |readings| {
        check(readings.reading(ServiceProbe::ProsodyBosh).is_some(), || {
            format!("{:?}", readings.outcome(ServiceProbe::ProsodyBosh))
        })?;
        let health = readings.failure(ServiceProbe::ProsodyHealth).map(|failed| failed.reason);
        check(health == Some(ProbeFailure::Disabled), || {
            format!("Debian has no mod_http_health: {health:?}")
        })?;
        let empty = rooms(readings).is_some_and(<[_]>::is_empty);
        check(empty, || format!("{:?}", readings.outcome(ServiceProbe::ProsodyCensus)))?;
        let series = readings.reading(ServiceProbe::ProsodyMetrics).is_some();
        check(series, || format!("{:?}", readings.outcome(ServiceProbe::ProsodyMetrics)))
    })
    .await;
    rig.until_shown(&["\n# TYPE prosody_"]).await;

    super::rig::get(format!("{base}test-seat").parse().unwrap()).await.unwrap();
    rig.until("a room is there", |readings| {
        let rooms = rooms(readings).unwrap_or_default();
        let [room] = rooms else { return Err(format!("{rooms:?}")) };
        check(room.key == RoomKey::of(b"secret", "acme", "Café"), || format!("{room:?}"))?;
        check(room.age_s.is_some_and(|age| (60..600).contains(&age)), || format!("{room:?}"))?;
        check(jitsi(readings).and_then(|said| said.participants) == Some(2), || "not 2 people".into())
    })
    .await;
}

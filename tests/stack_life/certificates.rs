//! A certificate dropped into the folder is served by a real nginx without a restart; a bad one is not.

use std::path::Path;

use usher_tests::compose_project::ComposeProject;
use usher_tests::eventually::{eventually, unless};
use usher_tests::images::Image;

use super::{keeper, settled, unique};

const NGINX: &str = "/usr/sbin/nginx";
const SETTINGS: &str = "
daemon off;
pid /tmp/nginx.pid;
error_log stderr;
user root root;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen 8443 ssl;
    ssl_certificate /config/keys/cert.crt;
    ssl_certificate_key /config/keys/cert.key;
    return 200 'meet';
  }
}
";

/// A certificate that ends in `year`, and its key.
fn pair(year: i32) -> (String, String) {
    let mut params = rcgen::CertificateParams::new(vec!["*.example.org".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, 6, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn put(folder: &Path, names: (&str, &str), pair: (&str, &str)) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(names.0), pair.0).unwrap();
    std::fs::write(folder.join(names.1), pair.1).unwrap();
}

const SERVED: (&str, &str) = ("cert.crt", "cert.key");
const DROPPED: (&str, &str) = ("fullchain.pem", "privkey.pem");

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_certificate_is_served_without_a_restart_and_a_bad_one_is_refused() {
    let name = unique();
    let tag = format!("usher-test/{name}:nginx");
    let built = tag.clone();
    let command = ["/bin/nginx", "-c", "/config/nginx/nginx.conf"];
    let _image = Image::build(&built, &[Path::new(NGINX)], &command).unwrap();
    let file = format!(
        "services:\n  web:\n    image: {tag}\n    stop_grace_period: 2s\n    restart: unless-stopped\n    ports: ['127.0.0.1::8443']\n    volumes: ['./web:/config', './passwd:/etc/passwd:ro', './group:/etc/group:ro']\n"
    );
    let project = ComposeProject::new(&name, &file, "").unwrap();
    let at = |path: &str| project.folder().join(path);
    std::fs::write(at("passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    std::fs::write(at("group"), "root:x:0:\n").unwrap();
    std::fs::create_dir_all(at("web/nginx")).unwrap();
    std::fs::write(at("web/nginx/nginx.conf"), SETTINGS).unwrap();
    let (old, old_key) = pair(2040);
    put(&at("web/keys"), SERVED, (&old, &old_key));
    let drop_in = tempfile::tempdir().unwrap();
    let folder = drop_in.path().to_str().unwrap();
    let agent = keeper(&project, &["--certificates-folder", folder, "--certificates-every", "200ms"]);
    settled(&agent).await;
    // 2040-06-01 and 2041-06-01, seconds since the Unix epoch.
    let (before, after) = (2_222_121_600, 2_253_657_600);
    let serves = async |what: &str, end: i64| {
        eventually(what, async || {
            let shown = agent.report().await.jitsi.and_then(|jitsi| jitsi.certificate_not_after_unix_s);
            unless(shown == Some(end), format!("{shown:?}"))
        })
        .await;
    };
    serves("the first certificate", before).await;
    let container = project.containers();

    // Of two different pairs: refused, and the old one stays.
    put(drop_in.path(), DROPPED, (&pair(2041).0, &pair(2041).1));
    let refused = async |word: &str| {
        eventually(word, async || {
            let metrics = agent.metrics().await;
            let sample = format!("usher_stack_certificate_refused{{reason=\"{word}\"}} 1");
            unless(metrics.contains(&sample), "not refused")
        })
        .await;
    };
    refused("mismatch").await;
    assert_eq!(std::fs::read_to_string(at("web/keys/cert.crt")).unwrap(), old);

    let (new, new_key) = pair(2041);
    put(drop_in.path(), DROPPED, (&new, &new_key));
    serves("the new certificate", after).await;
    assert_eq!(std::fs::read_to_string(at("web/keys/cert.key")).unwrap(), new_key);
    assert_eq!(project.containers(), container, "nginx was reloaded, not restarted");
    let metrics = agent.metrics().await;
    let end = format!("usher_stack_certificate_not_after_timestamp_seconds {after}");
    assert!(
        metrics.contains(&end) && metrics.contains("usher_stack_certificate_refused{reason=\"mismatch\"} 0")
    );

    put(drop_in.path(), DROPPED, (&pair(2020).0, &new_key));
    refused("mismatch").await;
    assert_eq!(std::fs::read_to_string(at("web/keys/cert.crt")).unwrap(), new);
}

//! Who we are to a registry, from Docker's `config.json` or a file like it.
//!
//! ```text
//!  image ──► registry's name ──► credHelpers, credsStore ──► docker-credential-NAME get
//!                             └► auths ──► name:password
//! ```
//!
//! Read at each pull, so that a rotated password needs no restart. Nothing of it is logged.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};

use super::failure::{Failure, Reason};
use super::options::StackOptions;
use crate::engine::RegistryLogin;

/// How long a credential helper may take: some ask a cloud's API.
const HELPER: Duration = Duration::from_secs(30);
/// What Docker calls its own registry in `config.json`.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credsStore")]
    store: String,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth(…)")
    }
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// The login for an image's registry; `None`: none is known, and the registry may not want one.
pub(super) async fn login(image: &str, options: &StackOptions) -> Result<Option<RegistryLogin>, Failure> {
    let path = options.registry_auth_file.as_deref().unwrap_or(&options.docker_config);
    let registry = registry(image);
    let failed = |detail: String| Failure::new(Reason::Credentials, path.display().to_string(), detail);
    let text = match read_text(path, SMALL_FILE_MAX) {
        Ok(text) => text,
        Err(ReadError::Io { error, .. })
            if options.registry_auth_file.is_none() && error.kind() == ErrorKind::NotFound =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    // The parser's own words could quote a secret.
    let config: DockerConfig = serde_json::from_str(&text)
        .map_err(|error| failed(format!("line {}: not the JSON of a Docker config.json", error.line())))?;
    if let Some(helper) = helper_for(&config, registry) {
        return ask(helper, registry, options.search_path.as_deref()).await;
    }
    from_auths(&config, registry).map_err(|detail| failed(format!("{registry}: {detail}")))
}

/// The registry of an image as `config.json` names it.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => DOCKER_HUB,
    }
}

/// A registry's bare name: people and tools write it with scheme and path too.
fn bare(name: &str) -> &str {
    let name = name.trim_start_matches("https://").trim_start_matches("http://");
    name.split('/').next().unwrap_or(name)
}

fn helper_for<'c>(config: &'c DockerConfig, registry: &str) -> Option<&'c str> {
    let own = config.helpers.iter().find(|(name, _)| bare(name) == bare(registry)).map(|(_, helper)| helper);
    own.or(Some(&config.store)).map(String::as_str).filter(|name| !name.is_empty())
}

fn from_auths(config: &DockerConfig, registry: &str) -> Result<Option<RegistryLogin>, String> {
    let Some((_, auth)) = config.auths.iter().find(|(name, _)| bare(name) == bare(registry)) else {
        return Ok(None);
    };
    if !auth.identitytoken.is_empty() {
        return Ok(Some(RegistryLogin::IdentityToken(auth.identitytoken.clone())));
    }
    if auth.auth.is_empty() {
        let said = !auth.username.is_empty();
        return Ok(said.then(|| RegistryLogin::Password {
            name: auth.username.clone(),
            password: auth.password.clone(),
        }));
    }
    let pair = STANDARD.decode(auth.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.as_deref().and_then(|pair| pair.split_once(':'));
    let (name, password) = pair.ok_or("auth is not the base64 of NAME:PASSWORD: log in again")?;
    // Docker pads old files with zero bytes.
    let password = password.trim_end_matches('\0').to_owned();
    Ok(Some(RegistryLogin::Password { name: name.to_owned(), password }))
}

async fn ask(
    helper: &str,
    registry: &str,
    search_path: Option<&str>,
) -> Result<Option<RegistryLogin>, Failure> {
    let program = format!("docker-credential-{helper}");
    let failed = |detail: String| Failure::new(Reason::Credentials, program.clone(), detail);
    if Path::new(helper).components().count() != 1 {
        return Err(failed("a helper's name has no slashes".to_owned()));
    }
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    if let Some(path) = search_path {
        command.env("PATH", path);
    }
    let answer = async {
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(registry.as_bytes()).await?;
        drop(input);
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(HELPER, answer)
        .await
        .map_err(|_| failed(format!("no answer within {HELPER:?}")))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        // By convention the reason is on the standard output; it names no secret.
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        return if said.contains("credentials not found") { Ok(None) } else { Err(failed(said)) };
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("its answer is not understood".to_owned()))?;
    Ok(Some(if answer.username == "<token>" {
        RegistryLogin::IdentityToken(answer.secret)
    } else {
        RegistryLogin::Password { name: answer.username, password: answer.secret }
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::stack::options::options_for_tests;

    fn password(name: &str, password: &str) -> Option<RegistryLogin> {
        Some(RegistryLogin::Password { name: name.into(), password: password.into() })
    }

    async fn login_with(config: &str, image: &str) -> Result<Option<RegistryLogin>, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let helper = dir.path().join("docker-credential-test");
        std::fs::write(
            &helper,
            "#!/bin/sh\nread -r host\ncase $host in\n\
             a.example) echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}';;\n\
             b.example) echo credentials not found in native keychain; exit 1;;\n\
             *) echo broken; exit 1;; esac\n",
        )
        .unwrap();
        std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut options = options_for_tests(dir.path());
        options.search_path = Some(format!("{}:/usr/bin:/bin", dir.path().display()));
        std::fs::write(&options.docker_config, config).unwrap();
        login(image, &options).await
    }

    #[tokio::test]
    async fn a_login_is_found_however_the_registry_is_written() {
        // me:secret
        let config = r#"{"auths": {"https://r.example:5000/v2/": {"auth": "bWU6c2VjcmV0"},
                                   "https://index.docker.io/v1/": {"username": "hub", "password": "p:w"},
                                   "t.example": {"identitytoken": "tok"}}}"#;
        assert_eq!(login_with(config, "r.example:5000/a/b:1").await.unwrap(), password("me", "secret"));
        assert_eq!(login_with(config, "jitsi/web:1").await.unwrap(), password("hub", "p:w"));
        assert_eq!(login_with(config, "other.example/web").await.unwrap(), None);
        let token = Some(RegistryLogin::IdentityToken("tok".into()));
        assert_eq!(login_with(config, "t.example/web").await.unwrap(), token);
    }

    #[tokio::test]
    async fn a_helper_is_asked_and_may_know_nothing() {
        let config =
            r#"{"auths": {"a.example": {}}, "credHelpers": {"a.example": "test"}, "credsStore": "test"}"#;
        let token = Some(RegistryLogin::IdentityToken("t".into()));
        assert_eq!(login_with(config, "a.example/web").await.unwrap(), token);
        assert_eq!(login_with(config, "b.example/web").await.unwrap(), None);
        let failure = login_with(config, "c.example/web").await.expect_err("broken");
        assert_eq!((failure.reason, failure.detail.as_str()), (Reason::Credentials, "broken"));
    }

    #[tokio::test]
    async fn a_broken_file_is_told_without_what_is_in_it() {
        let failure =
            login_with(r#"{"auths": {"r": {"auth": "c2VjcmV0"}}, "#, "r/web").await.expect_err("broken");
        assert_eq!(failure.reason, Reason::Credentials);
        assert!(!failure.to_string().contains("c2VjcmV0"));
        let config = r#"{"auths": {"r.example": {"auth": "c2VjcmV0"}}}"#;
        assert!(login_with(config, "r.example/web").await.is_err());
    }

    #[tokio::test]
    async fn no_docker_config_is_no_login_but_a_named_file_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = options_for_tests(dir.path());
        assert_eq!(login("r.example/web", &options).await.unwrap(), None);
        options.registry_auth_file = Some(dir.path().join("auth.json"));
        assert_eq!(login("r.example/web", &options).await.expect_err("missing").reason, Reason::Credentials);
    }
}

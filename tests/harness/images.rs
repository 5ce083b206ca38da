//! Docker images made of this machine's own files: no registry is asked.
//!
//! ```text
//! busybox-static + programs + the libraries `ldd` names ──► tar ──► docker import
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// Where Debian's `busybox-static` puts it.
const BUSYBOX: &str = "/bin/busybox";
/// Applets that get a name of their own, for `docker exec` and health checks.
const APPLETS: &[&str] = &["sh", "sleep", "wget", "cat", "kill", "true", "false"];

/// An image that is removed with this value.
#[derive(Debug)]
pub struct Image {
    tag: String,
    id: String,
}

impl Image {
    /// Makes the image `tag` with `programs` in `/bin`; `command` is its `CMD`.
    ///
    /// Takes seconds and blocks: call it where that does no harm.
    pub fn build(tag: &str, programs: &[&Path], command: &[&str]) -> anyhow::Result<Self> {
        let root = tempfile::tempdir()?;
        ensure!(Path::new(BUSYBOX).exists(), "{BUSYBOX} is missing: apt-get install busybox-static");
        for program in programs.iter().copied().chain([Path::new(BUSYBOX)]) {
            let name = program.file_name().context("a program has a name")?;
            copy(program, &root.path().join("bin").join(name))?;
            for library in libraries(program)? {
                copy(&library, &root.path().join(library.strip_prefix("/")?))?;
            }
        }
        for applet in APPLETS {
            std::os::unix::fs::symlink("busybox", root.path().join("bin").join(applet))?;
        }
        std::fs::create_dir(root.path().join("tmp"))?;
        let change = format!("CMD {}", serde_json::to_string(command)?);
        let mut tar = Command::new("tar")
            .args(["--owner=0", "--group=0", "-c", "-C"])
            .args([root.path().as_os_str(), OsStr::new(".")])
            .stdout(Stdio::piped())
            .spawn()
            .context("tar")?;
        let archive = tar.stdout.take().context("a piped tar has an output")?;
        let output = Command::new("docker")
            .args(["import", "--change", &change, "-", tag])
            .stdin(archive)
            .output()
            .context("docker")?;
        ensure!(tar.wait()?.success(), "tar failed");
        if !output.status.success() {
            bail!("docker import: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let id = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Self { tag: tag.to_owned(), id })
    }

    /// Its name.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Its id, `sha256:…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the tag is the test's own.
        drop(Command::new("docker").args(["image", "rm", "--force", &self.tag]).output());
    }
}

/// A program of this package, as cargo built it beside the tests (which lie in a folder `deps`) and benches.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let ours = std::env::current_exe()?;
    let folder = ours.parent().context("a program lies in a folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    ensure!(path.exists(), "{} is missing: cargo build -p usher-tests --bin {name}", path.display());
    Ok(path)
}

/// The shared libraries a program needs, the loader among them; none for a static one.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("ldd")?;
    let text = String::from_utf8(output.stdout)?;
    // "libc.so.6 => /lib/…/libc.so.6 (0x…)", "/lib64/ld-linux-x86-64.so.2 (0x…)", "linux-vdso.so.1 (0x…)"
    let path =
        |line: &str| line.split_ascii_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    let missing = text.lines().find(|line| line.contains("not found"));
    ensure!(missing.is_none(), "{}: {missing:?}", program.display());
    Ok(text.lines().filter_map(path).collect())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let folder = to.parent().context("a file lies in a folder")?;
    std::fs::create_dir_all(folder)?;
    std::fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

//! Compiles `proto/` in pure Rust, so that no `protoc` is needed, and finds
//! out which commit this is.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(
        [
            "muster/v1/user_import.proto",
            "muster/v1/user_pool.proto",
            "muster/v1/user.proto",
        ],
        ["proto"],
    )?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("muster.v1.bin"), files.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(files)?;

    let number = env::var("CARGO_PKG_VERSION")?;
    println!("cargo:rustc-env=MUSTER_VERSION={number} ({})", origin());
    Ok(())
}

/// What a build was made of: what `MUSTER_COMMIT` says, or the commit that is
/// checked out. A debug build does not ask: it would be made anew with every
/// commit.
fn origin() -> String {
    println!("cargo:rerun-if-env-changed=MUSTER_COMMIT");
    let said = env::var("MUSTER_COMMIT").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if !said.is_empty() && said.chars().all(plain) {
        return said;
    }
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return "debug build".to_owned();
    }
    checked_out().unwrap_or_else(|| "unknown".to_owned())
}

/// The commit, if this is the top of a repository's working tree. A source
/// archive that was unpacked inside of another repository has none.
fn checked_out() -> Option<String> {
    let here = env::var_os("CARGO_MANIFEST_DIR")?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(here).ok()? {
        return None;
    }
    // Each commit and each checkout adds a line to the log of HEAD.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let answer = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    (answer.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

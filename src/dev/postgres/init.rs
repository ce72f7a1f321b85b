//! The making of a new cluster.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;

use uuid::Uuid;

use super::binaries::failed;
use super::home::{Home, private_file};
use super::{Access, Binaries, Error, Options, USER};

/// Makes the data of a cluster unless it is there. It is made aside and takes
/// its name when it is complete, so one that was interrupted is made again.
pub(super) async fn ensure(
    home: &Home,
    binaries: &Binaries,
    options: &Options,
) -> Result<(), Error> {
    let data = home.data();
    if data.exists() {
        return Ok(());
    }
    let aside = home.root().join("data.new");
    match fs::remove_dir_all(&aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(Error::file("remove", &aside)(e));
        }
        _ => {}
    }
    if options.access == Access::Password {
        // 122 random bits of the system's generator.
        let password = Uuid::new_v4().simple().to_string();
        private_file(&home.password(), &password, &home.account)?;
    }
    match initdb(home, binaries, options, &aside, "C.UTF-8").await {
        // A system without that locale (macOS, old distributions).
        Err(Error::Program { output, .. }) if output.contains("invalid locale") => {
            initdb(home, binaries, options, &aside, "C").await?;
        }
        done => done?,
    }
    if let Some(database) = &options.database {
        create_database(home, binaries, &aside, database).await?;
    }
    fs::rename(&aside, &data).map_err(Error::file("rename", &aside))?;
    if options.durable {
        File::open(home.root())
            .and_then(|dir| dir.sync_all())
            .map_err(Error::file("flush", home.root()))?;
    }
    Ok(())
}

/// Text sorts by its bytes, which is fast and the same on every machine, but
/// `lower()` knows all of Unicode where the system has C.UTF-8.
async fn initdb(
    home: &Home,
    binaries: &Binaries,
    options: &Options,
    data: &Path,
    ctype: &str,
) -> Result<(), Error> {
    let program = binaries.program("initdb");
    let mut command = home.account.command(&program, home.root());
    command
        .arg("-D")
        .arg(data)
        .args(["-U", USER, "--encoding=UTF8", "--locale=C"])
        .arg(format!("--lc-ctype={ctype}"))
        .arg("--no-instructions");
    match options.access {
        Access::Password => {
            command.arg("--auth=scram-sha-256");
            command.arg("--pwfile").arg(home.password());
        }
        Access::Socket => {
            command.args(["--auth-local=trust", "--auth-host=reject"]);
        }
    }
    if !options.durable {
        command.arg("--no-sync");
    }
    let output = command
        .kill_on_drop(true)
        .output()
        .await
        .map_err(Error::spawn(&program))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(&program, &output))
    }
}

/// In single-user mode: no server, no port, and no client programs needed.
async fn create_database(
    home: &Home,
    binaries: &Binaries,
    data: &Path,
    name: &str,
) -> Result<(), Error> {
    let input = home.root().join("create.sql");
    let statement = format!("CREATE DATABASE \"{}\"\n", name.replace('"', "\"\""));
    private_file(&input, &statement, &home.account)?;
    let stdin = File::open(&input).map_err(Error::file("open", &input))?;
    let program = binaries.program("postgres");
    let output = home
        .account
        .command(&program, home.root())
        .args(["--single", "-c", "exit_on_error=true", "-D"])
        .arg(data)
        .arg("postgres")
        .stdin(Stdio::from(stdin))
        .kill_on_drop(true)
        .output()
        .await
        .map_err(Error::spawn(&program))?;
    fs::remove_file(&input).map_err(Error::file("remove", &input))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(&program, &output))
    }
}

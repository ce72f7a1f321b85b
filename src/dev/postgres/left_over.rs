//! A server that outlived the muster that started it.

use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::binaries::failed;
use super::home::Home;
use super::{Binaries, Error};

/// Seconds that `pg_ctl` waits for a fast stop, and then for an immediate one.
const PATIENCE: &str = "30";

/// Stops the server that a killed muster left running on `home`, if any. The
/// caller holds the home's lock, so no living muster uses that server.
pub(super) async fn stop(home: &Home, binaries: &Binaries) -> Result<(), Error> {
    let data = home.data();
    let pid_file = data.join("postmaster.pid");
    let Some(pid) = first_line(&pid_file)? else {
        return Ok(());
    };
    // Of a process that is gone, Postgres clears up by itself.
    if kill(pid, None) == Err(Errno::ESRCH) {
        return Ok(());
    }
    if !is_postmaster_of(pid, &data) {
        // The system gave the id to some other process since, which Postgres
        // would take for a postmaster, and pg_ctl would send a signal to.
        return fs::remove_file(&pid_file).map_err(Error::file("remove", &pid_file));
    }
    tracing::info!(%pid, "stopping the PostgreSQL that an earlier muster left running");
    let program = binaries.program("pg_ctl");
    let mut last = None;
    for mode in ["fast", "immediate"] {
        let output = home
            .account
            .command(&program, home.root())
            .args(["stop", "--wait", "--silent", "--timeout", PATIENCE])
            .args(["--mode", mode, "-D"])
            .arg(&data)
            .output()
            .await
            .map_err(Error::spawn(&program))?;
        // It may also have ended between the look and the signal.
        if output.status.success() || !is_postmaster_of(pid, &data) {
            return Ok(());
        }
        last = Some(output);
    }
    last.map_or(Ok(()), |output| Err(failed(&program, &output)))
}

fn first_line(pid_file: &Path) -> Result<Option<Pid>, Error> {
    match fs::read_to_string(pid_file) {
        Ok(text) => Ok(text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok())
            .filter(|pid| *pid > 0)
            .map(Pid::from_raw)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::file("read", pid_file)(e)),
    }
}

/// Whether `pid` is a server on `data`: a postmaster works in its data folder.
/// Where there is no `/proc` to tell, the pid file is believed.
fn is_postmaster_of(pid: Pid, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    if !Path::new("/proc/self").exists() {
        return kill(pid, None).is_ok();
    }
    fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data)
}

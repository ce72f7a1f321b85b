//! The real binaries: started, waited for, sent signals, and never left
//! behind.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Longer than anything takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);

/// `muster`.
pub const MUSTER: &str = env!("CARGO_BIN_EXE_muster");
/// `muster-server`.
pub const SERVER: &str = env!("CARGO_BIN_EXE_muster-server");
/// `muster-scheduler`.
pub const SCHEDULER: &str = env!("CARGO_BIN_EXE_muster-scheduler");

/// A program with none of the variables that muster knows, or OpenTelemetry.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name_bytes = name.as_encoded_bytes();
        if name_bytes.starts_with(b"MUSTER_") || name_bytes.starts_with(b"OTEL_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).env_remove("COLUMNS");
    command
}

/// A running program. Dropping it ends it: by SIGTERM, so that it takes its
/// Postgres along, or else by SIGKILL.
pub struct Process {
    child: Child,
    output: PathBuf,
    errors: PathBuf,
    _folder: TempDir,
}

impl Process {
    /// Starts a program with arguments and variables of its own.
    pub fn start(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the output");
        let output = folder.path().join("stdout");
        let errors = folder.path().join("stderr");
        let child = command(program)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(File::create(&output).expect("a file"))
            .stderr(File::create(&errors).expect("a file"))
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        Self {
            child,
            output,
            errors,
            _folder: folder,
        }
    }

    /// What it has written to standard output.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).expect("its output")
    }

    /// What it has written to standard error.
    pub fn errors(&self) -> String {
        fs::read_to_string(&self.errors).expect("its errors")
    }

    /// Waits for a whole line with `text` on either output, and answers it.
    pub fn line(&mut self, text: &str) -> String {
        self.wait_for(text, |process| {
            let all = process.output() + &process.errors();
            let end = all.rfind('\n').unwrap_or(0);
            all[..end]
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
        })
    }

    /// Waits until `look` finds something. Panics, with what the process has
    /// written, when it has ended or takes too long.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().expect("its status");
            if let Some(found) = look(self) {
                return found;
            }
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "waiting for {what:?} ({ended:?}):\n{}\n{}",
                self.output(),
                self.errors()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a process id"))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a process that takes signals");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "does not end:\n{}",
                self.errors()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(&mut self) -> i32 {
        self.signal(Signal::SIGTERM);
        code(self.wait())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        if kill(self.pid(), Signal::SIGTERM).is_ok() {
            let deadline = Instant::now() + Duration::from_secs(30);
            while Instant::now() < deadline {
                if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("process {} is left: {error}", self.pid());
        }
    }
}

/// The exit code; 128 + the signal's number for one that a signal ended.
pub fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .expect("a code or a signal")
}

/// The word behind `name` in a line: `word_after(line, "gRPC ")`.
pub fn word_after(line: &str, name: &str) -> String {
    let (_, rest) = line
        .split_once(name)
        .unwrap_or_else(|| panic!("{name} in {line}"));
    rest.split([',', ' ', '"'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The status of a GET, if anyone answers.
pub async fn get(url: &str) -> Option<u16> {
    let answer = reqwest::get(url).await.ok()?;
    Some(answer.status().as_u16())
}

/// A folder that Postgres can enter as another user.
pub fn open_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(Path::new("/tmp"))
        .expect("a folder")
}

//! Sessions of PostgreSQL that nobody uses any more. One that has no
//! transaction open is as good as new: beginning one costs more than all that
//! a short history does in it.

use std::os::unix::net::UnixStream as Socket;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::frames::Frames;

/// What makes a session forget what it was used for.
const FORGET: &[u8] = b"Q\0\0\0\x10DISCARD ALL\0";

/// A session, and how it greeted its first client.
#[derive(Debug)]
pub struct Session {
    pub stream: UnixStream,
    pub pid: i32,
    pub greeting: Vec<u8>,
}

struct Kept {
    socket: Socket,
    pid: i32,
    greeting: Vec<u8>,
}

#[derive(Default)]
pub struct Sessions(Mutex<Vec<Kept>>);

impl Sessions {
    /// A session that was kept, if there is one that lives.
    pub async fn take(&self) -> Option<Session> {
        loop {
            let kept = self.0.lock().expect("the sessions").pop()?;
            let Ok(stream) = UnixStream::from_std(kept.socket) else {
                continue;
            };
            let mut session = Session {
                stream,
                pid: kept.pid,
                greeting: kept.greeting,
            };
            if session.forget().await.is_some() {
                return Some(session);
            }
        }
    }

    /// Keeps a session that has nothing to do.
    pub fn keep(&self, session: Session) {
        if let Ok(socket) = session.stream.into_std() {
            self.0.lock().expect("the sessions").push(Kept {
                socket,
                pid: session.pid,
                greeting: session.greeting,
            });
        }
    }

    pub fn pids(&self) -> Vec<i32> {
        let kept = self.0.lock().expect("the sessions");
        kept.iter().map(|session| session.pid).collect()
    }

    pub fn clear(&self) {
        self.0.lock().expect("the sessions").clear();
    }
}

impl Session {
    async fn forget(&mut self) -> Option<()> {
        self.stream.write_all(FORGET).await.ok()?;
        let (mut frames, mut got) = (Frames::of_server(), [0; 4096]);
        loop {
            let n = self.stream.read(&mut got).await.ok().filter(|n| *n > 0)?;
            frames.push(&got[..n]);
            while let Some(frame) = frames.next() {
                if frame.kind == b'Z' {
                    return Some(());
                }
            }
        }
    }
}

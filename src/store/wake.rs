//! What wakes the schedulers when a transaction commits.

/// The channel on which schedulers are woken. Only a hint: their poll is what
/// guarantees.
pub(super) const CHANNEL: &str = "muster_jobs";

/// Why schedulers are to look for work now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A job was started.
    Started,
    /// A job is to stop.
    Stopping,
    /// A worker gave a job back.
    Released,
}

impl Wake {
    const ALL: [Self; 3] = [Self::Started, Self::Stopping, Self::Released];

    /// As it is said on the channel.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopping => "stopping",
            Self::Released => "released",
        }
    }

    /// From a word of the channel; none of a version that says others.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wake| wake.word() == word)
    }
}

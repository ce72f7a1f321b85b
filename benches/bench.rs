//! What all groups share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::fault::Result;
use crate::file::csv::{Contents, UserFile};
use crate::file::truth::Truth;
use crate::service::cluster::Cluster;

/// A run.
#[derive(Debug)]
pub struct Bench {
    /// The database server.
    pub cluster: Cluster,
    /// Rows of the file of users; all other sizes go with it.
    pub rows: u32,
    /// How often each side is measured.
    pub rounds: u32,
    folder: PathBuf,
    made: HashMap<Contents, (UserFile, Truth)>,
    count: u32,
}

impl Bench {
    /// A run in a folder, which is empty.
    pub async fn start(folder: &Path, args: &Args) -> Result<Self> {
        Ok(Self {
            cluster: Cluster::start(folder, &args.settings).await?,
            rows: args.rows,
            rounds: args.rounds,
            folder: folder.to_owned(),
            made: HashMap::new(),
            count: 0,
        })
    }

    /// A file with these contents, and what must become of it; made once.
    pub fn file(&mut self, contents: &Contents) -> Result<(UserFile, Truth)> {
        if let Some(made) = self.made.get(contents) {
            return Ok(made.clone());
        }
        self.count += 1;
        let path = self.path(&format!("{}.csv", self.count));
        let file = contents.write(&path)?;
        let truth = Truth::of(&file)?;
        self.made
            .insert(contents.clone(), (file.clone(), truth.clone()));
        Ok((file, truth))
    }

    /// Removes a file that is not needed any more.
    pub fn forget(&mut self, file: &UserFile) -> Result<()> {
        self.made.retain(|_, (made, _)| made.path != file.path);
        Ok(std::fs::remove_file(&file.path)?)
    }

    /// A place in the run's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The one in the middle; of two, the mean.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// Says on standard error what is going on.
pub fn say(text: &str) {
    eprintln!("{text}");
}

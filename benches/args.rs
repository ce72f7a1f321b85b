//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Prints the figures of muster on this machine, each with its target
#[derive(Clone, Debug, Parser)]
#[command(
    name = "figures",
    after_help = "Starts a PostgreSQL of its own, with durability on, and muster's real programs.
Exits with 0 when all was measured that could be, short of its target or not; with 1 when
something went wrong or was imported wrongly.

Examples:
  make bench
  make bench FIGURE=clean-one-lane
  cargo bench --bench figures -- clean-one-lane --rows 100000 --rounds 5"
)]
pub struct Args {
    /// Only these figures, by their names or a part of them
    #[arg(value_name = "FIGURE")]
    pub figures: Vec<String>,
    /// Names the figures, and measures nothing
    #[arg(long)]
    pub list: bool,
    /// Rows of the file of users; all other sizes go with it
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1_000..=50_000_000))]
    pub rows: u32,
    /// How often each side of a ratio is measured, by turns; the middle one of the ratios counts
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// A setting of the Postgres, beside those of `muster dev`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
    /// Where all is kept while it runs; best on the disk that counts [default: target/bench]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// The result as JSON [default: figures.json in that folder]
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What cargo adds by itself
    #[arg(long, hide = true)]
    bench: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

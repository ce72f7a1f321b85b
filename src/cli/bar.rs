//! The progress bar: the one file that knows indicatif.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::{JobMeter, Rate};
use super::reporter::Reporter;
use super::text;
use crate::api::v1::UserImportJob;

/// A progress bar on standard error. It goes away when dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    upload: Rate,
    meter: JobMeter,
}

impl Bar {
    /// `None` when standard error is no terminal that can show a bar.
    #[must_use]
    pub fn on_terminal() -> Option<Self> {
        let target = ProgressDrawTarget::stderr();
        if target.is_hidden() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(Some(0), target);
        bar.set_style(
            // The template is fixed and was tried; the fallback is a bar too.
            ProgressStyle::with_template("[{bar:24}] {percent:>3}% {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        Some(Self {
            bar,
            upload: Rate::default(),
            meter: JobMeter::default(),
        })
    }

    fn show(&self, position: u64, length: u64, message: String) {
        // An empty length would show as 100 %.
        self.bar.set_length(length.max(1));
        self.bar.set_position(position);
        self.bar.set_message(message);
    }
}

impl Reporter for Bar {
    fn upload(&mut self, sent: u64, total: u64, at: Duration) -> io::Result<()> {
        self.upload.observe(at, sent);
        let mut message = format!("upload: {} of {}", text::bytes(sent), text::bytes(total));
        if let Some(left) = self.upload.time_for(total.saturating_sub(sent)) {
            message.push_str(&format!(", {} left", text::duration(left)));
        }
        self.show(sent, total, message);
        Ok(())
    }

    fn job(&mut self, job: &UserImportJob, at: Duration) -> io::Result<()> {
        let now = self.meter.observe(job, at);
        self.show(now.bytes, now.total_bytes.unwrap_or(0), now.to_string());
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.bar.println(text);
        Ok(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

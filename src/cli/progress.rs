//! The progress of a pull or a push, as a person at a terminal sees it.

use crate::image::transfer::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;

/// Bars on a terminal, nothing in a pipe.
pub struct Progress {
    bars: Option<MultiProgress>,
    layers: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        let bars = (!quiet && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { bars, layers: Mutex::default() }
    }

    pub fn show(&self, event: &Event) {
        let Some(bars) = &self.bars else { return };
        let Ok(mut layers) = self.layers.lock() else { return };
        match event {
            Event::Trying(name) => {
                let _ = bars.println(format!("Trying to pull {name}..."));
            }
            Event::Pushing(name) => {
                let _ = bars.println(format!("Pushing to {name}..."));
            }
            Event::LayerPresent(_) => {}
            Event::LayerStarted { blob, size } => {
                let bar = bars.add(ProgressBar::new(*size));
                if let Ok(style) =
                    ProgressStyle::with_template("{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")
                {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_prefix(blob.hex()[..12].to_owned());
                layers.insert(blob.hex(), bar);
            }
            Event::LayerBytes { blob, bytes } => {
                if let Some(bar) = layers.get(&blob.hex()) {
                    bar.inc(*bytes);
                }
            }
            Event::LayerAwaited(blob) => {
                let _ = bars.println(format!("Another pull fetches {}: waiting for it...", &blob.hex()[..12]));
            }
            Event::LayerDone(blob) => {
                if let Some(bar) = layers.remove(&blob.hex()) {
                    bar.finish();
                }
            }
        }
    }

    pub fn clear(&self) {
        if let Some(bars) = &self.bars {
            // A terminal that cannot be drawn on any more needs no clearing.
            let _ = bars.clear();
        }
    }
}

//! What this user has on disk: blobs and tags, unpacked layers.

pub mod blobs;
pub mod changes;
pub mod check;
pub mod digest;
pub mod layers;
pub mod overlay;
pub mod overlay_probe;
pub mod pack;
pub mod partial;
pub mod shared;
pub mod shifted;
pub mod tags;
pub mod unpack;

use crate::engine::Engine;
use anyhow::Result;

/// Makes the engine's directories if need be. A new store is probed: one that cannot carry containers is told now, with
/// what to do, and asked again the next time.
pub fn prepare(engine: &Engine) -> Result<()> {
    if engine.prepare()?
        && let Err(error) = overlay_probe::probe(engine)
    {
        crate::fs::remove_empty_dir(&engine.staging())?;
        return Err(error);
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use crate::engine::Engine;
    use std::os::fd::AsFd;

    /// An engine in a directory of its own, which goes with it.
    pub struct Scratch {
        pub engine: Engine,
    }

    impl Scratch {
        pub fn new() -> Self {
            let base = crate::fs::staging_name(&std::env::temp_dir()).with_extension("coracle-test");
            let engine = Engine { data: base.join("data"), run: base.join("run"), rootless: true, uid: 0 };
            engine.prepare().expect("the temporary directory can be written to");
            Self { engine }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let base = self.engine.data.parent().expect("new gave it one");
            let (dir, name) = (base.parent().expect("staging"), base.file_name().expect("staging"));
            if let Ok(dir) = crate::fs::open_dir(dir) {
                let _ = crate::fs::remove_tree(dir.as_fd(), &name.to_string_lossy());
            }
        }
    }
}

//! What the fuzzer asks of each parser of what comes from outside: a property that holds for any bytes. `contrib/fuzz`
//! looks for bytes for which it does not; what it found once is in `fuzz/corpus`, and is asked again by each test.

use crate::image;
use crate::network;
use crate::store::{digest, unpack};

/// Panics where it does not hold.
type Property = fn(&[u8]);

/// The property of each target, by the target's name, which is also its directory of the corpus.
const PROPERTIES: &[(&str, Property)] = &[
    ("auth", image::auth::property::holds),
    ("config", image::config::property::holds),
    ("digest", digest::property::holds),
    ("dns", network::dns::property::holds),
    ("egress", network::egress::property::holds),
    ("manifest", image::manifest::property::holds),
    ("network", network::definition::property::holds),
    ("policy", image::policy::property::holds),
    ("reference", image::reference::property::holds),
    ("registries", image::registries::property::holds),
    ("tar", unpack::property::archive_holds),
    ("toc", image::chunked::toc::property::holds),
    ("whiteouts", unpack::property::whiteouts_hold),
];

/// Asks a target's property of some bytes.
pub fn ask(target: &str, bytes: &[u8]) {
    let (_, property) = PROPERTIES.iter().find(|(name, _)| *name == target).expect("a target that there is");
    property(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    const CORPUS_BYTES_MAX: u64 = 200 << 10;

    fn names(dir: &Path) -> BTreeSet<String> {
        let entries = std::fs::read_dir(dir).expect("list the corpus").map(|entry| entry.expect("list the corpus"));
        entries.map(|entry| entry.file_name().into_string().expect("a plain name")).collect()
    }

    #[test]
    fn the_corpus_holds() {
        let built = env!("CARGO_MANIFEST_DIR").to_owned();
        let fuzz = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap_or(built)).join("fuzz");
        let targets: BTreeSet<String> = PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names(&fuzz.join("corpus")), targets);
        let programs = names(&fuzz.join("fuzz_targets"));
        assert_eq!(programs, targets.iter().map(|name| format!("{name}.rs")).collect());
        let mut sum = 0;
        for target in targets {
            let dir = fuzz.join("corpus").join(&target);
            for name in names(&dir) {
                let bytes = std::fs::read(dir.join(&name)).expect("read the corpus");
                sum += bytes.len() as u64;
                println!("{target}/{name}");
                ask(&target, &bytes);
            }
        }
        assert!((1..=CORPUS_BYTES_MAX).contains(&sum), "{sum} bytes");
    }
}

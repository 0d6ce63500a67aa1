//! What holds of policy.json, whatever the bytes.

use super::change::{Trust, changed};
use super::{Document, Identity, Policy, Requirement};
use crate::image::reference::Reference;

const NAMES: [&str; 3] = ["registry.example:5000/team/app:1", "busybox", "registry.example/team/app"];

/// Nothing comes in by a policy that accepts nothing, nor is kept out by one that only accepts; and a rule that is set
/// holds.
pub fn holds(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes) else { return };
    let policy = Policy(Some(("policy.json".into(), document)));
    let rules = policy.rules();
    let accepting = rules.iter().filter(|rule| *rule.requirement == Requirement::Accept).count();
    for name in NAMES {
        let name = Reference::parse(name).expect("a name");
        let conditions = policy.check(&Identity::docker(&name));
        let comes_freely = conditions.is_ok_and(|conditions| conditions.check_unsigned("a test").is_ok());
        assert!(!comes_freely || accepting > 0, "{name}");
        assert!(comes_freely || accepting < rules.len(), "{name}");
    }
    let name = Reference::parse(NAMES[0]).expect("a name");
    let changed = changed(Some(bytes), &name.to_string(), &Trust::Reject).expect("a whole name is a scope");
    let policy = Document::parse(&changed).map(|document| Policy(Some(("policy.json".into(), document))));
    let policy = policy.expect("what was written is read");
    // A rule that only another transport has is the one that is set.
    let mut owners = rules.iter().filter_map(|rule| rule.place).filter(|(_, scope)| *scope == name.to_string());
    let is_elsewhere = owners.clone().next().is_some() && !owners.any(|(transport, _)| transport == "docker");
    assert!(is_elsewhere || policy.check(&Identity::docker(&name)).is_err());
}

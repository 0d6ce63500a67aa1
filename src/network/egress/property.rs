//! What holds of egress rules, whatever the bytes.

use super::{Egress, Target, Verdict};

/// Rules that are taken are written as words that mean the same, and a name opens nothing that it does not fit.
pub fn holds(bytes: &[u8]) {
    let typed: Vec<String> = String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
    let Ok(Some(egress)) = Egress::parse(&typed) else { return };
    let words: Vec<String> = egress.clone().into();
    assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_graphic())), "{words:?}");
    assert_eq!(Egress::try_from(words).expect("what was written can be read"), egress);
    let names = egress.rules.iter().filter(|rule| matches!(rule.target, Target::Name(_)));
    assert!(names.clone().all(|rule| rule.verdict == Verdict::Allow));
    assert_eq!(egress.opened_by("").count(), 0);
    assert!(egress.opened_by("a.name.that.nobody-else.has").count() <= names.count());
}

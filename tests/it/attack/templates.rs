//! F12: templates of `--format` that would run for ever, fill the memory, overflow the stack or read files.

use super::Scene;
use crate::support::Run;
use crate::support::image_builder::Image;

/// A template with the number of its rounds left out.
type Bomb = (&'static str, &'static str);

/// How often a bomb is told to go round, and how often its control is.
const ROUNDS: [&str; 2] = ["9999999", "2"];

const BOMBS: &[Bomb] = &[
    ("rounds in rounds", "{{range N}}{{range N}}{{range N}}{{end}}{{end}}{{end}}"),
    ("output", "{{range N}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}"),
    ("output of the object", "{{range N}}{{println .}}{{end}}"),
    ("width", r#"{{range N}}{{$x := printf "%1000000d" 1}}{{end}}"#),
    ("width from a value", r#"{{range N}}{{$x := printf "%*d" 1000000 1}}{{end}}"#),
    ("precision", r#"{{range N}}{{$x := printf "%.1000000f" 1.5}}{{end}}"#),
    ("padding", r#"{{range N}}{{pad "x" 65536 65536}}{{end}}"#),
    ("doubling", r#"{{$x := "ab"}}{{range N}}{{$x = print $x $x}}{{end}}"#),
    ("escapes", r#"{{$x := "\u0001"}}{{range N}}{{$x = json $x}}{{$x = print $x $x}}{{end}}"#),
    ("splits", r#"{{$x := printf "%65536d" 1}}{{range N}}{{$y := split $x ""}}{{end}}"#),
    ("joins of nothing", r#"{{$x := split (printf "%500000d" 1) " "}}{{range N}}{{$y := join $x ""}}{{end}}"#),
    ("lists of nothing", r#"{{$x := split (printf "%65536d" 1) " "}}{{range N}}{{$y := printf "%.0s" $x}}{{end}}"#),
    ("objects of nothing", r#"{{range N}}{{$y := printf "%.0s" $}}{{end}}"#),
    ("objects as JSON", "{{range N}}{{$y := json $}}{{end}}"),
    ("comparisons", r#"{{$x := printf "%1000000d" 1}}{{range N}}{{$y := eq $x $x}}{{end}}"#),
    ("copies", r#"{{$x := printf "%1000000d" 1}}{{range N}}{{$y := slice $x 1}}{{end}}"#),
    (
        "names",
        r#"{{define "r"}}{{range .}}{{if eq . 0}}{{template "r" N}}{{end}}{{end}}{{end}}{{block "b" N}}{{end}}{{range N}}{{range N}}{{template "b" 0}}{{end}}{{end}}"#,
    ),
];

fn words(verb: &[&str], template: &str) -> Vec<String> {
    verb.iter().map(|word| (*word).to_owned()).chain([format!("--format={template}")]).collect()
}

const VERBS: &[&[&str]] =
    &[&["inspect", "c"], &["ps", "--all"], &["images"], &["volume", "ls"], &["info"], &["version"]];

/// Something for each of them to show.
fn scene() -> Scene {
    let scene = Scene::new();
    let image = scene.load(&Image::new("templates"));
    scene.ok(&["create", "--name=c", "--network=none", &image, "true"]);
    scene.ok(&["volume", "create", "v"]);
    scene
}

fn run(scene: &Scene, verb: &[&str], template: &str) -> Run {
    let words = words(verb, template);
    scene.coracle(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn f12_no_template_is_a_bomb() {
    let scene = scene();
    let run = |verb: &[&str], template: &str| run(&scene, verb, template);
    for (at, (name, template)) in BOMBS.iter().enumerate() {
        let [bomb, control] = ROUNDS.map(|rounds| template.replace('N', rounds));
        let verb = VERBS[at % VERBS.len()];
        // The control: it is the number of rounds alone that makes it a bomb.
        assert_eq!(run(verb, &control).code, 0, "{name}: {}", run(verb, &control));
        let exploded = run(verb, &bomb);
        assert_eq!((exploded.code, exploded.stdout.as_str()), (125, ""), "{name}: {}", exploded.stderr);
        let is_said = ["takes more than", "makes more than"].iter().any(|words| exploded.stderr.contains(words));
        assert!(is_said && exploded.stderr.lines().count() == 1, "{name}: {}", exploded.stderr);
    }
    scene.assert_safe();
}

#[test]
fn f12_no_template_is_too_deep_or_asks_for_anything() {
    let scene = scene();
    let run = |verb: &[&str], template: &str| run(&scene, verb, template);
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    let deep = |depth: usize| {
        [
            nested("{{if 1}}", "{{end}}", depth),
            nested("{{with 1}}", "{{end}}", depth),
            format!("{{{{{}1{}}}}}", "(".repeat(depth), ")".repeat(depth)),
            format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(depth)),
        ]
    };
    for verb in VERBS {
        for (bomb, control) in deep(2000).iter().zip(deep(20)) {
            assert_eq!(run(verb, &control).code, 0, "{control}");
            let exploded = run(verb, bomb);
            assert!(exploded.code == 125 && exploded.stderr.contains("nested deeper"), "{}", exploded.stderr);
        }
        for bomb in [r#"{{define "r"}}{{template "r"}}{{end}}{{template "r"}}"#, &"x".repeat(100_000)] {
            let exploded = run(verb, bomb);
            assert!(exploded.code == 125 && exploded.stderr.lines().count() == 1, "{}", exploded.stderr);
        }
        // No function reads, runs or asks for anything.
        for call in ["readFile", "include", "env", "exec", "call", "template", "file", "os.Getenv", "getHostByName"] {
            let refused = run(verb, &format!("{{{{{call} \"{}/secret\"}}}}", scene.canary.text()));
            assert_eq!((refused.code, refused.stdout.as_str()), (125, ""), "{call}: {refused}");
        }
    }
    scene.assert_safe();
}

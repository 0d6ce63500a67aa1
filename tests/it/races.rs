//! Many engines at once: the kernel's locks decide, and nobody sees a half-made thing.

use crate::support::{Run, Running, Sandbox, until};

fn with_busybox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

/// The same command at once, so many times.
fn at_once(sandbox: &Sandbox, count: usize, arguments: impl Fn(usize) -> Vec<String>) -> Vec<Run> {
    let start = |number| {
        let arguments = arguments(number);
        sandbox.spawn(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let all: Vec<Running> = (0..count).map(start).collect();
    all.into_iter().map(Running::finish).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn first_runs_in_a_new_store() {
    // Nothing is there: no store, no image, no user namespace.
    let sandbox = Sandbox::new();
    let archive = crate::support::images::archive("busybox").display().to_string();
    for run in at_once(&sandbox, 5, |_| words(&format!("load -q -i {archive}"))) {
        assert_eq!(run.code, 0, "{run}");
    }
    for run in at_once(&sandbox, 20, |_| words("run --rm --network none busybox id -u")) {
        assert!(run.code == 0 && run.stderr.is_empty() && run.stdout == "0\n", "{run}");
    }
    sandbox.assert_no_leaks();
}

#[test]
fn all_live_monitors_are_in_one_user_namespace() {
    let sandbox = with_busybox();
    for run in at_once(&sandbox, 10, |_| words("run -d --network none busybox sleep 1000")) {
        assert_eq!(run.code, 0, "{run}");
    }
    // Whoever joins from outside is shown the same one, whichever monitor answers; a link to it cannot be read of a
    // process that is not dumpable, but two commands that join see it from inside.
    let seen: Vec<String> = (0..3).map(|_| sandbox.ok(&["unshare", "readlink", "/proc/self/ns/user"])).collect();
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    let ids = sandbox.containers();
    for id in &ids[1..] {
        sandbox.ok(&["rm", "-f", id]);
    }
    assert_eq!(sandbox.ok(&["unshare", "readlink", "/proc/self/ns/user"]), seen[0], "any monitor holds it");
}

#[test]
fn a_name_has_one_winner() {
    let sandbox = with_busybox();
    for round in 0..10 {
        let verb = if round % 2 == 0 { "create" } else { "run -d" };
        let runs = at_once(&sandbox, 3, |_| words(&format!("{verb} --network none --name same busybox sleep 1000")));
        let (won, lost): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.code == 0);
        assert_eq!(won.len(), 1, "round {round}: {}", lost.iter().map(ToString::to_string).collect::<String>());
        lost.iter().for_each(|run| run.fails(125, &["same", "taken"]));
        assert_eq!(sandbox.containers(), [won[0].stdout.trim()]);
        sandbox.ok(&["rm", "-f", "same"]);
    }
    sandbox.assert_no_leaks();
}

#[test]
fn a_hundred_runs_fail_never_and_leave_nothing() {
    let sandbox = with_busybox();
    for _ in 0..4 {
        for (number, run) in
            at_once(&sandbox, 25, |number| words(&format!("run --rm --network none busybox echo {number}")))
                .into_iter()
                .enumerate()
        {
            assert!(run.code == 0 && run.stderr.is_empty() && run.stdout == format!("{number}\n"), "{run}");
        }
    }
    sandbox.assert_no_leaks();
}

#[test]
fn of_many_starts_one_starts_and_no_removal_hits_a_running_container() {
    let sandbox = with_busybox();
    for _ in 0..5 {
        let id = sandbox.ok(&["create", "--network", "none", "--name", "c", "busybox", "sleep", "1000"]);
        let runs = at_once(&sandbox, 6, |number| words(if number % 2 == 0 { "start c" } else { "rm c" }));
        let removed = runs.iter().skip(1).step_by(2).filter(|run| run.code == 0).count();
        // Of two removals at once both may say that it is gone, for it is.
        if removed > 0 {
            assert!(sandbox.containers().is_empty());
        } else {
            assert_eq!(sandbox.ok(&["exec", "c", "echo", "here"]), "here\n");
            assert_eq!(sandbox.containers(), [id.trim()]);
            sandbox.ok(&["rm", "-f", "c"]);
        }
    }
    sandbox.assert_no_leaks();
}

#[test]
fn stops_and_waits_and_removals_of_one_container_agree() {
    let sandbox = with_busybox();
    for _ in 0..3 {
        sandbox.ok(&[
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            "c",
            "busybox",
            "sh",
            "-c",
            "trap 'exit 9' TERM; while :; do sleep 0.05; done",
        ]);
        let waiting = sandbox.spawn(&["wait", "c"]);
        let verbs = ["stop c", "stop -t 5 c", "rm -f -t 5 c", "rm -f -t 5 c"];
        for run in at_once(&sandbox, verbs.len(), |number| words(verbs[number])) {
            assert!(run.code == 0 || run.stderr.contains("no container") || run.stderr.contains("removed"), "{run}");
        }
        let run = waiting.finish();
        assert!(run.code == 0 || run.stderr.contains("no container") || run.stderr.contains("removed"), "{run}");
        until("it is removed", || sandbox.containers().is_empty());
    }
    sandbox.assert_no_leaks();
}

#[test]
fn execs_beside_the_end_of_their_container_do_not_hold_it_up() {
    // A process that dies half-way into the container and is not reaped keeps its pid namespace from ending.
    let sandbox = with_busybox();
    let mut refused = 0;
    for round in 0..18 {
        // From ends that come first to ends that come last, and all between.
        sandbox.detached(&["--name", "c", "busybox", "sleep", &format!("0.0{}", round % 6)]);
        let execs = at_once(&sandbox, 6, |_| words("exec c true"));
        refused += execs.iter().filter(|run| run.code != 0).count();
        assert_eq!(sandbox.ok(&["wait", "c"]), "0\n");
        sandbox.ok(&["rm", "c"]);
    }
    assert!(refused > 0, "no exec came after the end: the race was not run");
    sandbox.assert_no_leaks();
}

#[test]
fn g12_sixty_four_mixed_commands_on_a_few_names_leave_a_whole_store() {
    let sandbox = with_busybox();
    for round in 0..2 {
        let verbs = |number: usize| {
            let name = format!("n{}", (number * 7 + round) % 5);
            words(&match number % 8 {
                0 => format!("create --network none --name {name} -v v{name}:/v busybox sleep 1000"),
                1 => format!("run -d --network none --name {name} busybox sleep 1000"),
                2 => format!("start {name}"),
                3 => format!("stop -t 0 {name}"),
                4 => format!("rm -f {name}"),
                5 => format!("exec {name} true"),
                6 => format!("run --rm --replace --network none --name {name} busybox true"),
                _ => "ps -a".to_owned(),
            })
        };
        for run in at_once(&sandbox, 64, verbs) {
            // Whoever came too late hears so in one line; nothing else goes wrong.
            let late =
                ["taken", "no container", "not running", "running", "removed", "runs already", "gone away", "ended"];
            let is_late = run.stderr.lines().count() == 1 && late.iter().any(|word| run.stderr.contains(word));
            // 137: it was killed by another of them.
            assert!(run.code == 0 || is_late || (run.code == 137 && run.stderr.is_empty()), "{run}");
        }
        // A name is one container's, and a container has a name.
        let names = sandbox.ok(&["ps", "-a", "--format", "{{.Names}}"]);
        let mut names: Vec<&str> = names.lines().collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
        assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    }
    sandbox.ok(&["rm", "-f", "-a"]);
    sandbox.assert_no_leaks();
}

//! A monitor of the first release, played from its script: what a newer command says to it, it must understand.

use crate::support::{Run, Sandbox, until};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv, send, socket,
};
use serde_json::{Value, json};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Arc, Mutex};

/// The first version of the conversation, as the first release spoke it: the fields that each request had to have.
const REQUESTS: &[(&str, &[&str])] = &[
    ("Attach", &["detach_keys", "size", "stderr", "stdin", "stdout"]),
    ("Exec", &["attach", "privileged", "process"]),
    ("Stop", &["signal", "timeout_secs"]),
];
const PROCESS: &[&str] =
    &["command", "entrypoint", "environment", "interactive", "terminal", "user", "working_directory"];

struct Old {
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Old {
    /// Takes the place of a created container's monitor.
    fn play(sandbox: &Sandbox, id: &str) -> Self {
        let run = sandbox.runtime.join("coracle");
        let dir = run.join("containers").join(id);
        std::fs::create_dir_all(&dir).expect("make the runtime directory");
        let alive = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(sandbox.container(id).join("alive"))
            .expect("open alive");
        let lock =
            nix::libc::flock { l_type: nix::libc::F_WRLCK as i16, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
        fcntl(&alive, FcntlArg::F_OFD_SETLK(&lock)).expect("hold the container alive");
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let state = json!({
            "format": 1,
            "boot_id": read("/proc/sys/kernel/random/boot_id"),
            "machine_id": read("/etc/machine-id"),
            "run": run,
            "monitor_pid": std::process::id(),
            "pid": std::process::id(),
            "pid_start_ticks": 1,
            "pid_namespace": 1,
            "started": 1_700_000_000_000_000_000_u64,
            "exit": null,
        });
        let path = sandbox.container(id).join("state.json");
        std::fs::write(&path, state.to_string()).expect("write the state");
        // Socket addresses are short.
        let opened = File::open(&dir).expect("open the directory");
        let address =
            UnixAddr::new(format!("/proc/self/fd/{}/ctl", opened.as_raw_fd()).as_str()).expect("an address");
        let listener =
            socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).expect("socket");
        bind(listener.as_raw_fd(), &address).expect("bind");
        listen(&listener, Backlog::new(16).expect("a number")).expect("listen");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let said = asked.clone();
        std::thread::spawn(move || serve(&listener, &said, Ended { alive: Some(alive), path, state }));
        Self { asked }
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().expect("the lock is sound").clone()
    }
}

/// What the old monitor does at the end of its container.
struct Ended {
    alive: Option<File>,
    path: std::path::PathBuf,
    state: Value,
}

fn serve(listener: &OwnedFd, asked: &Mutex<Vec<Value>>, mut ended: Ended) {
    while ended.alive.is_some() {
        let Ok(number) = accept(listener.as_raw_fd()) else { return };
        // SAFETY: accept has just made it, and nothing else owns it.
        let client = unsafe { OwnedFd::from_raw_fd(number) };
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length @ 1..) = recv(client.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            let hello: Value = serde_json::from_slice(&buffer[..length]).expect("a request is JSON");
            let answers = answer(&hello["request"], &mut ended);
            asked.lock().expect("the lock is sound").push(hello);
            for answer in answers {
                let _ = send(client.as_raw_fd(), answer.to_string().as_bytes(), MsgFlags::MSG_NOSIGNAL);
            }
        }
    }
}

fn answer(request: &Value, ended: &mut Ended) -> Vec<Value> {
    let name = match request {
        Value::String(name) => name.clone(),
        Value::Object(fields) => fields.keys().next().expect("a request has a name").clone(),
        other => panic!("{other} is no request"),
    };
    match name.as_str() {
        "Attach" | "Exec" => vec![json!({"Started": {"pid": 7}}), json!({"Exited": {"code": 3}})],
        "Signal" => vec![json!("Done")],
        "Wait" => vec![json!({"Exited": {"code": 4}})],
        "Stop" => {
            ended.state["exit"] = json!({"code": 5, "finished": 1_700_000_001_000_000_000_u64, "oom_killed": false});
            std::fs::write(&ended.path, ended.state.to_string()).expect("write the end");
            ended.alive = None;
            vec![json!("Done"), json!({"Exited": {"code": 5}})]
        }
        name => vec![
            json!({"Failed": {"kind": "BadInput", "message": format!("unknown variant `{name}`"), "hint": null}}),
        ],
    }
}

fn has_all(value: &Value, fields: &[&str]) -> bool {
    fields.iter().all(|field| value.get(field).is_some())
}

#[test]
fn a_newer_command_speaks_as_the_first_release_did() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.ok(&["create", "--network", "none", "--name", "old", &image, "sleep", "1000"]).trim().to_owned();
    let old = Old::play(&sandbox, &id);
    assert!(sandbox.ok(&["ps"]).contains("Up "));
    let code = |run: Run| run.code;
    assert_eq!(code(sandbox.coracle(&["exec", "old", "true"])), 3);
    assert_eq!(code(sandbox.coracle(&["attach", "old"])), 3);
    sandbox.ok(&["kill", "-s", "USR1", "old"]);
    assert_eq!(sandbox.ok(&["wait", "old"]), "4\n");
    // It cannot restart a container by itself: it is ended, and a monitor of today starts it again.
    sandbox.ok(&["restart", "old"]);
    until("it runs again", || sandbox.state(&id)["control"].as_u64() > Some(1));
    let asked = old.asked();
    for hello in &asked {
        assert!(hello["version"].is_u64(), "{hello}");
        let Some(request) = hello["request"].as_object() else { continue };
        for (name, fields) in REQUESTS {
            assert!(
                request.get(*name).is_none_or(|request| has_all(request, fields)),
                "{name} lacks a field: {hello}"
            );
        }
        assert!(request.get("Exec").is_none_or(|exec| has_all(&exec["process"], PROCESS)), "{hello}");
    }
    let named =
        |name: &str| asked.iter().any(|hello| hello["request"] == name || hello["request"].get(name).is_some());
    assert!(["Exec", "Attach", "Signal", "Wait", "Stop"].into_iter().all(named), "{asked:?}");
    assert!(!named("Restart"), "{asked:?}");
}

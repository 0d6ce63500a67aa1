//! `--security-opt seccomp=FILE`: both forms of profiles, and calls that an agent answers.

use super::{refused, shell};
use crate::support::Sandbox;
use serde_json::json;
use std::io::{IoSliceMut, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

fn profile(sandbox: &Sandbox, json: &serde_json::Value) -> String {
    let file = sandbox.home.join("profile.json");
    std::fs::write(&file, json.to_string()).expect("write a profile");
    format!("--security-opt=seccomp={}", file.display())
}

#[test]
fn a_profile_of_podman_and_docker_is_resolved_for_the_containers_capabilities() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let option = profile(
        &sandbox,
        &json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
            "syscalls": [
                {"names": ["mkdir", "mkdirat", "of_tomorrow"], "action": "SCMP_ACT_ERRNO", "errno": "EXDEV",
                    "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
                {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 18, "includes": {"minKernel": "4.0"},
                    "args": [{"index": 1, "value": 12, "op": "SCMP_CMP_EQ"}]},
                {"names": ["symlink", "symlinkat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 18,
                    "includes": {"arches": ["s390x"]}}
            ]
        }),
    );
    let script = "mkdir /d 2>&1; ln -s a /l && echo linked; kill -12 $$ 2>&1; kill -0 $$ && echo alive";
    let crossed = "mkdir: can't create directory '/d': Invalid cross-device link\n";
    // Nothing between the profile's own words and the kernel's: the shell says what it got.
    let told = shell(&sandbox, &[&option], script);
    assert!(told.starts_with(crossed) && told.contains("linked\n") && told.ends_with("alive\n"), "{told}");
    let told = shell(&sandbox, &[&option, "--cap-add=sys_admin"], script);
    assert!(!told.contains(crossed) && told.ends_with("alive\n"), "{told}");
    assert!(shell(&sandbox, &["--security-opt=seccomp=unconfined"], "mkdir /d && echo made").contains("made"));
    refused(&sandbox, &["--security-opt=seccomp=/nowhere.json"], &["seccomp profile /nowhere.json", "no such file"]);
    let broken = profile(&sandbox, &json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOWHERE"}));
    refused(&sandbox, &[&broken], &["ENOWHERE"]);
    refused(&sandbox, &["--seccomp-policy=image"], &["image"]);
}

/// The agent's side: `SECCOMP_ACT_NOTIFY`, answered with an error.
mod notify {
    nix::ioctl_readwrite!(receive, b'!', 0, libc::seccomp_notif);
    nix::ioctl_readwrite!(send, b'!', 1, libc::seccomp_notif_resp);
}

/// Takes what the engine hands to an agent: the state, and the descriptor by which calls are answered.
fn take(stream: &mut UnixStream) -> (serde_json::Value, OwnedFd) {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    let mut bytes = vec![0; 64 << 10];
    let mut space = nix::cmsg_space!([i32; 4]);
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut buffers, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)
        .expect("recvmsg");
    let mut descriptors = Vec::new();
    for control in message.cmsgs().expect("control messages") {
        if let ControlMessageOwned::ScmRights(fds) = control {
            descriptors.extend(fds);
        }
    }
    let length = message.bytes;
    assert_eq!(descriptors.len(), 1);
    let mut text = bytes[..length].to_vec();
    stream.read_to_end(&mut text).expect("the connection is closed after one state");
    // SAFETY: the kernel has just made this descriptor for this process.
    let listener = unsafe { OwnedFd::from_raw_fd(descriptors[0]) };
    (serde_json::from_slice(&text).expect("the state is JSON"), listener)
}

/// Answers one call with an error.
fn answer(listener: &OwnedFd, errno: i32) {
    // SAFETY: the structures are plain numbers, and zeroed as the kernel wants them.
    unsafe {
        let mut request: libc::seccomp_notif = std::mem::zeroed();
        notify::receive(listener.as_raw_fd(), &raw mut request).expect("receive a call");
        let mut response: libc::seccomp_notif_resp = std::mem::zeroed();
        (response.id, response.error) = (request.id, -errno);
        notify::send(listener.as_raw_fd(), &raw mut response).expect("answer a call");
    }
}

#[test]
fn an_agent_answers_the_calls_that_a_profile_gives_to_it() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let socket = sandbox.home.join("agent");
    let asked = |path: &Path| {
        json!({
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "of the user",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]
        })
    };
    let option = profile(&sandbox, &asked(&socket));
    refused(&sandbox, &[&option], &["no seccomp agent listens", "start the agent"]);
    let agent = UnixListener::bind(&socket).expect("listen");
    let id = sandbox.detached(&["--name=watched", &option, "busybox", "sleep", "1000"]);
    let (mut stream, _) = agent.accept().expect("accept");
    let (state, _unused) = take(&mut stream);
    assert_eq!(state["fds"], json!(["seccompFd"]));
    assert_eq!((&state["metadata"], &state["state"]["id"]), (&json!("of the user"), &json!(id.as_str())));
    assert_eq!((&state["pid"], state["pid"].is_number()), (&state["state"]["pid"], true));
    // A further process has a filter of its own, and so a descriptor of its own.
    let exec = sandbox.spawn(&["exec", "watched", "mkdir", "/made"]);
    let (mut stream, _) = agent.accept().expect("accept");
    let (state, listener) = take(&mut stream);
    assert_ne!(state["pid"], state["state"]["pid"]);
    answer(&listener, libc::EXDEV);
    let run = exec.finish();
    assert_eq!(run.stderr, "mkdir: can't create directory '/made': Invalid cross-device link\n", "{run}");
    let everything = json!({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": socket});
    refused(&sandbox, &[&profile(&sandbox, &everything)], &["SCMP_ACT_NOTIFY"]);
}

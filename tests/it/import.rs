//! `import`: a root file system becomes an image.

use crate::support::artifact::{self, Packing, pack};
use crate::support::evil_tar::{self, Entry};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::witness::{assert_same, assert_staging_empties, refusal, store};
use crate::support::{Running, Sandbox};
use std::fs::File;

fn write_root(sandbox: &Sandbox, packing: Packing) -> String {
    let path = sandbox.home.join(format!("root-{packing:?}.tar"));
    std::fs::write(&path, pack(&artifact::busybox(), packing)).expect("write the archive");
    path.to_str().expect("a path made here is ASCII").to_owned()
}

#[test]
fn changes_of_every_kind_reach_the_container() {
    let sandbox = Sandbox::new();
    let root = write_root(&sandbox, Packing::Gzip);
    let changes = [
        "ENV PATH=/bin GREETING=hello",
        "ENV OLD form",
        "WORKDIR /home/app",
        "USER 1000:2000",
        "ENTRYPOINT [\"sh\", \"-c\"]",
        "CMD [\"echo $GREETING $OLD; pwd; id -u; id -g\"]",
        "LABEL a=b",
        "EXPOSE 80/tcp",
        "STOPSIGNAL USR1",
    ];
    let mut arguments = vec!["import", "--message", "made here"];
    changes.iter().for_each(|change| arguments.extend(["-c", change]));
    arguments.extend([root.as_str(), "rooted:one"]);
    let id = sandbox.ok(&arguments);
    assert!(id.starts_with("sha256:") && id.trim().len() == 71, "{id}");
    assert_eq!(sandbox.ok(&["run", "--rm", "localhost/rooted:one"]), "hello form\n/home/app\n1000\n2000\n");
    assert_eq!(sandbox.ok(&["run", "--rm", id.trim(), "echo other"]), "other\n");
    assert_staging_empties(&sandbox);
}

#[test]
fn every_compression_and_standard_input_give_the_same_layer() {
    let sandbox = Sandbox::new();
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let root = write_root(&sandbox, packing);
        let name = format!("{packing:?}").to_lowercase();
        sandbox.ok(&["import", &root, &name]);
        assert_eq!(sandbox.ok(&["run", "--rm", &name, "/bin/echo", "works"]), "works\n");
    }
    let mut command = sandbox.command(&["import", "-", "stdin:one"]);
    command.stdin(File::open(write_root(&sandbox, Packing::Plain)).expect("open the archive"));
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(std::fs::read_dir(sandbox.data.join("coracle/layers")).expect("list the layers").count(), 1);
}

#[test]
fn an_archive_can_lie_on_a_server() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let archive = pack(&artifact::busybox(), Packing::Gzip);
    fake.put("/files/root.tar.gz?x=y", "application/gzip", &archive);
    fake.rule(|request| {
        (request.target == "/moved").then(|| Answer::status(302).with("location", "/files/root.tar.gz?x=y"))
    });
    let cut = archive.clone();
    fake.rule(move |request| {
        let answer = Answer { cut_after: Some(1000), ..Answer::ok(cut.clone()) };
        (request.target == "/cut").then_some(answer)
    });
    let url = |path: &str| format!("http://{}{path}", fake.host());
    sandbox.ok(&["import", &url("/moved"), "fetched"]);
    assert_eq!(sandbox.ok(&["run", "--rm", "fetched", "/bin/echo", "works"]), "works\n");
    let before = store(&sandbox);
    for (address, message) in [
        (url("/cut"), "before the end"),
        (url("/none"), "no such file"),
        ("http://127.0.0.1:1/x".to_owned(), "refused"),
        ("http://user:secret@127.0.0.1/x".to_owned(), "user name"),
    ] {
        let run = sandbox.coracle(&["import", &address, "other"]);
        let said = refusal(&run);
        assert!(said.contains(message) && !said.contains("secret"), "{said}");
        assert_same(&store(&sandbox), &before, &address);
    }
}

#[test]
fn what_cannot_become_an_image_is_refused_in_one_line() {
    let sandbox = Sandbox::new();
    let root = write_root(&sandbox, Packing::Plain);
    sandbox.ok(&["import", &root, "good"]);
    let before = store(&sandbox);
    let file = |name: &str, bytes: &[u8]| {
        let path = sandbox.home.join(name);
        std::fs::write(&path, bytes).expect("write a file");
        path.to_str().expect("a path made here is ASCII").to_owned()
    };
    let empty = file("empty", b"");
    let climbing = file("climbing", &evil_tar::archive(&[Entry::file("../../escaped", "x")]));
    for arguments in [
        &["import", "/nonexistent.tar"][..],
        &["import", &empty],
        &["import", "-c", "RUN rm -rf /", &root],
        &["import", "-c", "NONSENSE", &root],
        &["import", "-c", "USER", &root],
        &["import", &root, "BAD NAME"],
    ] {
        refusal(&sandbox.coracle(arguments));
        assert_same(&store(&sandbox), &before, &format!("{arguments:?}"));
    }
    // The archive is a blob before it is unpacked, and is none again when that fails.
    let run = sandbox.coracle(&["import", &climbing, "climbing"]);
    assert!(refusal(&run).contains("../../escaped"), "{run}");
    assert_same(&store(&sandbox), &before, "climbing");
}

use super::*;

const PODMAN: Manners = Manners { docker: false, rootless: true };

fn volume(text: &str) -> Result<Mount> {
    parse_volume(text, PODMAN)
}

fn mount(text: &str) -> Result<Mount> {
    let mut mounts = words::parse(text, PODMAN)?;
    assert_eq!(mounts.len(), 1);
    Ok(mounts.remove(0))
}

#[test]
fn volumes_and_mounts_parse() {
    let parsed = volume("data:/var/lib/x/:ro,exec").unwrap();
    assert_eq!((parsed.target.as_str(), parsed.read_only, parsed.options.exec), ("/var/lib/x", true, Some(true)));
    assert!(matches!(volume("/tmp:/x").unwrap().kind, MountKind::Bind { .. }));
    assert!(matches!(volume("/x").unwrap().kind, MountKind::Volume { anonymous: true, .. }));
    let parsed = mount("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=700").unwrap();
    assert!(matches!(parsed.kind, MountKind::Tmpfs { size_bytes: Some(67_108_864), mode: Some(0o700), .. }));
    let parsed = mount("type=volume,src=v,dst=/x,subpath=a/b,U=true,nocopy").unwrap();
    assert!(matches!(&parsed.kind, MountKind::Volume { subpath, .. } if subpath == "a/b"));
    assert!(parsed.options.more.chown && parsed.options.no_copy);
    assert!(mount("type=image,source=i,target=/i").unwrap().read_only);
    assert!(!mount("type=image,source=i,target=/i,rw=true").unwrap().read_only);
    let parsed = volume("/tmp:/x:O,upperdir=/u,workdir=/w").unwrap();
    let kept = OverlayPlace::Kept { upper: "/u".into(), work: "/w".into() };
    assert_eq!(parsed.options.more.overlay, Some(kept));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    for (bad, word) in [
        ("a:b", "absolute"),
        ("/missing-source:/x", "missing-source"),
        ("a:/b:nonsense", "does not exist"),
        ("a:/b:readonlu", "did you mean readonly"),
        ("a:/b:ro:rw", "SOURCE"),
        ("a:/b:ro,rw", "exclude"),
        ("a:/b:shared,rslave", "exclude"),
        ("a:/b:upperdir=/u", "belong together"),
        ("a:/b:idmap", "real root"),
        ("~/x:/b", "does not match"),
        ("/tmp:/b:nocreate", "named volumes"),
    ] {
        let error = volume(bad).unwrap_err();
        let said = format!("{}; {}", crate::error::line(&error), crate::error::hint(&error).unwrap_or_default());
        assert!(said.contains(word), "{bad}: {said}");
    }
    for (bad, word) in [
        ("type=bind,target=/x", "no source"),
        ("type=volume", "no target"),
        ("type=bnid,src=/tmp,target=/x", "did you mean bind"),
        ("type=artifact,src=a,target=/x", "not supported yet"),
        ("type=tmpfs,target=/x,tmpfs-mode=9", "octal"),
        ("type=tmpfs,target=/x,tmpfs-sise=9", "did you mean tmpfs-size"),
        ("type=glob,src=/no-such-*,target=/x", "no file fits"),
        ("type=bind,src=/tmp,dst=/x,subpath=a", "does not exist"),
    ] {
        let error = words::parse(bad, PODMAN).unwrap_err();
        let said = format!("{}; {}", crate::error::line(&error), crate::error::hint(&error).unwrap_or_default());
        assert!(said.contains(word), "{bad}: {said}");
    }
}

#[test]
fn patterns_fit_as_the_shells_do() {
    for (pattern, name, is) in [
        ("*", "abc", true),
        ("a*c", "abbc", true),
        ("a*c", "abbd", false),
        ("lib?.so*", "liba.so.1", true),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[!a-c]x", "dx", true),
        ("*a*b*", "xxaxxbxx", true),
        ("\\*", "*", true),
        ("", "", true),
        ("a", "", false),
    ] {
        assert_eq!(words::fits(pattern, name), is, "{pattern} {name}");
    }
}

#[test]
fn secrets_parse() {
    use crate::container::config::SecretHow;
    let file = |target: &str, uid, mode| SecretHow::File { target: target.to_owned(), uid, gid: 0, mode };
    assert_eq!(secret::parse("s").unwrap().how, file("/run/secrets/s", 0, 0o444));
    assert_eq!(secret::parse("s,target=/x/y,uid=3,mode=0400").unwrap().how, file("/x/y", 3, 0o400));
    assert_eq!(secret::parse("s,target=../../etc/x").unwrap().how, file("/etc/x", 0, 0o444));
    let variable = SecretHow::Environment { variable: "KEY".to_owned() };
    assert_eq!(secret::parse("source=s,type=env,target=KEY").unwrap().how, variable);
    for bad in ["", "s,type=other", "s,uid=x", "s,mode=9", "s,type=env,uid=1", "s,type=env,target=A=B", "s,t"] {
        assert!(secret::parse(bad).is_err(), "{bad}");
    }
}

//! What is mounted into a container, in the words of `inspect`.

use crate::container::config::{Config, Mount, MountKind, SecretHow, SecretUse};
use crate::engine::Engine;
use crate::inspect::view::{Fields, View, view};

/// The secrets that a container gets as files; what becomes of others is nobody's business, as in podman.
pub fn secrets(config: &Config) -> View {
    let file = |asked: &SecretUse| match &asked.how {
        SecretHow::File { uid, gid, mode, .. } => {
            Some(view!({ "Name": &asked.name, "ID": &asked.id, "UID": *uid, "GID": *gid, "Mode": *mode }))
        }
        SecretHow::Environment { .. } => None,
    };
    config.secrets.iter().filter_map(file).collect()
}

/// Binds and volumes; file systems in memory are in `HostConfig.Tmpfs`.
pub fn mount_point(engine: &Engine, mount: &Mount) -> Option<View> {
    let (kind, name, source, driver) = match &mount.kind {
        MountKind::Bind { source } => ("bind", None, source.clone(), ""),
        MountKind::Volume { name, .. } => {
            ("volume", Some(name.as_str()), crate::volume::data(engine, name.as_str()), "local")
        }
        MountKind::Image(image) => ("image", None, image.name.clone().into(), ""),
        MountKind::Tmpfs { .. } | MountKind::Devpts(_) => return None,
    };
    let mut point = view!({
        "Type": kind,
        "Source": source.display().to_string(),
        "Destination": &mount.target,
        "Driver": driver,
        "Mode": "",
        "Options": mount_options(mount),
        "RW": !mount.read_only,
        "Propagation": mount.options.propagation.name(),
    });
    // A bind has no name, and in Go's JSON then no such field.
    if let Some(name) = name {
        point.set("Name", name);
    }
    Some(point)
}

fn mount_options(mount: &Mount) -> Vec<&'static str> {
    let options = &mount.options;
    let flags = [("nosuid", !options.suid), ("nodev", !options.dev), ("noexec", options.exec == Some(false))];
    flags
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name)
        .chain([if options.more.not_recursive { "bind" } else { "rbind" }])
        .collect()
}

pub fn bind_text(mount: &Mount) -> Option<String> {
    let source = match &mount.kind {
        MountKind::Bind { source } => source.display().to_string(),
        MountKind::Volume { name, .. } => name.to_string(),
        MountKind::Image(_) | MountKind::Tmpfs { .. } | MountKind::Devpts(_) => return None,
    };
    let access = if mount.read_only { "ro" } else { "rw" };
    let options = mount_options(mount).join(",");
    Some(format!("{source}:{}:{access},{},{options}", mount.target, mount.options.propagation.name()))
}

pub fn tmpfs(config: &Config) -> View {
    let mut all = Fields::default();
    for mount in &config.mounts {
        if let MountKind::Tmpfs { size_bytes, mode, .. } = &mount.kind {
            let mut options = vec![if mount.read_only { "ro" } else { "rw" }.to_owned()];
            options
                .extend(mount_options(mount).iter().filter(|name| **name != "rbind").map(|name| (*name).to_owned()));
            options.extend(size_bytes.map(|size| format!("size={size}")));
            options.extend(mode.map(|mode| format!("mode={mode:o}")));
            all.set(mount.target.clone(), options.join(",").into());
        }
    }
    View::Object(all)
}

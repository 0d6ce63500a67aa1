//! A container's `Config`: what runs in it, and how it is looked after.

use super::image_name;
use super::network::port_bindings;
use crate::container::config::Config;
use crate::inspect::view::{Fields, View, view};

pub fn process_config(config: &Config) -> View {
    let process = &config.process;
    let exposed: Fields = port_bindings(&config.ports).names().map(|port| (port.to_owned(), view!({}))).collect();
    view!({
        "Hostname": &config.hostname,
        "Domainname": "",
        "User": &process.user,
        "AttachStdin": false,
        "AttachStdout": false,
        "AttachStderr": false,
        "Tty": process.terminal,
        "OpenStdin": process.interactive,
        "StdinOnce": false,
        "Env": &process.environment,
        "Cmd": &process.command,
        "Entrypoint": process.entrypoint.as_deref().unwrap_or_default(),
        "Image": image_name(config),
        "Volumes": {},
        "WorkingDir": &process.working_directory,
        "OnBuild": [],
        "Labels": &config.labels,
        "Annotations": &config.annotations,
        "Secrets": super::mounts::secrets(config),
        "Timezone": config.users.timezone.as_deref().unwrap_or_default(),
        "SystemdMode": config.security.systemd == crate::container::config::Systemd::Yes,
        "ChrootDirs": &config.users.chroot_dirs,
        "StopSignal": signal_name(config.stop.signal),
        "StopTimeout": config.stop.timeout_secs,
        "CreateCommand": &config.create_command,
        "ExposedPorts": exposed,
        "Umask": format!("{:04o}", config.users.umask.unwrap_or(0o022)),
        "Timeout": config.timeout_secs.unwrap_or(0),
        "Passwd": !config.users.accounts.off,
        "sdNotifyMode": config.notify.name(),
    })
}

/// `SIGTERM`, or the number of a signal that has no name.
fn signal_name(signal: Option<i32>) -> String {
    let signal = signal.unwrap_or(libc::SIGTERM);
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| signal.to_string(), |signal| signal.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_full_names() {
        assert_eq!(
            (signal_name(None), signal_name(Some(2)), signal_name(Some(37))),
            ("SIGTERM".into(), "SIGINT".into(), "37".into())
        );
    }
}

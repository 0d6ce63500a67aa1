# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_coracle_global_optspecs
    string join \n root= runroot= out= noout= l/log-level= syslog= D/debug= conmon= network-cmd-path= tmpdir= runtime-flag= runtime= cgroup-manager= events-backend= storage-driver= ssh= c/context= storage-opt= imagestore= volumepath= transient-store= module= hooks-dir= cdi-spec-dir= network-config-dir= config= url= H/host= connection= identity= r/remote= tls= tlsverify= tls-ca= tls-cert= tls-key= tlscacert= tlscert= tlskey= v/version h/help
end

function __fish_coracle_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_coracle_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_coracle_using_subcommand
    set -l cmd (__fish_coracle_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c coracle -n "__fish_coracle_needs_command" -l root -d 'Keep images and containers in DIR' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runroot -d 'Keep what is about live processes in DIR' -r
complete -c coracle -n "__fish_coracle_needs_command" -l out -d 'Write standard output to FILE' -r
complete -c coracle -n "__fish_coracle_needs_command" -l noout -d 'Write nothing to standard output' -r
complete -c coracle -n "__fish_coracle_needs_command" -s l -l log-level -d 'Ignored: there is no log of the engine' -r
complete -c coracle -n "__fish_coracle_needs_command" -l syslog -d 'Ignored: there is no log of the engine' -r
complete -c coracle -n "__fish_coracle_needs_command" -s D -l debug -d 'Ignored: there is no log of the engine' -r
complete -c coracle -n "__fish_coracle_needs_command" -l conmon -d 'Ignored: the engine is its own monitor' -r
complete -c coracle -n "__fish_coracle_needs_command" -l network-cmd-path -d 'Ignored: pasta is found on the path' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tmpdir -d 'Ignored: what is about live processes lies in the runroot' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runtime-flag -d 'Ignored: the engine is its own runtime' -r
complete -c coracle -n "__fish_coracle_needs_command" -l runtime -d 'Take the engine\'s own runtime, which stands for crun and runc; there is no other' -r
complete -c coracle -n "__fish_coracle_needs_command" -l cgroup-manager -d 'Ignored: systemd is asked where it runs' -r
complete -c coracle -n "__fish_coracle_needs_command" -l events-backend -d 'Take the file as the place of events; there is no other' -r
complete -c coracle -n "__fish_coracle_needs_command" -l storage-driver -d 'Take the overlay driver; there is no other' -r
complete -c coracle -n "__fish_coracle_needs_command" -l ssh -d 'Ignored: there is no service to speak to' -r
complete -c coracle -n "__fish_coracle_needs_command" -s c -l context -d 'Take this host, the default; there is no other' -r
complete -c coracle -n "__fish_coracle_needs_command" -l storage-opt -d 'Refused: the store has no options' -r
complete -c coracle -n "__fish_coracle_needs_command" -l imagestore -d 'Not supported yet' -r
complete -c coracle -n "__fish_coracle_needs_command" -l volumepath -d 'Not supported yet' -r
complete -c coracle -n "__fish_coracle_needs_command" -l transient-store -d 'Not supported yet' -r
complete -c coracle -n "__fish_coracle_needs_command" -l module -d 'Read this module of containers.conf too' -r
complete -c coracle -n "__fish_coracle_needs_command" -l hooks-dir -d 'Take hooks from DIR instead of the usual directories' -r
complete -c coracle -n "__fish_coracle_needs_command" -l cdi-spec-dir -d 'Take CDI specifications from DIR instead of the usual directories' -r
complete -c coracle -n "__fish_coracle_needs_command" -l network-config-dir -d 'Not supported yet' -r
complete -c coracle -n "__fish_coracle_needs_command" -l config -d 'Refused: set DOCKER_CONFIG instead' -r
complete -c coracle -n "__fish_coracle_needs_command" -l url -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -s H -l host -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l connection -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l identity -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -s r -l remote -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tls -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tlsverify -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tls-ca -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tls-cert -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tls-key -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tlscacert -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tlscert -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -l tlskey -d 'Refused: the engine works on this host alone' -r
complete -c coracle -n "__fish_coracle_needs_command" -s v -l version -d 'Print the version'
complete -c coracle -n "__fish_coracle_needs_command" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "create" -d 'Make a container and print its id'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "stop" -d 'Stop one or more running containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "restart" -d 'Restart one or more containers, or start those that do not run'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pause" -d 'Hold all processes of one or more containers still'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unpause" -d 'Let one or more paused containers go on'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "wait" -d 'Wait until one or more containers have ended, and print their exit codes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rename" -d 'Give a container another name'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "stats" -d 'Show what containers use up: processor, memory, network, devices'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "update" -d 'Change a container that exists: limits, restart policy, health check and egress rules at once, the rest from its next start on'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "init" -d 'Check that one or more containers can be started; there is nothing to be prepared ahead of that'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logs" -d 'Print the output of one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "port" -d 'Print which ports of the host lead to a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "top" -d 'Show the processes of a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "exec" -d 'Run a command in a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "attach" -d 'Join the standard streams of a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "cp" -d 'Copy files between a container and the host, or between two containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "diff" -d 'Show what a container, or the topmost layer of an image, has changed: A is added, C changed, D deleted'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "export" -d 'Write a container\'s root file system to a tar archive'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "commit" -d 'Make an image of a container as it is now, and print its id'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "mount" -d 'Show the root file systems of containers as directories, read-only unless the container runs, and print where'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unmount" -d 'Take away what mount has shown'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "umount" -d 'Take away what mount has shown'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "events" -d 'Print what happens to containers, images and volumes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pull" -d 'Fetch one or more images, and print their ids'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "push" -d 'Send an image to a registry, or to an archive or a directory'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "load" -d 'Load images from an archive (docker save, podman save, OCI) or an OCI directory'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "save" -d 'Save images to an archive, or to a directory'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "images" -d 'List images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "history" -d 'Show the steps in which an image was made'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rmi" -d 'Remove one or more images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "tag" -d 'Give an image one or more further names'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "untag" -d 'Take one or more names from an image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "import" -d 'Make an image of a tar archive that is a root file system, and print its id'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "search" -d 'Look for images in a registry'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "login" -d 'Sign in to a registry, and keep the credentials for later commands'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logout" -d 'Sign out of a registry: its credentials are forgotten'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "inspect" -d 'Show all that is known of containers, images, volumes and networks'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "info" -d 'Show the engine, its store and the host'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "version" -d 'Show the version of the engine'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unshare" -d 'Run a command as root of your own user namespace'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "completion" -d 'Print the completions for a shell'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "container" -d 'Work with containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "healthcheck" -d 'Look after the health of containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "image" -d 'Work with images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "manifest" -d 'Work with lists of images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "artifact" -d 'Work with artifacts: files that go through registries'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "volume" -d 'Work with volumes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "network" -d 'Work with networks'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "secret" -d 'Work with secrets'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "system" -d 'Look after the engine'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l detach-keys -d 'Leave the container running when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l preserve-fds -d 'Hand this many descriptors on, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l preserve-fd -d 'Hand these descriptors on, under their numbers' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l label-file -d 'Read metadata from a file of KEY[=VALUE] lines, below what --label says' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l requires -d 'Start these containers first, and keep them from being removed' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pull -d 'When to ask the registry for the image: always, missing (the default), never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s a -l attach -d 'Show these streams alone, stdin as with --interactive' -r -f -a "stdin\t''
stdout\t''
stderr\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-host -d 'Take over all variables of this environment, below those that are set here' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-merge -d 'Change a variable of the image; the value may have $NAME of others in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l unsetenv -d 'Leave out a variable of the engine\'s or the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l unsetenv-all -d 'Leave out all variables of the engine\'s and the image\'s' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l http-proxy -d 'Take over the variables of this environment that name proxies [default: false]' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l annotation -d 'Annotate the container for the hooks and programs that look for it' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pidfile -d 'Write the pid of the container\'s first process to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l conmon-pidfile -d 'Write the pid of the container\'s monitor to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, z, Z, U, O, idmap, copy, nocopy, nocreate, exec, noexec, suid, dev, bind, rbind, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs|ramfs|image|glob|devpts, source, target, and what each type takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec, suid, dev, tmpcopyup, notmpcopyup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l volumes-from -d 'Mount what this container has mounted too; options: ro, rw, z' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l image-volume -d 'What becomes of the volumes that the image declares: anonymous volumes (also called bind), tmpfs, or nothing (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only-tmpfs -d 'With --read-only, leave /run, /tmp, /var/tmp, /dev and /dev/shm writable' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l shm-size -d 'Limit /dev/shm to this size [default: 64m]; 0 is no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l shm-size-systemd -d 'Limit what systemd has on tmpfs, each of /run, /run/lock, /tmp and /var/log/journal, to this size' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l secret -d 'Give the container a secret, as a file or as an environment variable; options: type=mount|env, target=, uid=, gid=, mode=' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l network -l net -d 'Connect to networks: those of network create, bridge, none, host, private, pasta[:OPTION,...], container:NAME or ns:PATH; NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME says how [default: pasta where it is installed, bridge for root]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s p -l publish -d 'Lead a port of the host into the container; without one of the host\'s, one that is free. On a bridge, proxy has each connection begin with a header of the PROXY protocol that names the client' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l expose -d 'Name a port that may be published' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l egress -d 'Rule what may leave the container\'s networks, to other networks, the host or the world: allow=TARGET,... and deny=TARGET,..., of which the first that fits decides; deny or allow alone is for what none of them names [default: deny with an allow=, else allow]. A target is ADDRESS, ADDRESS/PREFIX, or with allow= a NAME or *.NAME; behind it :PORT or :PORT-PORT, of TCP unless /udp follows ([ADDRESS]:PORT for IPv6). A name is open as the networks\' name server resolves it, to public addresses alone, and other names are not resolved. Containers of its networks and clients of published ports are always answered. Without --network it is on the bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns -d 'Ask this name server, or with none keep the image\'s resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns-search -d 'Complete names with this domain; a dot is none' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l dns-option -l dns-opt -d 'Set an option of resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l add-host -d 'Add a line to /etc/hosts; host-gateway is the address of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l hosts-file -d 'Make /etc/hosts from this file of the host, from none, or from the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ip -d 'Have this address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ip6 -d 'Have this IPv6 address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l mac-address -d 'Have this MAC address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l network-alias -d 'Be found by this name, too, in the networks' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l userns -d 'Map ids: host, keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], nomap, container:NAME or ns:PATH' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l uidmap -d 'Map uids; @ before OUTSIDE means the host\'s, + before INSIDE keeps all others mapped' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l gidmap -d 'Map gids, as --uidmap does uids' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l subuidname -d 'Map the ids that /etc/subuid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l subgidname -d 'Map the ids that /etc/subgid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l group-add -d 'Add the process to this group, by name or number; keep-groups keeps the groups of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l passwd -d 'Add the container\'s user to its /etc/passwd and /etc/group if they are missing there' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l passwd-entry -d 'Write this line to /etc/passwd; $USERNAME, $UID, $GID, $NAME and $HOME are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l group-entry -d 'Write this line to /etc/group; $GROUPNAME, $GID and $USERLIST are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l hostuser -d 'Add an account of the host to the container\'s /etc/passwd, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l umask -d 'Start with this file mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tz -d 'Set the time zone: a name such as Europe/Berlin, or local for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l chrootdirs -d 'Write hosts and resolv.conf into this directory too, for who changes the root to it' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pid -d 'Share the pid namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ipc -d 'Share the ipc namespace of the host, of container:NAME or of ns:PATH; private, shareable and none are new ones' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l uts -d 'Share the host name of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroupns -d 'Share the cgroup namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device -d 'Give the container a device of the host, a directory of them, or one by its CDI name VENDOR/CLASS=NAME' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l gpus -d 'Give the container GPUs of NVIDIA\'s by their CDI names: all, an index or an id' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-cgroup-rule -d 'Allow devices by their numbers; only root\'s engine has cgroups that could' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, proc-opts=OPTIONS, apparmor=PROFILE, label=disable, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l seccomp-policy -d 'Where the seccomp profile comes from: default, or what --security-opt names; an image has no say in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sysctl -d 'Set a parameter of the kernel in the container\'s own namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l systemd -d 'Prepare the container for systemd as its first process: true (when it is), always, false' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init-path -d 'Refused: the engine is its own init' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l personality -d 'Run as on a machine of 32 bits: LINUX32' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l restart -d 'Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l timeout -d 'Kill the container when it has run for this many seconds; 0 lets it run' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sdnotify -d 'Choose who tells systemd that the service is ready: conmon (the engine), container, healthy, ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-cmd -d 'Check the container\'s health with this command: a line for its shell, a JSON array, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-interval -d 'Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-retries -d 'Call the container unhealthy after this many failures in a row [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-start-period -d 'Let failures not count for this long after the start [default: 0s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-timeout -d 'Take a check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-on-failure -d 'Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-cmd -d 'Hold the health check back until this command has succeeded' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-interval -d 'Wait this long between two startup checks [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-retries -d 'Restart the container after this many failed startup checks; 0 goes on [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-success -d 'Ask for this many successful startup checks in a row; 0 is one [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-startup-timeout -d 'Take a startup check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-log-destination -d 'Keep the results here: local, a directory, or events_logger [default: local]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-max-log-count -d 'Keep this many results; 0 keeps as many as there is room for [default: 5]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l health-max-log-size -d 'Keep this much of a check\'s output, in bytes; 0 keeps as much as there is room for [default: 500]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l log-driver -d 'Keep the output as k8s-file (the default), json-file, journald, none, passthrough, passthrough-tty' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l log-opt -d 'Set an option of the log: max-size, max-file, path, tag, label, compress' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s d -l detach -d 'Print the container\'s id and leave it running'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rmi -d 'As --rm, and remove the image too unless another container uses it'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s q -l quiet -d 'Show no progress of a pull'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s P -l publish-all -d 'Publish all ports that the image or --expose names, at ports that are free'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-hosts -d 'Keep the image\'s /etc/hosts'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-hostname -d 'Keep the image\'s /etc/hostname'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l no-healthcheck -d 'Make no health checks, whatever the image says'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l label-file -d 'Read metadata from a file of KEY[=VALUE] lines, below what --label says' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l requires -d 'Start these containers first, and keep them from being removed' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pull -d 'When to ask the registry for the image: always, missing (the default), never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s a -l attach -d 'Show these streams alone, stdin as with --interactive' -r -f -a "stdin\t''
stdout\t''
stderr\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-host -d 'Take over all variables of this environment, below those that are set here' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-merge -d 'Change a variable of the image; the value may have $NAME of others in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l unsetenv -d 'Leave out a variable of the engine\'s or the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l unsetenv-all -d 'Leave out all variables of the engine\'s and the image\'s' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l http-proxy -d 'Take over the variables of this environment that name proxies [default: false]' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l annotation -d 'Annotate the container for the hooks and programs that look for it' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pidfile -d 'Write the pid of the container\'s first process to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l conmon-pidfile -d 'Write the pid of the container\'s monitor to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, z, Z, U, O, idmap, copy, nocopy, nocreate, exec, noexec, suid, dev, bind, rbind, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs|ramfs|image|glob|devpts, source, target, and what each type takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec, suid, dev, tmpcopyup, notmpcopyup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l volumes-from -d 'Mount what this container has mounted too; options: ro, rw, z' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l image-volume -d 'What becomes of the volumes that the image declares: anonymous volumes (also called bind), tmpfs, or nothing (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only-tmpfs -d 'With --read-only, leave /run, /tmp, /var/tmp, /dev and /dev/shm writable' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l shm-size -d 'Limit /dev/shm to this size [default: 64m]; 0 is no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l shm-size-systemd -d 'Limit what systemd has on tmpfs, each of /run, /run/lock, /tmp and /var/log/journal, to this size' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l secret -d 'Give the container a secret, as a file or as an environment variable; options: type=mount|env, target=, uid=, gid=, mode=' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l network -l net -d 'Connect to networks: those of network create, bridge, none, host, private, pasta[:OPTION,...], container:NAME or ns:PATH; NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME says how [default: pasta where it is installed, bridge for root]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s p -l publish -d 'Lead a port of the host into the container; without one of the host\'s, one that is free. On a bridge, proxy has each connection begin with a header of the PROXY protocol that names the client' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l expose -d 'Name a port that may be published' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l egress -d 'Rule what may leave the container\'s networks, to other networks, the host or the world: allow=TARGET,... and deny=TARGET,..., of which the first that fits decides; deny or allow alone is for what none of them names [default: deny with an allow=, else allow]. A target is ADDRESS, ADDRESS/PREFIX, or with allow= a NAME or *.NAME; behind it :PORT or :PORT-PORT, of TCP unless /udp follows ([ADDRESS]:PORT for IPv6). A name is open as the networks\' name server resolves it, to public addresses alone, and other names are not resolved. Containers of its networks and clients of published ports are always answered. Without --network it is on the bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns -d 'Ask this name server, or with none keep the image\'s resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns-search -d 'Complete names with this domain; a dot is none' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l dns-option -l dns-opt -d 'Set an option of resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l add-host -d 'Add a line to /etc/hosts; host-gateway is the address of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l hosts-file -d 'Make /etc/hosts from this file of the host, from none, or from the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ip -d 'Have this address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ip6 -d 'Have this IPv6 address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l mac-address -d 'Have this MAC address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l network-alias -d 'Be found by this name, too, in the networks' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l userns -d 'Map ids: host, keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], nomap, container:NAME or ns:PATH' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l uidmap -d 'Map uids; @ before OUTSIDE means the host\'s, + before INSIDE keeps all others mapped' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l gidmap -d 'Map gids, as --uidmap does uids' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l subuidname -d 'Map the ids that /etc/subuid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l subgidname -d 'Map the ids that /etc/subgid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l group-add -d 'Add the process to this group, by name or number; keep-groups keeps the groups of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l passwd -d 'Add the container\'s user to its /etc/passwd and /etc/group if they are missing there' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l passwd-entry -d 'Write this line to /etc/passwd; $USERNAME, $UID, $GID, $NAME and $HOME are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l group-entry -d 'Write this line to /etc/group; $GROUPNAME, $GID and $USERLIST are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l hostuser -d 'Add an account of the host to the container\'s /etc/passwd, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l umask -d 'Start with this file mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tz -d 'Set the time zone: a name such as Europe/Berlin, or local for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l chrootdirs -d 'Write hosts and resolv.conf into this directory too, for who changes the root to it' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pid -d 'Share the pid namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ipc -d 'Share the ipc namespace of the host, of container:NAME or of ns:PATH; private, shareable and none are new ones' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l uts -d 'Share the host name of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroupns -d 'Share the cgroup namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device -d 'Give the container a device of the host, a directory of them, or one by its CDI name VENDOR/CLASS=NAME' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l gpus -d 'Give the container GPUs of NVIDIA\'s by their CDI names: all, an index or an id' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-cgroup-rule -d 'Allow devices by their numbers; only root\'s engine has cgroups that could' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, proc-opts=OPTIONS, apparmor=PROFILE, label=disable, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l seccomp-policy -d 'Where the seccomp profile comes from: default, or what --security-opt names; an image has no say in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l sysctl -d 'Set a parameter of the kernel in the container\'s own namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l systemd -d 'Prepare the container for systemd as its first process: true (when it is), always, false' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init-path -d 'Refused: the engine is its own init' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l personality -d 'Run as on a machine of 32 bits: LINUX32' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l restart -d 'Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l timeout -d 'Kill the container when it has run for this many seconds; 0 lets it run' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l sdnotify -d 'Choose who tells systemd that the service is ready: conmon (the engine), container, healthy, ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-cmd -d 'Check the container\'s health with this command: a line for its shell, a JSON array, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-interval -d 'Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-retries -d 'Call the container unhealthy after this many failures in a row [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-start-period -d 'Let failures not count for this long after the start [default: 0s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-timeout -d 'Take a check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-on-failure -d 'Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-cmd -d 'Hold the health check back until this command has succeeded' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-interval -d 'Wait this long between two startup checks [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-retries -d 'Restart the container after this many failed startup checks; 0 goes on [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-success -d 'Ask for this many successful startup checks in a row; 0 is one [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-startup-timeout -d 'Take a startup check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-log-destination -d 'Keep the results here: local, a directory, or events_logger [default: local]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-max-log-count -d 'Keep this many results; 0 keeps as many as there is room for [default: 5]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l health-max-log-size -d 'Keep this much of a check\'s output, in bytes; 0 keeps as much as there is room for [default: 500]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l log-driver -d 'Keep the output as k8s-file (the default), json-file, journald, none, passthrough, passthrough-tty' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l log-opt -d 'Set an option of the log: max-size, max-file, path, tag, label, compress' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rmi -d 'As --rm, and remove the image too unless another container uses it'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s q -l quiet -d 'Show no progress of a pull'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s P -l publish-all -d 'Publish all ports that the image or --expose names, at ports that are free'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-hosts -d 'Keep the image\'s /etc/hosts'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-hostname -d 'Keep the image\'s /etc/hostname'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l no-healthcheck -d 'Make no health checks, whatever the image says'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l detach-keys -d 'Leave the container running when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -l sig-proxy -d 'Pass signals on to the container, with --attach' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand start" -s f -l filter -d 'Start only containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -s a -l attach -d 'Show the container\'s output, and end with its exit code'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s i -l interactive -d 'Hand this program\'s standard input to the container'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s t -l time -l timeout -d 'Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s s -l signal -d 'Ask with this signal instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s i -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s t -l time -l timeout -d 'Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s f -l filter -d 'Restart only containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand restart" -l cidfile -d 'Read ids from a file that --cidfile of run has written' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand restart" -l running -d 'Restart only containers that run'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand restart" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s s -l signal -d 'The signal, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand kill" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand pause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand unpause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l condition -d 'Wait until a container is in this state instead: configured, created, exited, healthy, initialized, paused, removing, running, stopped, stopping or unhealthy; the first of several counts' -r
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s i -l interval -d 'Look this often for what is not announced: milliseconds, or a duration' -r
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l exit-first-match -d 'Return when the first of the containers is in the state'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s t -l time -d 'Ask the container to end, with --force, and kill it after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -l depend -d 'Remove the containers that depend on these too'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s f -l force -d 'Kill the container first if it runs; a container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s i -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s v -l volumes -d 'Remove the container\'s anonymous volumes too'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rename" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s i -l interval -d 'Look again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s l -l latest -d 'Show the one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l no-reset -d 'Do not clear the terminal in between'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l no-stream -d 'Look once'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand stats" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand update" -l restart -d 'Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s e -l env -d 'Set an environment variable from the next start on; NAME alone takes its value from here' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l unsetenv -d 'Take an environment variable away from the next start on' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l publish-add -d 'Lead a further port of the host into the container, at once if it is on a bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l publish-rm -d 'Lead a port of the host there no more; PORT alone means all that lead to this one of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l egress -d 'Rule what may leave the container\'s networks by these from now on, in place of all rules that it has, as --egress of run does; allow alone lets everything out again. Connections that they forbid end' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-cmd -d 'Check the container\'s health with this command: a line for its shell, a JSON array, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-interval -d 'Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-retries -d 'Call the container unhealthy after this many failures in a row [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-start-period -d 'Let failures not count for this long after the start [default: 0s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-timeout -d 'Take a check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-on-failure -d 'Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-cmd -d 'Hold the health check back until this command has succeeded' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-interval -d 'Wait this long between two startup checks [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-retries -d 'Restart the container after this many failed startup checks; 0 goes on [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-success -d 'Ask for this many successful startup checks in a row; 0 is one [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-startup-timeout -d 'Take a startup check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-log-destination -d 'Keep the results here: local, a directory, or events_logger [default: local]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-max-log-count -d 'Keep this many results; 0 keeps as many as there is room for [default: 5]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l health-max-log-size -d 'Keep this much of a check\'s output, in bytes; 0 keeps as much as there is room for [default: 500]' -r
complete -c coracle -n "__fish_coracle_using_subcommand update" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand update" -l no-healthcheck -d 'Make no health checks, whatever the image says'
complete -c coracle -n "__fish_coracle_using_subcommand update" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand update" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand init" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s f -l filter -d 'Show only containers that fit: ancestor, annotation, before, command, exited, health, id, label, label!, name, network, pod, restart-policy, should-start-on-boot, since, status, until, volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s n -l last -d 'Show the containers that were made last, running or not: this many' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l sort -d 'Order by this' -r -f -a "command\t''
created\t''
id\t''
image\t''
names\t''
runningfor\t''
size\t''
status\t''"
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s w -l watch -d 'Show the list again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l external -d 'Accepted for scripts of podman: there are no containers of others in the store'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l ns -l namespace -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s p -l pod -d 'Show the pods that the containers are in'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s s -l size -d 'Show how much of the disk the containers take up: what they have written, and with their images'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l sync -d 'Accepted for scripts of podman: what is shown is always asked of the kernel'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l tail -d 'Begin this many lines before the end; all, or a negative number, is the whole log' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l since -d 'Only what was written since then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l until -d 'Only what was written before then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s f -l follow -d 'Go on printing until the containers end'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s t -l timestamps -d 'Begin every line with its time'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s n -l names -d 'Begin every line with the container\'s name; of several containers it is else the id'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l color -d 'Give each container\'s name a colour'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand port" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand top" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand top" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l detach-keys -d 'Leave the command running when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l preserve-fds -d 'Hand this many descriptors on, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l preserve-fd -d 'Hand these descriptors on, under their numbers' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s d -l detach -d 'Leave the command running'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s t -l tty -d 'Give the command a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l privileged -d 'Give the command all capabilities that the container\'s namespaces allow'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s l -l latest -d 'Run it in the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l no-session -d 'Accepted for compatibility: no record of a command is kept in any case'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l detach-keys -d 'Leave the container when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l no-stdin -d 'Do not hand over standard input'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -s a -l archive -d 'Give what is copied into a container to the container\'s user; as docker, keep owners instead of giving all to root' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cp" -l pause -d 'Accepted for scripts of podman: nothing is paused' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand cp" -s L -l follow-link -d 'Copy what SOURCE leads to if it is a symbolic link, which is the default but as docker'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -l overwrite -d 'Let a directory take the place of a file, and a file that of a directory'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -s q -l quiet -d 'Accepted for scripts of docker: nothing is printed'
complete -c coracle -n "__fish_coracle_using_subcommand cp" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand diff" -l format -d 'Print lists as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand diff" -s l -l latest -d 'Take the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand diff" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand export" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand export" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s a -l author -d 'Name the author of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s c -l change -d 'Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -l config -d 'Merge an image\'s configuration in a JSON file into the image\'s, before the changes' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s f -l format -d 'Choose the format of the manifest: oci or docker' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -l iidfile -d 'Write the image\'s id to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s m -l message -d 'Note this in the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s p -l pause -d 'Hold the container still meanwhile; the layer is sound without that, but files may be of different moments' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand commit" -l include-volumes -d 'Make the container\'s volumes volumes of the image'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s q -l quiet -d 'Print nothing but the id, which is all that is printed anyway'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s s -l squash -d 'Make one layer of all'
complete -c coracle -n "__fish_coracle_using_subcommand commit" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -l format -d 'Print the list of what is mounted as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand mount" -s a -l all -d 'Mount all containers'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -s l -l latest -d 'Mount the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -l notruncate -l no-trunc -d 'Print whole ids'
complete -c coracle -n "__fish_coracle_using_subcommand mount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s f -l force -d 'Take away a container\'s root even if it is not mounted'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand unmount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand umount" -s f -l force -d 'Take away a container\'s root even if it is not mounted'
complete -c coracle -n "__fish_coracle_using_subcommand umount" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand umount" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand umount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand events" -s f -l filter -d 'Print only events that fit: container, event, image, label, network, type, volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l no-trunc -d 'Print whole ids' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand events" -l since -d 'Begin with what has happened since then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -l stream -d 'Go on with what happens, until interrupted' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand events" -l until -d 'End with what has happened by then: a time, or how long from now' -r
complete -c coracle -n "__fish_coracle_using_subcommand events" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l policy -d 'When to ask the registry: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s a -l all-tags -d 'Fetch all tags of the images\' repositories'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compression-format -d 'Compress layers with gzip, zstd or zstd:chunked: all that are compressed otherwise, or not at all [default: gzip, and only those that are not]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l compression-level -d 'Compress with this level: 1 to 9 for gzip [default: 5], 1 to 20 for zstd [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l force-compression -d 'Compress layers anew that are compressed in another format' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand push" -l digestfile -d 'Write the digest of the manifest, by which the registry knows the image, to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -s f -l format -d 'Write the manifest in this format: oci or v2s2 (also called docker) [default: as it is]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l platform -d 'Of an index, send the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by -d 'Sign with this key of GnuPG, and put the signature where registries.d says' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by-sigstore -d 'Sign as this file says: containers-sigstore-signing-params.yaml(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-by-sigstore-private-key -d 'Sign with this private key of sigstore, and attach the signature to the image in its registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l sign-passphrase-file -d 'Take the key\'s passphrase from the first line of this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l encryption-key -d 'Refused: layers cannot be encrypted' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l encrypt-layer -d 'Refused: layers cannot be encrypted' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand push" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand push" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand push" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand push" -l all -d 'Send all images of an index, not just the one for this machine'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s a -l all-tags -d 'Send all tags of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand push" -l remove-signatures -d 'Send no signatures; none are kept with images here'
complete -c coracle -n "__fish_coracle_using_subcommand push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s i -l input -d 'Read from this file or directory instead of standard input' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand load" -l platform -d 'Of an image for several systems, load the one for this' -r
complete -c coracle -n "__fish_coracle_using_subcommand load" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand load" -s q -l quiet -d 'Do not print the names of what was loaded'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s o -l output -d 'Write to this file or directory instead of standard output' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand save" -l format -d 'What to write: docker-archive, docker-dir, oci-archive or oci-dir [default: docker-archive]' -r
complete -c coracle -n "__fish_coracle_using_subcommand save" -l platform -d 'Fail unless the images are for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand save" -s m -l multi-image-archive -d 'Take every argument for an image, not the further ones for more names of the first'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand save" -l compress -d 'Compress the layers with gzip; for docker-dir'
complete -c coracle -n "__fish_coracle_using_subcommand save" -l uncompressed -d 'Leave layers that are not compressed as they are, as is always done'
complete -c coracle -n "__fish_coracle_using_subcommand save" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s f -l filter -d 'Show only images that fit: after, before, containers, dangling, digest, id, intermediate, label, label!, manifest, readonly, reference, since, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l sort -d 'Order by this' -r -f -a "created\t''
id\t''
repository\t''
size\t''
tag\t''"
complete -c coracle -n "__fish_coracle_using_subcommand images" -s a -l all -d 'Show all images (there are no hidden ones)'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l digests -d 'Show the digests of the manifests too'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l history -d 'Show all names too that each image has and had'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l tree -d 'Show for each image what it has for which platform, and what that takes'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand history" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand history" -s H -l human -d 'Show sizes and times in words' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand history" -l platform -d 'Fail unless the image is for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand history" -l no-trunc -d 'Do not shorten ids and steps'
complete -c coracle -n "__fish_coracle_using_subcommand history" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand history" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -l platform -d 'Fail unless the images are for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s a -l all -d 'Remove all images'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s f -l force -d 'Remove an image with several names, and the containers that use it'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s i -l ignore -d 'An image that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -l no-prune -d 'Leave images without a name on which the image was built, as is always done'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand tag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand untag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s c -l change -d 'Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s m -l message -d 'Note this in the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l platform -d 'Say that the image is for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l os -d 'Say that the image is for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l arch -d 'Say that the image is for this architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l variant -d 'Say that the image is for this variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand import" -s q -l quiet -d 'Print nothing but the id'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand search" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -s f -l filter -d 'Show only images that fit: stars=COUNT, is-official, is-automated' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l limit -d 'Show at most so many of each registry [default: 25]' -r
complete -c coracle -n "__fish_coracle_using_subcommand search" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand search" -l compatible -d 'Show stars, and which images are official or built automatically, too'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l list-tags -d 'List the tags of the image that is named'
complete -c coracle -n "__fish_coracle_using_subcommand search" -l no-trunc -d 'Do not cut descriptions off'
complete -c coracle -n "__fish_coracle_using_subcommand search" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand login" -l authfile -d 'Keep credentials in this file [default: $REGISTRY_AUTH_FILE, or containers/auth.json in $XDG_RUNTIME_DIR]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l compat-auth-file -d 'Keep credentials in this file, as docker reads it' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand login" -s p -l password -d 'The password; other users may see it while the command runs, so better use --password-stdin' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -l secret -d 'Take the password from a secret; without --username, the user is called like it' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand login" -s u -l username -d 'The user' -r
complete -c coracle -n "__fish_coracle_using_subcommand login" -l get-login -d 'Print the user that is signed in, and do nothing else'
complete -c coracle -n "__fish_coracle_using_subcommand login" -l password-stdin -d 'Read the password from standard input'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s v -l verbose -d 'Say where the credentials are kept'
complete -c coracle -n "__fish_coracle_using_subcommand login" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l authfile -d 'Keep credentials in this file [default: $REGISTRY_AUTH_FILE, or containers/auth.json in $XDG_RUNTIME_DIR]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l compat-auth-file -d 'Keep credentials in this file, as docker reads it' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand logout" -l tls-verify -d 'Accepted as for login: no registry is asked' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand logout" -s a -l all -d 'Forget the credentials for all registries'
complete -c coracle -n "__fish_coracle_using_subcommand logout" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s k -l type -d 'Look only for this: all, container, image, volume or network' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s s -l size -d 'Show how much of the disk the containers take up too'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand info" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand info" -s D -l debug -d 'Accepted for scripts of podman: there is no more to tell'
complete -c coracle -n "__fish_coracle_using_subcommand info" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand version" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand version" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand unshare" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand completion" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "create" -d 'Make a container and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "stop" -d 'Stop one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "restart" -d 'Restart one or more containers, or start those that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "pause" -d 'Hold all processes of one or more containers still'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "unpause" -d 'Let one or more paused containers go on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "wait" -d 'Wait until one or more containers have ended, and print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "rename" -d 'Give a container another name'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "stats" -d 'Show what containers use up: processor, memory, network, devices'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "update" -d 'Change a container that exists: limits, restart policy, health check and egress rules at once, the rest from its next start on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "init" -d 'Check that one or more containers can be started; there is nothing to be prepared ahead of that'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "ls" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "list" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "logs" -d 'Print the output of one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "port" -d 'Print which ports of the host lead to a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "top" -d 'Show the processes of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "exec" -d 'Run a command in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "attach" -d 'Join the standard streams of a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "cp" -d 'Copy files between a container and the host, or between two containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "export" -d 'Write a container\'s root file system to a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "commit" -d 'Make an image of a container as it is now, and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "mount" -d 'Show the root file systems of containers as directories, read-only unless the container runs, and print where'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "unmount" -d 'Take away what mount has shown'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "umount" -d 'Take away what mount has shown'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "inspect" -d 'Show all that is known of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "diff" -d 'Show what a container has changed: A is added, C changed, D deleted'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "clone" -d 'Make a container like another one, of the same image or of a new one, and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "exists" -d 'Tell by the exit code whether a container exists: 0 if it does, 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "prune" -d 'Remove all containers that do not run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop restart kill pause unpause wait rm rename stats update init ls list ps logs port top exec attach cp export commit mount unmount umount inspect diff clone exists prune cleanup" -f -a "cleanup" -d 'Clear up after one or more containers that have ended; their monitors have done that already unless they were killed'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l detach-keys -d 'Leave the container running when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l preserve-fds -d 'Hand this many descriptors on, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l preserve-fd -d 'Hand these descriptors on, under their numbers' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l label-file -d 'Read metadata from a file of KEY[=VALUE] lines, below what --label says' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l requires -d 'Start these containers first, and keep them from being removed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pull -d 'When to ask the registry for the image: always, missing (the default), never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s a -l attach -d 'Show these streams alone, stdin as with --interactive' -r -f -a "stdin\t''
stdout\t''
stderr\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-host -d 'Take over all variables of this environment, below those that are set here' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-merge -d 'Change a variable of the image; the value may have $NAME of others in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l unsetenv -d 'Leave out a variable of the engine\'s or the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l unsetenv-all -d 'Leave out all variables of the engine\'s and the image\'s' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l http-proxy -d 'Take over the variables of this environment that name proxies [default: false]' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l annotation -d 'Annotate the container for the hooks and programs that look for it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pidfile -d 'Write the pid of the container\'s first process to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l conmon-pidfile -d 'Write the pid of the container\'s monitor to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, z, Z, U, O, idmap, copy, nocopy, nocreate, exec, noexec, suid, dev, bind, rbind, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs|ramfs|image|glob|devpts, source, target, and what each type takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec, suid, dev, tmpcopyup, notmpcopyup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l volumes-from -d 'Mount what this container has mounted too; options: ro, rw, z' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l image-volume -d 'What becomes of the volumes that the image declares: anonymous volumes (also called bind), tmpfs, or nothing (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only-tmpfs -d 'With --read-only, leave /run, /tmp, /var/tmp, /dev and /dev/shm writable' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l shm-size -d 'Limit /dev/shm to this size [default: 64m]; 0 is no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l shm-size-systemd -d 'Limit what systemd has on tmpfs, each of /run, /run/lock, /tmp and /var/log/journal, to this size' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l secret -d 'Give the container a secret, as a file or as an environment variable; options: type=mount|env, target=, uid=, gid=, mode=' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l network -l net -d 'Connect to networks: those of network create, bridge, none, host, private, pasta[:OPTION,...], container:NAME or ns:PATH; NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME says how [default: pasta where it is installed, bridge for root]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s p -l publish -d 'Lead a port of the host into the container; without one of the host\'s, one that is free. On a bridge, proxy has each connection begin with a header of the PROXY protocol that names the client' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l expose -d 'Name a port that may be published' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l egress -d 'Rule what may leave the container\'s networks, to other networks, the host or the world: allow=TARGET,... and deny=TARGET,..., of which the first that fits decides; deny or allow alone is for what none of them names [default: deny with an allow=, else allow]. A target is ADDRESS, ADDRESS/PREFIX, or with allow= a NAME or *.NAME; behind it :PORT or :PORT-PORT, of TCP unless /udp follows ([ADDRESS]:PORT for IPv6). A name is open as the networks\' name server resolves it, to public addresses alone, and other names are not resolved. Containers of its networks and clients of published ports are always answered. Without --network it is on the bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns -d 'Ask this name server, or with none keep the image\'s resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns-search -d 'Complete names with this domain; a dot is none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l dns-option -l dns-opt -d 'Set an option of resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l add-host -d 'Add a line to /etc/hosts; host-gateway is the address of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l hosts-file -d 'Make /etc/hosts from this file of the host, from none, or from the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ip -d 'Have this address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ip6 -d 'Have this IPv6 address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l mac-address -d 'Have this MAC address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l network-alias -d 'Be found by this name, too, in the networks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l userns -d 'Map ids: host, keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], nomap, container:NAME or ns:PATH' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l uidmap -d 'Map uids; @ before OUTSIDE means the host\'s, + before INSIDE keeps all others mapped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l gidmap -d 'Map gids, as --uidmap does uids' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l subuidname -d 'Map the ids that /etc/subuid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l subgidname -d 'Map the ids that /etc/subgid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l group-add -d 'Add the process to this group, by name or number; keep-groups keeps the groups of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l passwd -d 'Add the container\'s user to its /etc/passwd and /etc/group if they are missing there' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l passwd-entry -d 'Write this line to /etc/passwd; $USERNAME, $UID, $GID, $NAME and $HOME are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l group-entry -d 'Write this line to /etc/group; $GROUPNAME, $GID and $USERLIST are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l hostuser -d 'Add an account of the host to the container\'s /etc/passwd, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l umask -d 'Start with this file mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tz -d 'Set the time zone: a name such as Europe/Berlin, or local for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l chrootdirs -d 'Write hosts and resolv.conf into this directory too, for who changes the root to it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pid -d 'Share the pid namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ipc -d 'Share the ipc namespace of the host, of container:NAME or of ns:PATH; private, shareable and none are new ones' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l uts -d 'Share the host name of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroupns -d 'Share the cgroup namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device -d 'Give the container a device of the host, a directory of them, or one by its CDI name VENDOR/CLASS=NAME' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l gpus -d 'Give the container GPUs of NVIDIA\'s by their CDI names: all, an index or an id' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-cgroup-rule -d 'Allow devices by their numbers; only root\'s engine has cgroups that could' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, proc-opts=OPTIONS, apparmor=PROFILE, label=disable, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l seccomp-policy -d 'Where the seccomp profile comes from: default, or what --security-opt names; an image has no say in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sysctl -d 'Set a parameter of the kernel in the container\'s own namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l systemd -d 'Prepare the container for systemd as its first process: true (when it is), always, false' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init-path -d 'Refused: the engine is its own init' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l personality -d 'Run as on a machine of 32 bits: LINUX32' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l restart -d 'Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l timeout -d 'Kill the container when it has run for this many seconds; 0 lets it run' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sdnotify -d 'Choose who tells systemd that the service is ready: conmon (the engine), container, healthy, ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-cmd -d 'Check the container\'s health with this command: a line for its shell, a JSON array, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-interval -d 'Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-retries -d 'Call the container unhealthy after this many failures in a row [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-start-period -d 'Let failures not count for this long after the start [default: 0s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-timeout -d 'Take a check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-on-failure -d 'Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-cmd -d 'Hold the health check back until this command has succeeded' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-interval -d 'Wait this long between two startup checks [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-retries -d 'Restart the container after this many failed startup checks; 0 goes on [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-success -d 'Ask for this many successful startup checks in a row; 0 is one [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-startup-timeout -d 'Take a startup check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-log-destination -d 'Keep the results here: local, a directory, or events_logger [default: local]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-max-log-count -d 'Keep this many results; 0 keeps as many as there is room for [default: 5]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l health-max-log-size -d 'Keep this much of a check\'s output, in bytes; 0 keeps as much as there is room for [default: 500]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l log-driver -d 'Keep the output as k8s-file (the default), json-file, journald, none, passthrough, passthrough-tty' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l log-opt -d 'Set an option of the log: max-size, max-file, path, tag, label, compress' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s d -l detach -d 'Print the container\'s id and leave it running'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rmi -d 'As --rm, and remove the image too unless another container uses it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Show no progress of a pull'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s P -l publish-all -d 'Publish all ports that the image or --expose names, at ports that are free'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-hosts -d 'Keep the image\'s /etc/hosts'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-hostname -d 'Keep the image\'s /etc/hostname'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l no-healthcheck -d 'Make no health checks, whatever the image says'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l label-file -d 'Read metadata from a file of KEY[=VALUE] lines, below what --label says' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l requires -d 'Start these containers first, and keep them from being removed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pull -d 'When to ask the registry for the image: always, missing (the default), never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s a -l attach -d 'Show these streams alone, stdin as with --interactive' -r -f -a "stdin\t''
stdout\t''
stderr\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-host -d 'Take over all variables of this environment, below those that are set here' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-merge -d 'Change a variable of the image; the value may have $NAME of others in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l unsetenv -d 'Leave out a variable of the engine\'s or the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l unsetenv-all -d 'Leave out all variables of the engine\'s and the image\'s' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l http-proxy -d 'Take over the variables of this environment that name proxies [default: false]' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l annotation -d 'Annotate the container for the hooks and programs that look for it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pidfile -d 'Write the pid of the container\'s first process to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l conmon-pidfile -d 'Write the pid of the container\'s monitor to this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, z, Z, U, O, idmap, copy, nocopy, nocreate, exec, noexec, suid, dev, bind, rbind, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs|ramfs|image|glob|devpts, source, target, and what each type takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec, suid, dev, tmpcopyup, notmpcopyup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l volumes-from -d 'Mount what this container has mounted too; options: ro, rw, z' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l image-volume -d 'What becomes of the volumes that the image declares: anonymous volumes (also called bind), tmpfs, or nothing (ignore)' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only-tmpfs -d 'With --read-only, leave /run, /tmp, /var/tmp, /dev and /dev/shm writable' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l shm-size -d 'Limit /dev/shm to this size [default: 64m]; 0 is no limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l shm-size-systemd -d 'Limit what systemd has on tmpfs, each of /run, /run/lock, /tmp and /var/log/journal, to this size' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l secret -d 'Give the container a secret, as a file or as an environment variable; options: type=mount|env, target=, uid=, gid=, mode=' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l network -l net -d 'Connect to networks: those of network create, bridge, none, host, private, pasta[:OPTION,...], container:NAME or ns:PATH; NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME says how [default: pasta where it is installed, bridge for root]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s p -l publish -d 'Lead a port of the host into the container; without one of the host\'s, one that is free. On a bridge, proxy has each connection begin with a header of the PROXY protocol that names the client' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l expose -d 'Name a port that may be published' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l egress -d 'Rule what may leave the container\'s networks, to other networks, the host or the world: allow=TARGET,... and deny=TARGET,..., of which the first that fits decides; deny or allow alone is for what none of them names [default: deny with an allow=, else allow]. A target is ADDRESS, ADDRESS/PREFIX, or with allow= a NAME or *.NAME; behind it :PORT or :PORT-PORT, of TCP unless /udp follows ([ADDRESS]:PORT for IPv6). A name is open as the networks\' name server resolves it, to public addresses alone, and other names are not resolved. Containers of its networks and clients of published ports are always answered. Without --network it is on the bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns -d 'Ask this name server, or with none keep the image\'s resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns-search -d 'Complete names with this domain; a dot is none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l dns-option -l dns-opt -d 'Set an option of resolv.conf' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l add-host -d 'Add a line to /etc/hosts; host-gateway is the address of the host' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l hosts-file -d 'Make /etc/hosts from this file of the host, from none, or from the image\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ip -d 'Have this address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ip6 -d 'Have this IPv6 address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l mac-address -d 'Have this MAC address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l network-alias -d 'Be found by this name, too, in the networks' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l userns -d 'Map ids: host, keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], nomap, container:NAME or ns:PATH' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l uidmap -d 'Map uids; @ before OUTSIDE means the host\'s, + before INSIDE keeps all others mapped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l gidmap -d 'Map gids, as --uidmap does uids' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l subuidname -d 'Map the ids that /etc/subuid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l subgidname -d 'Map the ids that /etc/subgid has for this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l group-add -d 'Add the process to this group, by name or number; keep-groups keeps the groups of the caller' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l passwd -d 'Add the container\'s user to its /etc/passwd and /etc/group if they are missing there' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l passwd-entry -d 'Write this line to /etc/passwd; $USERNAME, $UID, $GID, $NAME and $HOME are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l group-entry -d 'Write this line to /etc/group; $GROUPNAME, $GID and $USERLIST are filled in' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l hostuser -d 'Add an account of the host to the container\'s /etc/passwd, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l umask -d 'Start with this file mode creation mask, in octal' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tz -d 'Set the time zone: a name such as Europe/Berlin, or local for the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l chrootdirs -d 'Write hosts and resolv.conf into this directory too, for who changes the root to it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pid -d 'Share the pid namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ipc -d 'Share the ipc namespace of the host, of container:NAME or of ns:PATH; private, shareable and none are new ones' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l uts -d 'Share the host name of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroupns -d 'Share the cgroup namespace of the host, of container:NAME or of ns:PATH; private is a new one' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device -d 'Give the container a device of the host, a directory of them, or one by its CDI name VENDOR/CLASS=NAME' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l gpus -d 'Give the container GPUs of NVIDIA\'s by their CDI names: all, an index or an id' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-cgroup-rule -d 'Allow devices by their numbers; only root\'s engine has cgroups that could' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, proc-opts=OPTIONS, apparmor=PROFILE, label=disable, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l seccomp-policy -d 'Where the seccomp profile comes from: default, or what --security-opt names; an image has no say in it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l sysctl -d 'Set a parameter of the kernel in the container\'s own namespaces' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l systemd -d 'Prepare the container for systemd as its first process: true (when it is), always, false' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init-path -d 'Refused: the engine is its own init' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l personality -d 'Run as on a machine of 32 bits: LINUX32' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end [default: 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l restart -d 'Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l timeout -d 'Kill the container when it has run for this many seconds; 0 lets it run' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l sdnotify -d 'Choose who tells systemd that the service is ready: conmon (the engine), container, healthy, ignore' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-cmd -d 'Check the container\'s health with this command: a line for its shell, a JSON array, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-interval -d 'Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-retries -d 'Call the container unhealthy after this many failures in a row [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-start-period -d 'Let failures not count for this long after the start [default: 0s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-timeout -d 'Take a check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-on-failure -d 'Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-cmd -d 'Hold the health check back until this command has succeeded' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-interval -d 'Wait this long between two startup checks [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-retries -d 'Restart the container after this many failed startup checks; 0 goes on [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-success -d 'Ask for this many successful startup checks in a row; 0 is one [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-startup-timeout -d 'Take a startup check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-log-destination -d 'Keep the results here: local, a directory, or events_logger [default: local]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-max-log-count -d 'Keep this many results; 0 keeps as many as there is room for [default: 5]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l health-max-log-size -d 'Keep this much of a check\'s output, in bytes; 0 keeps as much as there is room for [default: 500]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l log-driver -d 'Keep the output as k8s-file (the default), json-file, journald, none, passthrough, passthrough-tty' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l log-opt -d 'Set an option of the log: max-size, max-file, path, tag, label, compress' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rmi -d 'As --rm, and remove the image too unless another container uses it'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Show no progress of a pull'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s P -l publish-all -d 'Publish all ports that the image or --expose names, at ports that are free'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-hosts -d 'Keep the image\'s /etc/hosts'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-hostname -d 'Keep the image\'s /etc/hostname'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l no-healthcheck -d 'Make no health checks, whatever the image says'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l detach-keys -d 'Leave the container running when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l sig-proxy -d 'Pass signals on to the container, with --attach' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s f -l filter -d 'Start only containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s a -l attach -d 'Show the container\'s output, and end with its exit code'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s i -l interactive -d 'Hand this program\'s standard input to the container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s t -l time -l timeout -d 'Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s s -l signal -d 'Ask with this signal instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s i -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s t -l time -l timeout -d 'Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s f -l filter -d 'Restart only containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -l cidfile -d 'Read ids from a file that --cidfile of run has written' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -l running -d 'Restart only containers that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s s -l signal -d 'The signal, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s f -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s a -l all -d 'All containers that this can be done to'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unpause" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l condition -d 'Wait until a container is in this state instead: configured, created, exited, healthy, initialized, paused, removing, running, stopped, stopping or unhealthy; the first of several counts' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s i -l interval -d 'Look this often for what is not announced: milliseconds, or a duration' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l exit-first-match -d 'Return when the first of the containers is in the state'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l filter -d 'The containers that fit, as for ps' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s t -l time -d 'Ask the container to end, with --force, and kill it after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -l depend -d 'Remove the containers that depend on these too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s f -l force -d 'Kill the container first if it runs; a container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s v -l volumes -d 'Remove the container\'s anonymous volumes too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s i -l interval -d 'Look again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s l -l latest -d 'Show the one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l no-reset -d 'Do not clear the terminal in between'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l no-stream -d 'Look once'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l restart -d 'Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s e -l env -d 'Set an environment variable from the next start on; NAME alone takes its value from here' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l unsetenv -d 'Take an environment variable away from the next start on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l publish-add -d 'Lead a further port of the host into the container, at once if it is on a bridge' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l publish-rm -d 'Lead a port of the host there no more; PORT alone means all that lead to this one of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l egress -d 'Rule what may leave the container\'s networks by these from now on, in place of all rules that it has, as --egress of run does; allow alone lets everything out again. Connections that they forbid end' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-cmd -d 'Check the container\'s health with this command: a line for its shell, a JSON array, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-interval -d 'Wait this long between two checks, such as 30s; disable runs them only by hand [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-retries -d 'Call the container unhealthy after this many failures in a row [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-start-period -d 'Let failures not count for this long after the start [default: 0s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-timeout -d 'Take a check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-on-failure -d 'Do this with a container that has become unhealthy: none, kill, restart, stop [default: none]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-cmd -d 'Hold the health check back until this command has succeeded' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-interval -d 'Wait this long between two startup checks [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-retries -d 'Restart the container after this many failed startup checks; 0 goes on [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-success -d 'Ask for this many successful startup checks in a row; 0 is one [default: 0]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-startup-timeout -d 'Take a startup check that lasts longer for a failure [default: 30s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-log-destination -d 'Keep the results here: local, a directory, or events_logger [default: local]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-max-log-count -d 'Keep this many results; 0 keeps as many as there is room for [default: 5]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l health-max-log-size -d 'Keep this much of a check\'s output, in bytes; 0 keeps as much as there is room for [default: 500]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -l no-healthcheck -d 'Make no health checks, whatever the image says'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only containers that fit: ancestor, annotation, before, command, exited, health, id, label, label!, name, network, pod, restart-policy, should-start-on-boot, since, status, until, volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s n -l last -d 'Show the containers that were made last, running or not: this many' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l sort -d 'Order by this' -r -f -a "command\t''
created\t''
id\t''
image\t''
names\t''
runningfor\t''
size\t''
status\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s w -l watch -d 'Show the list again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l external -d 'Accepted for scripts of podman: there are no containers of others in the store'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l ns -l namespace -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s p -l pod -d 'Show the pods that the containers are in'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s s -l size -d 'Show how much of the disk the containers take up: what they have written, and with their images'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l sync -d 'Accepted for scripts of podman: what is shown is always asked of the kernel'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only containers that fit: ancestor, annotation, before, command, exited, health, id, label, label!, name, network, pod, restart-policy, should-start-on-boot, since, status, until, volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s n -l last -d 'Show the containers that were made last, running or not: this many' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l sort -d 'Order by this' -r -f -a "command\t''
created\t''
id\t''
image\t''
names\t''
runningfor\t''
size\t''
status\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s w -l watch -d 'Show the list again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l external -d 'Accepted for scripts of podman: there are no containers of others in the store'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l ns -l namespace -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s p -l pod -d 'Show the pods that the containers are in'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s s -l size -d 'Show how much of the disk the containers take up: what they have written, and with their images'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l sync -d 'Accepted for scripts of podman: what is shown is always asked of the kernel'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s f -l filter -d 'Show only containers that fit: ancestor, annotation, before, command, exited, health, id, label, label!, name, network, pod, restart-policy, should-start-on-boot, since, status, until, volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s n -l last -d 'Show the containers that were made last, running or not: this many' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l sort -d 'Order by this' -r -f -a "command\t''
created\t''
id\t''
image\t''
names\t''
runningfor\t''
size\t''
status\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s w -l watch -d 'Show the list again every so many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l external -d 'Accepted for scripts of podman: there are no containers of others in the store'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l ns -l namespace -d 'Show the namespaces of the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s p -l pod -d 'Show the pods that the containers are in'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s s -l size -d 'Show how much of the disk the containers take up: what they have written, and with their images'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l sync -d 'Accepted for scripts of podman: what is shown is always asked of the kernel'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l tail -d 'Begin this many lines before the end; all, or a negative number, is the whole log' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l since -d 'Only what was written since then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l until -d 'Only what was written before then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s f -l follow -d 'Go on printing until the containers end'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s t -l timestamps -d 'Begin every line with its time'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s n -l names -d 'Begin every line with the container\'s name; of several containers it is else the id'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l color -d 'Give each container\'s name a colour'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from port" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from top" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from top" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l detach-keys -d 'Leave the command running when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l cidfile -d 'Take the container\'s id from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l preserve-fds -d 'Hand this many descriptors on, from 3 on' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l preserve-fd -d 'Hand these descriptors on, under their numbers' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s d -l detach -d 'Leave the command running'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s t -l tty -d 'Give the command a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l privileged -d 'Give the command all capabilities that the container\'s namespaces allow'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s l -l latest -d 'Run it in the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l no-session -d 'Accepted for compatibility: no record of a command is kept in any case'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l detach-keys -d 'Leave the container when these keys are typed [default: ctrl-p,ctrl-q]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l no-stdin -d 'Do not hand over standard input'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -s a -l archive -d 'Give what is copied into a container to the container\'s user; as docker, keep owners instead of giving all to root' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -l pause -d 'Accepted for scripts of podman: nothing is paused' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -s L -l follow-link -d 'Copy what SOURCE leads to if it is a symbolic link, which is the default but as docker'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -l overwrite -d 'Let a directory take the place of a file, and a file that of a directory'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -s q -l quiet -d 'Accepted for scripts of docker: nothing is printed'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cp" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from export" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s a -l author -d 'Name the author of the image' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s c -l change -d 'Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -l config -d 'Merge an image\'s configuration in a JSON file into the image\'s, before the changes' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s f -l format -d 'Choose the format of the manifest: oci or docker' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -l iidfile -d 'Write the image\'s id to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s m -l message -d 'Note this in the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s p -l pause -d 'Hold the container still meanwhile; the layer is sound without that, but files may be of different moments' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -l include-volumes -d 'Make the container\'s volumes volumes of the image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s q -l quiet -d 'Print nothing but the id, which is all that is printed anyway'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s s -l squash -d 'Make one layer of all'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from commit" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -l format -d 'Print the list of what is mounted as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -s a -l all -d 'Mount all containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -s l -l latest -d 'Mount the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -l notruncate -l no-trunc -d 'Print whole ids'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s f -l force -d 'Take away a container\'s root even if it is not mounted'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from umount" -s f -l force -d 'Take away a container\'s root even if it is not mounted'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from umount" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from umount" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from umount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s s -l size -d 'Show how much of the disk the containers take up too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -l format -d 'Print lists as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -s l -l latest -d 'Take the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l name -d 'Give the new container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-swap -d 'Limit memory and swap together; -1 is unlimited' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-reservation -d 'Protect this much memory from being taken away while other memory can be' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l memory-swappiness -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s c -l cpu-shares -d 'Weigh the container\'s processor time against that of others, around 1024' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-quota -d 'Limit the processor time in each period, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-period -d 'The period of --cpu-quota, in microseconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-rt-period -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpu-rt-runtime -d 'Refused: cgroups of version 2 have no such setting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpuset-cpus -d 'Run on these processors only, such as 0-3,7' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cpuset-mems -d 'Take memory from these nodes only' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l blkio-weight -d 'Weigh the container\'s reading and writing against that of others, from 10 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l blkio-weight-device -d 'Weigh it on one device' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-read-bps -d 'Limit how fast a device is read' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-write-bps -d 'Limit how fast a device is written' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-read-iops -d 'Limit how often a device is read, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l device-write-iops -d 'Limit how often a device is written, per second' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cgroups -d 'Have a cgroup for the container or not: enabled, no-conmon, split, disabled' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cgroup-parent -d 'Put the container into this slice of systemd\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l cgroup-conf -d 'Write a value to a file of the container\'s cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l ulimit -d 'Set a resource limit, or with host take those of who starts the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l oom-score-adj -d 'Say how soon the kernel ends the container when memory is short, from -1000 to 1000' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l rdt-class -d 'Refused: the engine makes no resource control groups of Intel\'s RDT' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l destroy -d 'Remove the original when the new one is made'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s f -l force -d 'With --destroy, end the original if it runs'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l run -d 'Start the new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -l oom-kill-disable -d 'Refused: cgroups of version 2 have no such setting'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from clone" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exists" -l external -d 'Accepted for scripts of podman: there are no containers of other tools in this store'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -l filter -d 'Remove only containers that fit: label, label!, until, and what ps takes' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l exec -d 'Accepted for podman\'s own use: what a monitor knows of an exec goes with it' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l rm -d 'Remove the containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -l rmi -d 'Remove the containers and their images'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from cleanup" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and not __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and not __fish_seen_subcommand_from run" -f -a "run" -d 'Run the health check of a container'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and __fish_seen_subcommand_from run" -l ignore-result -d 'End with 0 whatever the check comes to'
complete -c coracle -n "__fish_coracle_using_subcommand healthcheck; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "pull" -d 'Fetch one or more images, and print their ids'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "push" -d 'Send an image to a registry, or to an archive or a directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "load" -d 'Load images from an archive (docker save, podman save, OCI) or an OCI directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "save" -d 'Save images to an archive, or to a directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "ls" -d 'List images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "list" -d 'List images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "history" -d 'Show the steps in which an image was made'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "rm" -d 'Remove one or more images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "tag" -d 'Give an image one or more further names'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "untag" -d 'Take one or more names from an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "import" -d 'Make an image of a tar archive that is a root file system, and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "search" -d 'Look for images in a registry'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "inspect" -d 'Show all that is known of images, here or elsewhere'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "diff" -d 'Show what the topmost layer of an image has changed: A is added, C changed, D deleted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "copy" -d 'Copy an image from one place to another, without changing its digests where the target can have them'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "exists" -d 'Tell by the exit code whether an image exists: 0 if it does, 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "import-from" -d 'Bring images over from podman\'s store, which is only read, and print their names'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "prune" -d 'Remove images that have no name and that no container uses'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "sign" -d 'Sign images that are in their registries, under the names that they have there'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "sync" -d 'Copy all images of a repository, of directories or of a list to a registry or into directories'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "tree" -d 'Show the layers of an image, and the images that end with each'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "trust" -d 'See and change which images may come in'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "mount" -d 'Show the files of images as directories, read-only, and print where'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "unmount" -d 'Take away what image mount has shown'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull push load save ls list history rm tag untag import search inspect diff copy exists import-from prune sign sync tree trust mount unmount umount" -f -a "umount" -d 'Take away what image mount has shown'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l policy -d 'When to ask the registry: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s a -l all-tags -d 'Fetch all tags of the images\' repositories'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compression-format -d 'Compress layers with gzip, zstd or zstd:chunked: all that are compressed otherwise, or not at all [default: gzip, and only those that are not]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l compression-level -d 'Compress with this level: 1 to 9 for gzip [default: 5], 1 to 20 for zstd [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l force-compression -d 'Compress layers anew that are compressed in another format' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest of the manifest, by which the registry knows the image, to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s f -l format -d 'Write the manifest in this format: oci or v2s2 (also called docker) [default: as it is]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l platform -d 'Of an index, send the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by -d 'Sign with this key of GnuPG, and put the signature where registries.d says' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'Sign as this file says: containers-sigstore-signing-params.yaml(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'Sign with this private key of sigstore, and attach the signature to the image in its registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'Take the key\'s passphrase from the first line of this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l encryption-key -d 'Refused: layers cannot be encrypted' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l encrypt-layer -d 'Refused: layers cannot be encrypted' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l all -d 'Send all images of an index, not just the one for this machine'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s a -l all-tags -d 'Send all tags of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -l remove-signatures -d 'Send no signatures; none are kept with images here'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s i -l input -d 'Read from this file or directory instead of standard input' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -l platform -d 'Of an image for several systems, load the one for this' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s q -l quiet -d 'Do not print the names of what was loaded'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s o -l output -d 'Write to this file or directory instead of standard output' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l format -d 'What to write: docker-archive, docker-dir, oci-archive or oci-dir [default: docker-archive]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l platform -d 'Fail unless the images are for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s m -l multi-image-archive -d 'Take every argument for an image, not the further ones for more names of the first'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l compress -d 'Compress the layers with gzip; for docker-dir'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -l uncompressed -d 'Leave layers that are not compressed as they are, as is always done'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from save" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only images that fit: after, before, containers, dangling, digest, id, intermediate, label, label!, manifest, readonly, reference, since, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l sort -d 'Order by this' -r -f -a "created\t''
id\t''
repository\t''
size\t''
tag\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s a -l all -d 'Show all images (there are no hidden ones)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l digests -d 'Show the digests of the manifests too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l history -d 'Show all names too that each image has and had'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l tree -d 'Show for each image what it has for which platform, and what that takes'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only images that fit: after, before, containers, dangling, digest, id, intermediate, label, label!, manifest, readonly, reference, since, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l sort -d 'Order by this' -r -f -a "created\t''
id\t''
repository\t''
size\t''
tag\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all images (there are no hidden ones)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l digests -d 'Show the digests of the manifests too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l history -d 'Show all names too that each image has and had'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l tree -d 'Show for each image what it has for which platform, and what that takes'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s H -l human -d 'Show sizes and times in words' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l platform -d 'Fail unless the image is for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -l no-trunc -d 'Do not shorten ids and steps'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -l platform -d 'Fail unless the images are for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s a -l all -d 'Remove all images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove an image with several names, and the containers that use it'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'An image that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -l no-prune -d 'Leave images without a name on which the image was built, as is always done'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from untag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s c -l change -d 'Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s m -l message -d 'Note this in the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l platform -d 'Say that the image is for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l os -d 'Say that the image is for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l arch -d 'Say that the image is for this architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l variant -d 'Say that the image is for this variant of the architecture' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print nothing but the id'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -s f -l filter -d 'Show only images that fit: stars=COUNT, is-official, is-automated' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l limit -d 'Show at most so many of each registry [default: 25]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l compatible -d 'Show stars, and which images are official or built automatically, too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l list-tags -d 'List the tags of the image that is named'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -l no-trunc -d 'Do not cut descriptions off'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l platform -d 'Fail unless the images are for this system; elsewhere, choose the one that is' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s s -l size -d 'Show how much of the disk the containers take up too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l config -d 'Elsewhere: print the configuration'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s n -l no-tags -d 'Elsewhere: leave out the tags of the repository'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -l raw -d 'Elsewhere: print the manifest or index as it is, or with --config the configuration'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -l format -d 'Print lists as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -s l -l latest -d 'Take the container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l digestfile -d 'Write the digest of the copied image\'s manifest to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l multi-arch -d 'Of an index copy the image for this machine (system), all images (all), or nothing but the index (index-only)' -r -f -a "system\t''
all\t''
index-only\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l arch -d 'Choose the image for this processor, such as arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l os -d 'Choose the image for this operating system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l variant -d 'Choose the image for this variant of the processor, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l sign-by -d 'Sign with this key of GnuPG, and put the signature where registries.d says' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l sign-by-sigstore -d 'Sign as this file says: containers-sigstore-signing-params.yaml(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l sign-by-sigstore-private-key -d 'Sign with this private key of sigstore, and attach the signature to the image in its registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l sign-passphrase-file -d 'Take the key\'s passphrase from the first line of this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l src-creds -d 'Log in to the source\'s registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l dest-creds -d 'Log in to the target\'s registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l src-authfile -d 'Take credentials for the source from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l dest-authfile -d 'Take credentials for the target from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l src-tls-verify -d 'As --tls-verify, for the source alone' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l dest-tls-verify -d 'As --tls-verify, for the target alone' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l src-cert-dir -d 'Trust the certificates (*.crt) in this directory for the source' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l dest-cert-dir -d 'Trust the certificates (*.crt) in this directory for the target' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l decryption-key -d 'Refused: encrypted layers cannot be opened' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l encryption-key -d 'Refused: layers cannot be encrypted' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l encrypt-layer -d 'Refused: layers cannot be encrypted' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -s a -l all -d 'Copy an index with all its images, as they are, not just the image for this machine'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l preserve-digests -d 'Fail if the image would get another digest'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -l remove-signatures -d 'Leave the image\'s signatures behind: archives and layouts cannot keep any'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from copy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import-from" -l store -d 'The directory of podman\'s store [default: where storage.conf says, as in podman info]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import-from" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import-from" -s a -l all -d 'All images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import-from" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l filter -d 'Remove only images that fit, as for images: label, label!, until, …' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove images that have a name too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l build-cache -d 'Accepted for scripts of podman: there is no cache of builds yet'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -l external -d 'Accepted for scripts of podman: there are no containers of others in the store'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -s d -l directory -d 'Put signatures of GnuPG below this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l sign-by -d 'Sign with this key of GnuPG, and put the signature where registries.d says' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l sign-by-sigstore -d 'Sign as this file says: containers-sigstore-signing-params.yaml(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l sign-by-sigstore-private-key -d 'Sign with this private key of sigstore, and attach the signature to the image in its registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l sign-passphrase-file -d 'Take the key\'s passphrase from the first line of this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -s a -l all -d 'Sign the images of a list too, as is always done'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l append-suffix -d 'Append this to the tags' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -s d -l dest -d 'What TARGET is: docker or dir' -r -f -a "docker\t''
dir\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l digestfile -d 'Write to a file what was copied: a line for each image, with its digest and its place' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -s s -l src -d 'What SOURCE is: docker, dir or yaml' -r -f -a "docker\t''
dir\t''
yaml\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l src-creds -d 'Log in to the source\'s registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l dest-creds -d 'Log in to the target\'s registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l src-authfile -d 'Take credentials for the source from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l dest-authfile -d 'Take credentials for the target from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l src-tls-verify -d 'As --tls-verify, for the source alone' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l dest-tls-verify -d 'As --tls-verify, for the target alone' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l src-cert-dir -d 'Trust the certificates (*.crt) in this directory for the source' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l dest-cert-dir -d 'Trust the certificates (*.crt) in this directory for the target' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -s a -l all -d 'Copy indexes with all their images, not just the image for this machine'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l dry-run -d 'Print what would be copied, and copy nothing'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l keep-going -d 'Go on with the others when an image fails'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l preserve-digests -d 'Fail if an image would get another digest'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l remove-signatures -d 'Leave the images\' signatures behind'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -l scoped -d 'Keep the whole name of the source below TARGET, not just its last part'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tree" -l whatrequires -d 'Show what is built on the image: its topmost layer, and the layers of all images above it'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tree" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "show" -d 'Show which images may come in, by ~/.config/containers/policy.json or, if there is none, /etc/containers/policy.json'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from trust" -f -a "set" -d 'Set which images may come in: those of a registry, a part of it, or one'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -l format -d 'Print the list of what is mounted as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -s a -l all -d 'Mount all images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s a -l all -d 'All images that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s f -l force -d 'Make no error of an image that is not mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from umount" -s a -l all -d 'All images that are mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from umount" -s f -l force -d 'Make no error of an image that is not mounted'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from umount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "create" -d 'Make a list of images, which registries call an index, and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "add" -d 'Add images to a list, or an artifact that is made of files, and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "annotate" -d 'Change what a list says of one of its images or of itself, and print the list\'s id'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "remove" -d 'Take an image out of a list, and print the list\'s id'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "inspect" -d 'Print a list, or the manifest or index that a name has here or else in its registry'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "push" -d 'Send a list with all its images to a registry, or to an archive or a directory'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "rm" -d 'Remove one or more lists; images of them that have names of their own stay'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and not __fish_seen_subcommand_from create add annotate remove inspect push rm exists" -f -a "exists" -d 'Tell by the exit code whether a list exists: 0 if it does, 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l annotation -d 'Set an annotation of the list' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -l all -d 'Of images that are lists, add all that they have'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -s a -l amend -d 'Add to a list that is there'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l annotation -d 'Set an annotation of the image in the list' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l arch -d 'The processor that the image is for, instead of what it says itself' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l features -d 'Features of the processor that the image needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os -d 'The operating system that the image is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os-features -d 'Features of the operating system that the image needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l os-version -d 'The version of the operating system that the image is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l variant -d 'The variant of the processor that the image is for, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-config -d 'The file with the artifact\'s configuration [default: an empty one]' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-config-type -d 'The media type of the artifact\'s configuration' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-layer-type -d 'The media type of the files [default: by their names or their first bytes]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-subject -d 'The image that the artifact is about, here or else in its registry' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-type -d 'What kind of artifact it is, as a media type' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l all -d 'Of an image that is a list, add all that it has'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact -d 'Make an artifact of files and add that: what follows the list are files'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -l artifact-exclude-titles -d 'Leave the names of the files out of the artifact'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l annotation -d 'Set an annotation of the image in the list' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l arch -d 'The processor that the image is for, instead of what it says itself' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l features -d 'Features of the processor that the image needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os -d 'The operating system that the image is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os-features -d 'Features of the operating system that the image needs' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l os-version -d 'The version of the operating system that the image is for' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l variant -d 'The variant of the processor that the image is for, such as v7' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l subject -d 'The image that the list is about, here or else in its registry; implies --index' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -l index -d 'Annotate the list itself, not one of its images'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from annotate" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l all -d 'Send the images too [default: true]; =false sends the list alone, to a registry that has its images' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l compression-format -d 'Compress layers with gzip, zstd or zstd:chunked: all that are compressed otherwise, or not at all [default: gzip, and only those that are not]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l compression-level -d 'Compress with this level: 1 to 9 for gzip [default: 5], 1 to 20 for zstd [default: 3]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l force-compression -d 'Compress layers anew that are compressed in another format' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest that the registry knows the list by to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s f -l format -d 'Write the list and its images in this format: oci or v2s2 (also called docker) [default: as they are]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by -d 'Sign with this key of GnuPG, and put the signature where registries.d says' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by-sigstore -d 'Sign as this file says: containers-sigstore-signing-params.yaml(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-by-sigstore-private-key -d 'Sign with this private key of sigstore, and attach the signature to the image in its registry' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l sign-passphrase-file -d 'Take the key\'s passphrase from the first line of this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s p -l rm -l purge -d 'Remove the list here when it has been sent'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -l remove-signatures -d 'Send no signatures; none are kept with images here'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'A list that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand manifest; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "add" -d 'Make an artifact of files, or add files to one, and print its digest'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "ls" -d 'List artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "list" -d 'List artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "inspect" -d 'Show all that is known of an artifact'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "pull" -d 'Fetch an artifact from its registry, and print its digest'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "push" -d 'Send an artifact to the registry in its name'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "rm" -d 'Remove artifacts, and print their digests'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "remove" -d 'Remove artifacts, and print their digests'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and not __fish_seen_subcommand_from add ls list inspect pull push rm remove extract" -f -a "extract" -d 'Write the files of an artifact into a directory, or one of them under another name'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l annotation -d 'Annotate the files, and the artifact if it is new' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l file-type -d 'The media type of the files [default: by their first bytes]' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l type -d 'What kind of artifact it is, as a media type' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -s a -l append -d 'Add the files to an artifact that is there'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -l replace -d 'Put it in the place of an artifact that is there'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten digests'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten digests'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -l signature-policy -d 'Take in images by this policy.json instead of the user\'s or the system\'s: containers-policy.json(5)' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l digestfile -d 'Write the digest of the artifact to a file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l tls-verify -d 'Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l retry -d 'How often to try again what has failed [default: 2]' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l retry-delay -d 'How long to wait before the second try; doubled for each further one [default: 1s]' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -l disable-content-trust -d 'Accepted for scripts of docker: signatures of that kind are asked of nobody' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from rm" -s a -l all -d 'All artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Make no error of an artifact that does not exist'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from remove" -s a -l all -d 'All artifacts'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from remove" -s i -l ignore -d 'Make no error of an artifact that does not exist'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from extract" -l digest -d 'Only the file with this digest' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from extract" -l title -d 'Only the file with this title' -r
complete -c coracle -n "__fish_coracle_using_subcommand artifact; and __fish_seen_subcommand_from extract" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "create" -d 'Make a volume and print its name'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "ls" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "list" -d 'List volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "inspect" -d 'Show all that is known of volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "rm" -d 'Remove volumes and all that is in them'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "remove" -d 'Remove volumes and all that is in them'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "prune" -d 'Remove all volumes that no container has'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "exists" -d 'Tell by the exit code whether a volume exists: 0 if it does, 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "export" -d 'Write a volume\'s files to a tar archive'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "import" -d 'Put what is in a tar archive into a volume, beside what is there and in place of what has the same name'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "mount" -d 'Print the directory with a volume\'s files'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists export import mount unmount" -f -a "unmount" -d 'Undo volume mount, which has nothing to undo'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s d -l driver -d 'What keeps the volume; there is local alone' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s o -l opt -d 'Make it by mounting, as mount(8) would: type=, device= and o= with mount options' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s l -l label -d 'Attach metadata to the volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l uid -d 'Give the volume to this user, by number' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l gid -d 'Give the volume to this group, by number' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l name -d 'The name, as docker once took it' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -l ignore -d 'Make no error of a volume that exists'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only volumes that fit: anonymous, dangling, driver, label, label!, name, opt, scope, since, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -l sort -d 'Order by this' -r -f -a "created\t''
driver\t''
name\t''"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print names alone'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only volumes that fit: anonymous, dangling, driver, label, label!, name, opt, scope, since, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -l sort -d 'Order by this' -r -f -a "created\t''
driver\t''
name\t''"
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print names alone'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s t -l time -d 'With --force, ask containers to end and kill them after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove the containers that have the volume too, running or not; a volume that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s t -l time -d 'With --force, ask containers to end and kill them after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s f -l force -d 'Remove the containers that have the volume too, running or not; a volume that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -l filter -d 'Remove only volumes that fit: anonymous, driver, label, label!, name, opt, since, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove named volumes too, which is so without it as well'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from export" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from unmount" -s a -l all -d 'All volumes'
complete -c coracle -n "__fish_coracle_using_subcommand volume; and __fish_seen_subcommand_from unmount" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "create" -d 'Make a network and print its name'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "ls" -d 'List networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "list" -d 'List networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "inspect" -d 'Show all that is known of networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "rm" -d 'Remove networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "remove" -d 'Remove networks'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "prune" -d 'Remove all networks that no container is on'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "exists" -d 'Tell by the exit code whether a network exists: 0 if it does, 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "connect" -d 'Connect a container to a network, at once if it runs'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "disconnect" -d 'Take a container out of a network, at once if it runs'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "update" -d 'Change the name servers that a network asks, at once for the containers in it'
complete -c coracle -n "__fish_coracle_using_subcommand network; and not __fish_seen_subcommand_from create ls list inspect rm remove prune exists connect disconnect update reload" -f -a "reload" -d 'Set the rules of containers\' networks anew, after another program has taken them away, and take back what is left of them'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l dns -d 'Ask this name server for names of the outside, instead of the host\'s' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -s d -l driver -d 'What the network is made of: bridge, macvlan or ipvlan' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l gateway -d 'The network\'s own address in the subnet of the same place [default: the first]' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l interface-name -d 'Call the bridge so; for macvlan and ipvlan, the interface of the host that they are on' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ip-range -d 'Give containers addresses of this part of the subnet of the same place: a block, or FIRST-LAST' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ipam-driver -d 'Who gives addresses to containers: host-local, or none' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l label -d 'Attach metadata to the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -s o -l opt -d 'Tell the driver: mtu (or that of what leads outside), metric, no_default_route, mode; bridge: vlan, isolate, vrf; macvlan and ipvlan: parent; macvlan: bclim' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l route -d 'Give containers a route' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l subnet -d 'Give it these addresses [default: a block that is free]' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l attachable -d 'Accepted for scripts of docker: containers can be connected to any network'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l disable-dns -d 'Do not let containers find each other by their names'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ignore -d 'Make no error of a network that exists'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l internal -d 'Lead nothing of it to the outside'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -l ipv6 -d 'Give it a subnet of IPv6 too'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only networks that fit: dangling, driver, id, label, label!, name, scope, type, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Print whole ids'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print names alone'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only networks that fit: dangling, driver, id, label, label!, name, scope, type, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from list" -l no-trunc -d 'Print whole ids'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print names alone'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from inspect" -s v -l verbose -d 'Accepted for scripts of docker: there is no more to say'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from rm" -s t -l time -d 'With --force, ask containers to end and kill them after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove the containers that are on the network too, running or not; a network that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from remove" -s t -l time -d 'With --force, ask containers to end and kill them after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from remove" -s f -l force -d 'Remove the containers that are on the network too, running or not; a network that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from prune" -l filter -d 'Remove only networks that fit: label, label!, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l alias -d 'Be found by this name, too, in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l ip -d 'Have this address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l ip6 -d 'Have this IPv6 address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -l mac-address -d 'Have this MAC address in the network' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from disconnect" -s f -l force -d 'Accepted for scripts: a container that cannot be asked is out of the network when it has ended'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from disconnect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from update" -l dns-add -d 'Ask this name server too' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from update" -l dns-drop -d 'Do not ask this name server any more' -r
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from reload" -s a -l all -d 'Those of all containers'
complete -c coracle -n "__fish_coracle_using_subcommand network; and __fish_seen_subcommand_from reload" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "create" -d 'Keep a secret and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "ls" -d 'List secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "list" -d 'List secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "inspect" -d 'Show all that is known of secrets but their values'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "rm" -d 'Remove secrets; containers that were created with them keep them'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "remove" -d 'Remove secrets; containers that were created with them keep them'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and not __fish_seen_subcommand_from create ls list inspect rm remove exists" -f -a "exists" -d 'Tell by the exit code whether a secret exists: 0 if it does, 1 if not'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -s d -l driver -d 'What keeps the secret; there is file alone' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l driver-opts -d 'Options for the driver; file has none' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -s l -l label -d 'Attach metadata to the secret' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l env -d 'Take the value from the environment variable of this name'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l ignore -d 'Make no error of a secret that exists, and leave it as it is'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -l replace -d 'Take the place of a secret that exists'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only secrets that fit: id, name' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only secrets that fit: id, name' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -l pretty -d 'Print in lines for people'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -l showsecret -d 'Show the values too'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from rm" -s a -l all -d 'All secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'Make no error of a secret that does not exist'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from remove" -s a -l all -d 'All secrets'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from remove" -s i -l ignore -d 'Make no error of a secret that does not exist'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand secret; and __fish_seen_subcommand_from exists" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -f -a "info" -d 'Show the engine, its store and the host'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -f -a "events" -d 'Print what happens to containers, images and volumes'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -f -a "check" -d 'Look for damage and leftovers in the store'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -f -a "df" -d 'Show how much of the disk images, containers and volumes take up'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -f -a "prune" -d 'Remove containers that do not run, and networks, images and volumes that none uses'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info events check df prune reset" -f -a "reset" -d 'Remove all containers, images, volumes, networks and secrets'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s D -l debug -d 'Accepted for scripts of podman: there is no more to tell'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -s f -l filter -d 'Print only events that fit: container, event, image, label, network, type, volume' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l no-trunc -d 'Print whole ids' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l since -d 'Begin with what has happened since then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l stream -d 'Go on with what happens, until interrupted' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -l until -d 'End with what has happened by then: a time, or how long from now' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from events" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s m -l max -d 'Accepted for scripts of podman: what nobody uses is found whatever its age' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s f -l force -d 'Accepted for scripts of podman: --repair removes nothing that anyone could want'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s q -l quick -d 'Leave out what takes time: hashing all blobs again'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s r -l repair -d 'Remove or complete what killed commands have left behind; nothing that anyone uses or could want is removed'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -s v -l verbose -d 'Show every image, container and volume'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from df" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l filter -d 'Remove only what fits: label, label!, until' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s a -l all -d 'Remove images that have a name too'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l blobs -d 'Remove the compressed blobs of unpacked layers too, as far as the image\'s registry has them when it is asked. Containers run as before; to push or save such an image elsewhere, pull it again first'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l build -d 'Accepted for scripts of podman: builds leave no containers behind'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l external -d 'Accepted for scripts of podman: there are no containers of others in the store'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -l volumes -d 'Remove volumes too'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from reset" -s f -l force -d 'Do not ask'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help'

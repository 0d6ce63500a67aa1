# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_coracle_global_optspecs
    string join \n root= runroot= log-level= v/version h/help
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
complete -c coracle -n "__fish_coracle_needs_command" -l log-level -d 'Accepted for scripts of podman' -r
complete -c coracle -n "__fish_coracle_needs_command" -s v -l version -d 'Print the version'
complete -c coracle -n "__fish_coracle_needs_command" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "create" -d 'Make a container and print its id'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "stop" -d 'Stop one or more running containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "wait" -d 'Wait until one or more containers have ended, and print their exit codes'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "logs" -d 'Print the output of a container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "exec" -d 'Run a command in a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "attach" -d 'Join the standard streams of a running container'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "pull" -d 'Fetch one or more images, and print their ids'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "load" -d 'Load images from an archive (docker save, podman save, OCI) or an OCI directory'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "images" -d 'List images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "rmi" -d 'Remove one or more images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "tag" -d 'Give an image one or more further names'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "untag" -d 'Take one or more names from an image'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "import" -d 'Make an image of a tar archive that is a root file system, and print its id'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "inspect" -d 'Show all that is known of containers and images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "info" -d 'Show the engine, its store and the host'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "version" -d 'Show the version of the engine'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "unshare" -d 'Run a command as root of your own user namespace'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "completion" -d 'Print the completions for a shell'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "container" -d 'Work with containers'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "image" -d 'Work with images'
complete -c coracle -n "__fish_coracle_needs_command" -f -a "system" -d 'Look after the engine'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l detach-keys -d 'Leave the container running when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pull -d 'When to ask the registry for the image: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tls-verify -d 'Require a valid certificate of the registry; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand run" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand run" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, exec, noexec, suid, dev, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs, source, target, readonly, tmpfs-size, tmpfs-mode, bind-propagation' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l network -l net -d 'Connect to a network: none, host, private or pasta [default: pasta where it is installed]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s p -l publish -d 'Lead a port of the host into the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l ulimit -d 'Set a resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end' -r
complete -c coracle -n "__fish_coracle_using_subcommand run" -s d -l detach -d 'Print the container\'s id and leave it running'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand run" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you'
complete -c coracle -n "__fish_coracle_using_subcommand run" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pull -d 'When to ask the registry for the image: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tls-verify -d 'Require a valid certificate of the registry; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand create" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand create" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, exec, noexec, suid, dev, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs, source, target, readonly, tmpfs-size, tmpfs-mode, bind-propagation' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l network -l net -d 'Connect to a network: none, host, private or pasta [default: pasta where it is installed]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s p -l publish -d 'Lead a port of the host into the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l ulimit -d 'Set a resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end' -r
complete -c coracle -n "__fish_coracle_using_subcommand create" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand create" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you'
complete -c coracle -n "__fish_coracle_using_subcommand create" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l detach-keys -d 'Leave the container running when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand start" -l sig-proxy -d 'Pass signals on to the container, with --attach' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand start" -s a -l attach -d 'Show the container\'s output, and end with its exit code'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s i -l interactive -d 'Hand this program\'s standard input to the container'
complete -c coracle -n "__fish_coracle_using_subcommand start" -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s t -l time -l timeout -d 'Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s s -l signal -d 'Ask with this signal instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand stop" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s s -l signal -d 'The signal, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand wait" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s t -l time -d 'With --force, ask the container to end and kill it after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s f -l force -d 'Kill the container first if it runs; a container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s v -l volumes -d 'Remove the container\'s anonymous volumes too'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s i -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s f -l filter -d 'Show only containers that fit: id, name, label, label!, status, exited, ancestor, before, since, volume, network' -r
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
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand ps" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s n -l tail -d 'Begin this many lines before the end; all, or a negative number, is the whole log' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l since -d 'Only what was written since then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -l until -d 'Only what was written before then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s f -l follow -d 'Go on printing until the container ends'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s t -l timestamps -d 'Begin every line with its time'
complete -c coracle -n "__fish_coracle_using_subcommand logs" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l detach-keys -d 'Leave the command running when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s d -l detach -d 'Leave the command running'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s t -l tty -d 'Give the command a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -l privileged -d 'Give the command all capabilities that the container\'s namespaces allow'
complete -c coracle -n "__fish_coracle_using_subcommand exec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l detach-keys -d 'Leave the container when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand attach" -l no-stdin -d 'Do not hand over standard input'
complete -c coracle -n "__fish_coracle_using_subcommand attach" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l policy -d 'When to ask the registry: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l tls-verify -d 'Require a valid certificate of the registry; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s i -l input -d 'Read from this file or directory instead of standard input' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand load" -s q -l quiet -d 'Do not print the names of what was loaded'
complete -c coracle -n "__fish_coracle_using_subcommand load" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s f -l filter -d 'Show only images that fit: dangling, reference, label, label!, before, since' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand images" -l sort -d 'Order by this' -r -f -a "created\t''
id\t''
repository\t''
size\t''
tag\t''"
complete -c coracle -n "__fish_coracle_using_subcommand images" -s a -l all -d 'Show all images (there are no hidden ones)'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l digests -d 'Show the digests of the manifests too'
complete -c coracle -n "__fish_coracle_using_subcommand images" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand images" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s a -l all -d 'Remove all images'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s f -l force -d 'Remove an image with several names, and the containers that use it'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s i -l ignore -d 'An image that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand rmi" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand tag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand untag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s c -l change -d 'Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s m -l message -d 'Note this in the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -l platform -d 'Say that the image is for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand import" -s q -l quiet -d 'Print nothing but the id'
complete -c coracle -n "__fish_coracle_using_subcommand import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s k -l type -d 'Look only for this: all, container or image' -r
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand info" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand info" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand version" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand version" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand unshare" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand completion" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "run" -d 'Run a command in a new container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "create" -d 'Make a container and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "start" -d 'Start one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "stop" -d 'Stop one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "kill" -d 'Send a signal to one or more running containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "wait" -d 'Wait until one or more containers have ended, and print their exit codes'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "rm" -d 'Remove one or more containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "ls" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "list" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "ps" -d 'List containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "logs" -d 'Print the output of a container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "exec" -d 'Run a command in a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "attach" -d 'Join the standard streams of a running container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and not __fish_seen_subcommand_from run create start stop kill wait rm ls list ps logs exec attach inspect" -f -a "inspect" -d 'Show all that is known of containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l detach-keys -d 'Leave the container running when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pull -d 'When to ask the registry for the image: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tls-verify -d 'Require a valid certificate of the registry; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, exec, noexec, suid, dev, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs, source, target, readonly, tmpfs-size, tmpfs-mode, bind-propagation' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l network -l net -d 'Connect to a network: none, host, private or pasta [default: pasta where it is installed]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s p -l publish -d 'Lead a port of the host into the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l ulimit -d 'Set a resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s d -l detach -d 'Print the container\'s id and leave it running'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from run" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l name -d 'Give the container this name' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s l -l label -d 'Attach metadata to the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cidfile -d 'Write the container\'s id to a new file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pull -d 'When to ask the registry for the image: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tls-verify -d 'Require a valid certificate of the registry; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here, NAME* all that begin so' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l entrypoint -d 'Run this instead of the image\'s entrypoint: a program, or a JSON array; empty for none' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s h -l hostname -d 'Name the host inside [default: the container\'s short id]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s v -l volume -d 'Mount a directory of the host, or a named volume; options: ro, rw, exec, noexec, suid, dev, private, slave, shared' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l mount -d 'Mount by key=value words: type=bind|volume|tmpfs, source, target, readonly, tmpfs-size, tmpfs-mode, bind-propagation' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l tmpfs -d 'Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l network -l net -d 'Connect to a network: none, host, private or pasta [default: pasta where it is installed]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s p -l publish -d 'Lead a port of the host into the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-add -d 'Add a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cap-drop -d 'Drop a capability, or ALL' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l security-opt -d 'Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, nesting' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s m -l memory -d 'Limit the container\'s memory, such as 512m; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l cpus -d 'Limit the container\'s processors, such as 1.5; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l pids-limit -d 'Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l ulimit -d 'Set a resource limit' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-signal -d 'Ask the container to end with this signal [default: the image\'s, else TERM]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l stop-timeout -d 'Kill the container this many seconds after it was asked to end' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l replace -d 'Remove an existing container of the same name first'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rm -d 'Remove the container, and its anonymous volumes, when it ends'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l rootfs -d 'Take the next argument as a directory of the host that is the root file system, instead of an image'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -s t -l tty -d 'Give the container a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l init -d 'Run a small init as pid 1, which reaps zombies and passes signals on'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l privileged -d 'Lift most of the confinement; the container still has no more rights than you'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from create" -l read-only -d 'Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l detach-keys -d 'Leave the container running when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l sig-proxy -d 'Pass signals on to the container, with --attach' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s a -l attach -d 'Show the container\'s output, and end with its exit code'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s i -l interactive -d 'Hand this program\'s standard input to the container'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s t -l time -l timeout -d 'Kill a container this many seconds after it was asked to end [default: what it was made with, else 10]' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s s -l signal -d 'Ask with this signal instead of the container\'s own' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s s -l signal -d 'The signal, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s t -l time -d 'With --force, ask the container to end and kill it after this many seconds' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s f -l force -d 'Kill the container first if it runs; a container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s v -l volumes -d 'Remove the container\'s anonymous volumes too'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'A container that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s a -l all -d 'All containers'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s l -l latest -d 'The one that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only containers that fit: id, name, label, label!, status, exited, ancestor, before, since, volume, network' -r
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
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only containers that fit: id, name, label, label!, status, exited, ancestor, before, since, volume, network' -r
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
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s f -l filter -d 'Show only containers that fit: id, name, label, label!, status, exited, ancestor, before, since, volume, network' -r
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
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s a -l all -d 'Show all containers, not only those that run'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s l -l latest -d 'Show the container that was made last, running or not'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l no-trunc -d 'Do not shorten ids and commands'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from ps" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s n -l tail -d 'Begin this many lines before the end; all, or a negative number, is the whole log' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l since -d 'Only what was written since then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -l until -d 'Only what was written before then: a time, or how long ago' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s f -l follow -d 'Go on printing until the container ends'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s t -l timestamps -d 'Begin every line with its time'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s e -l env -d 'Set an environment variable; NAME alone takes its value from here' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l env-file -d 'Read environment variables from a file of NAME=VALUE lines' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s w -l workdir -d 'Start in this directory of the container' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s u -l user -d 'Run as this user, by name or number' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l detach-keys -d 'Leave the command running when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s d -l detach -d 'Leave the command running'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s i -l interactive -d 'Keep standard input open'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s t -l tty -d 'Give the command a terminal of its own'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -l privileged -d 'Give the command all capabilities that the container\'s namespaces allow'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l detach-keys -d 'Leave the container when these keys are typed' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l sig-proxy -d 'Pass signals on to the container' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -l no-stdin -d 'Do not hand over standard input'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from attach" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand container; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "pull" -d 'Fetch one or more images, and print their ids'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "load" -d 'Load images from an archive (docker save, podman save, OCI) or an OCI directory'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "ls" -d 'List images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "list" -d 'List images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "rm" -d 'Remove one or more images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "tag" -d 'Give an image one or more further names'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "untag" -d 'Take one or more names from an image'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "import" -d 'Make an image of a tar archive that is a root file system, and print its id'
complete -c coracle -n "__fish_coracle_using_subcommand image; and not __fish_seen_subcommand_from pull load ls list rm tag untag import inspect" -f -a "inspect" -d 'Show all that is known of images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l policy -d 'When to ask the registry: always, missing, never, newer' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l platform -d 'Choose the image for this system, such as linux/arm64' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l tls-verify -d 'Require a valid certificate of the registry; with false, plain http is tried too' -r -f -a "true\t''
false\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l creds -d 'Log in to the registry as this user' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l authfile -d 'Take credentials from this file' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -l cert-dir -d 'Trust the certificates (*.crt) in this directory' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Show no progress'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s i -l input -d 'Read from this file or directory instead of standard input' -r -F
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s q -l quiet -d 'Do not print the names of what was loaded'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from load" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s f -l filter -d 'Show only images that fit: dangling, reference, label, label!, before, since' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l sort -d 'Order by this' -r -f -a "created\t''
id\t''
repository\t''
size\t''
tag\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s a -l all -d 'Show all images (there are no hidden ones)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l digests -d 'Show the digests of the manifests too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s f -l filter -d 'Show only images that fit: dangling, reference, label, label!, before, since' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l format -d 'Print by a Go template, as json, or by a template in columns: \'table TEMPLATE\'' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l sort -d 'Order by this' -r -f -a "created\t''
id\t''
repository\t''
size\t''
tag\t''"
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s a -l all -d 'Show all images (there are no hidden ones)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l digests -d 'Show the digests of the manifests too'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -l no-trunc -d 'Do not shorten ids'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s n -l noheading -d 'Do not print headings'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print ids alone'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s a -l all -d 'Remove all images'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s f -l force -d 'Remove an image with several names, and the containers that use it'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s i -l ignore -d 'An image that does not exist is no error'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from tag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from untag" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s c -l change -d 'Apply an instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s m -l message -d 'Note this in the image\'s history' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -l platform -d 'Say that the image is for this system' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print nothing but the id'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s l -l latest -d 'The container that was made last'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s s -l size -d 'Show sizes (not supported yet)'
complete -c coracle -n "__fish_coracle_using_subcommand image; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info check" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info check" -f -a "info" -d 'Show the engine, its store and the host'
complete -c coracle -n "__fish_coracle_using_subcommand system; and not __fish_seen_subcommand_from info check" -f -a "check" -d 'Look for damage and leftovers in the store'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s f -l format -d 'Print by a Go template, or as json' -r
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s q -l quick -d 'Leave out what takes time: hashing all blobs again'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s r -l repair -d 'Remove what killed commands have left behind; nothing that anyone uses or could want is touched'
complete -c coracle -n "__fish_coracle_using_subcommand system; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'

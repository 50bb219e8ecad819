/* wan: a bad line between two network namespaces.
 *
 *     wan --inside FILE --outside FILE [--device NAME] [--seed N] [--nat ADDRESS] [SETTING...]
 *
 *     namespace inside                                              namespace outside
 *        TUN card  --> nat (if asked for) --> one way up   -->  TUN card
 *                  <-- nat                <-- one way down <--
 *
 * The files are those of the namespaces (tun.h). Says "ready" when both cards are there, and then
 * does what lines on its standard input say, answering each with "ok" or "error: ...":
 *
 *     set [up|down] SETTING...    weather.h names them; both ways unless one is named
 *     cut | stall | heal [up|down]
 *     rebind                      other public address and ports, old connections are forgotten
 *     show                        counts of both ways, as JSON
 *
 * Ends, and the cards with it, when standard input ends: so it never outlives the test.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "nat.h"
#include "oneway.h"
#include "tun.h"

enum {
    PACKET_BYTES = 65536,
    PACKETS_PER_TURN = 64, /* then the other way has its turn */
    LINE_BYTES = 1024,
};

struct wan {
    int inside;
    int outside;
    struct oneway *up; /* from inside to outside */
    struct oneway *down;
    struct nat *nat; /* NULL: addresses stay as they are */
    char line[LINE_BYTES];
    size_t line_len;
};

/* ---- packets ---- */

static void take_in(struct wan *w, int card, struct oneway *way)
{
    static uint8_t packet[PACKET_BYTES];

    for (int i = 0; i < PACKETS_PER_TURN; i++) {
        ssize_t n = read(card, packet, sizeof packet);
        if (n <= 0) {
            return;
        }
        bool passes = !w->nat || (way == w->up ? nat_outward(w->nat, packet, (size_t)n)
                                               : nat_inward(w->nat, packet, (size_t)n));
        if (passes) {
            oneway_feed(way, slice_of(packet, (size_t)n), clock_now_us());
        }
    }
}

/* A card that refuses a packet (it is down, or its memory is full) has lost it, as cards do. */
static void give_out(struct oneway *way, int card)
{
    struct slice packet;
    uint64_t now = clock_now_us();

    for (int i = 0; i < PACKETS_PER_TURN && oneway_next(way, now, &packet); i++) {
        ssize_t n = write(card, packet.ptr, packet.len);
        (void)n;
    }
}

/* ---- commands ---- */

/* Which ways the next word names: both, if it names none; it is then not taken. */
static void pick_ways(struct wan *w, struct slice *rest, struct oneway *ways_out[2])
{
    struct slice after = *rest;
    struct slice word = slice_cut(&after, ' ');

    ways_out[0] = slice_is(word, "down") ? NULL : w->up;
    ways_out[1] = slice_is(word, "up") ? NULL : w->down;
    if (!ways_out[0] || !ways_out[1]) {
        *rest = after;
    }
}

static int set_weather(struct oneway *way, struct slice words, struct errinfo *info)
{
    struct weather weather = *oneway_weather(way);

    while (words.ptr) {
        struct slice word = slice_trim(slice_cut(&words, ' '));
        if (word.len) {
            TRY(weather_set(&weather, word, info));
        }
    }
    oneway_set_weather(way, &weather);
    return 0;
}

static void show_way(const char *name, const struct oneway *way)
{
    const struct oneway_counts *c = oneway_counts(way);
    printf("\"%s\": {\"passed\": %llu, \"lost\": %llu, \"overflow\": %llu, \"reordered\": %llu, "
           "\"duplicated\": %llu}",
           name, (unsigned long long)c->passed, (unsigned long long)c->lost,
           (unsigned long long)c->overflow, (unsigned long long)c->reordered,
           (unsigned long long)c->duplicated);
}

static void show(const struct wan *w)
{
    printf("{");
    show_way("up", w->up);
    printf(", ");
    show_way("down", w->down);
    printf("}\n");
}

static int set_states(struct oneway *ways[2], enum oneway_state state)
{
    for (int i = 0; i < 2; i++) {
        if (ways[i]) {
            oneway_set_state(ways[i], state);
        }
    }
    return 0;
}

static int obey(struct wan *w, struct slice line, struct errinfo *info)
{
    struct slice command = slice_cut(&line, ' ');
    struct oneway *ways[2];

    pick_ways(w, &line, ways);
    if (slice_is(command, "cut")) {
        return set_states(ways, ONEWAY_CUT);
    }
    if (slice_is(command, "stall")) {
        return set_states(ways, ONEWAY_STALLED);
    }
    if (slice_is(command, "heal")) {
        return set_states(ways, ONEWAY_OPEN);
    }
    if (slice_is(command, "rebind") && w->nat) {
        nat_rebind(w->nat);
        return 0;
    }
    if (slice_is(command, "show")) {
        show(w);
        return 0;
    }
    if (slice_is(command, "set")) {
        for (int i = 0; i < 2; i++) {
            TRY(ways[i] ? set_weather(ways[i], line, info) : 0);
        }
        return 0;
    }
    return errinfo_set(info, ERR_INVALID, "no command \"%.*s\"", SLICE_ARG(command));
}

static void answer(struct wan *w, struct slice line)
{
    struct errinfo info = {0};
    int err = obey(w, line, &info);

    if (err < 0) {
        printf("error: %s\n", errinfo_text(&info, err));
    } else {
        printf("ok\n");
    }
    fflush(stdout);
}

/* False at the end of input. */
static bool take_commands(struct wan *w)
{
    ssize_t n = read(STDIN_FILENO, w->line + w->line_len, sizeof w->line - w->line_len);

    if (n <= 0) {
        return false;
    }
    w->line_len += (size_t)n;
    struct slice rest = slice_of(w->line, w->line_len);
    for (size_t end; (end = slice_index(rest, '\n')) < rest.len;) {
        answer(w, slice_sub(rest, 0, end));
        rest = slice_sub(rest, end + 1, rest.len);
    }
    memmove(w->line, rest.ptr, rest.len);
    w->line_len = rest.len;
    return true;
}

/* ---- the loop ---- */

static int wait_ms(const struct wan *w)
{
    uint64_t up = oneway_deadline_us(w->up);
    uint64_t down = oneway_deadline_us(w->down);
    uint64_t at = up < down ? up : down;
    uint64_t now = clock_now_us();

    if (at == ONEWAY_NEVER) {
        return -1;
    }
    return at <= now ? 0 : (int)((at - now + 999) / 1000);
}

static void run(struct wan *w)
{
    struct pollfd fds[] = {{w->inside, POLLIN, 0}, {w->outside, POLLIN, 0}, {0, POLLIN, 0}};

    for (;;) {
        if (poll(fds, COUNT_OF(fds), wait_ms(w)) < 0 && errno != EINTR) {
            return;
        }
        if (fds[2].revents && !take_commands(w)) {
            return;
        }
        take_in(w, w->inside, w->up);
        take_in(w, w->outside, w->down);
        give_out(w->up, w->outside);
        give_out(w->down, w->inside);
    }
}

/* ---- start ---- */

struct start {
    const char *inside;
    const char *outside;
    const char *device;
    const char *nat;
    uint64_t seed;
};

static int read_options(int argc, char **argv, struct start *s)
{
    static const struct option options[] = {
        {"inside", required_argument, NULL, 'i'}, {"outside", required_argument, NULL, 'o'},
        {"device", required_argument, NULL, 'd'}, {"seed", required_argument, NULL, 's'},
        {"nat", required_argument, NULL, 'n'},    {0}};

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'i':
            s->inside = optarg;
            break;
        case 'o':
            s->outside = optarg;
            break;
        case 'd':
            s->device = optarg;
            break;
        case 'n':
            s->nat = optarg;
            break;
        case 's':
            TRY(slice_to_u64(slice_str(optarg), UINT64_MAX, &s->seed));
            break;
        default:
            return ERR_INVALID;
        }
    }
    return s->inside && s->outside ? 0 : ERR_INVALID;
}

static int set_up(struct wan *w, const struct start *s, struct errinfo *info)
{
    struct in_addr public;

    TRY(tun_open(s->inside, s->device, &w->inside, info));
    TRY(tun_open(s->outside, s->device, &w->outside, info));
    w->up = oneway_new(s->seed);
    w->down = oneway_new(~s->seed);
    if (!s->nat) {
        return 0;
    }
    if (inet_pton(AF_INET, s->nat, &public) != 1) {
        return errinfo_set(info, ERR_INVALID, "%s is no IPv4 address", s->nat);
    }
    w->nat = nat_new(ntohl(public.s_addr), s->seed);
    return 0;
}

static int set_first_weather(struct wan *w, char **settings, struct errinfo *info)
{
    for (; *settings; settings++) {
        TRY(set_weather(w->up, slice_str(*settings), info));
        TRY(set_weather(w->down, slice_str(*settings), info));
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct start start = {.device = "wan0", .seed = 1};
    struct errinfo info = {0};
    struct wan w = {0};

    if (read_options(argc, argv, &start) < 0) {
        fprintf(stderr, "usage: wan --inside FILE --outside FILE [--device NAME] [--seed N] "
                        "[--nat ADDRESS] [SETTING...]\n");
        return 2;
    }
    int err = set_up(&w, &start, &info);
    if (err == 0) {
        err = set_first_weather(&w, argv + optind, &info);
    }
    if (err < 0) {
        fprintf(stderr, "wan: %s\n", errinfo_text(&info, err));
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    run(&w);
    oneway_free(&w.up);
    oneway_free(&w.down);
    nat_free(&w.nat);
    return 0;
}

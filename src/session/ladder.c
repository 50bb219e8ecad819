#include "session/ladder.h"

#include "base/mem.h"

enum rung_state {
    RUNG_IDLE,     /* not begun */
    RUNG_OPENING,  /* the carrier is being made */
    RUNG_GREETING, /* our HELLO is out */
    RUNG_FAILED,
};

static const uint8_t rung_may_follow[] = {
    [RUNG_IDLE] = 1 << RUNG_OPENING,
    [RUNG_OPENING] = 1 << RUNG_GREETING | 1 << RUNG_FAILED,
    [RUNG_GREETING] = 1 << RUNG_FAILED,
    [RUNG_FAILED] = 0,
};

struct rung {
    struct ladder *ladder;
    enum rung_state state;
    enum carrier_kind kind;
    struct carrier *carrier;
    struct greet_client *greeting;
    uint64_t hello_at_ms;
    int err;
    struct errinfo why;
};

struct ladder {
    struct loop *loop;
    struct rung rungs[LADDER_RUNGS_MAX];
    unsigned rung_count;
    char *host;
    struct tls_trust *trust;
    struct ladder_options options;
    struct timer overtake;
    const struct ladder_user *user;
    void *ctx;
    struct grave grave;
};

static void set_state(struct rung *r, enum rung_state next)
{
    ASSERT(rung_may_follow[r->state] & 1 << next);
    r->state = next;
}

static void bury(struct grave *grave)
{
    struct ladder *l = CONTAINER_OF(grave, struct ladder, grave);

    mem_free(l->host);
    mem_free(l);
}

static void end(struct ladder *l)
{
    timer_disarm(l->loop, &l->overtake);
    for (unsigned i = 0; i < l->rung_count; i++) {
        carrier_stop(&l->rungs[i].carrier);
        greet_client_abort(&l->rungs[i].greeting);
    }
    tls_trust_unref(&l->trust);
    loop_bury(l->loop, &l->grave, bury);
}

/* ---- climbing ---- */

static void climb(struct ladder *l);

static struct rung *find_rung(struct ladder *l, enum rung_state state)
{
    for (unsigned i = 0; i < l->rung_count; i++) {
        if (l->rungs[i].state == state) {
            return &l->rungs[i];
        }
    }
    return NULL;
}

static bool is_any_left(struct ladder *l)
{
    return find_rung(l, RUNG_IDLE) || find_rung(l, RUNG_OPENING) || find_rung(l, RUNG_GREETING);
}

/* Another way to the same address would meet the same. */
static bool is_same_for_all(int err)
{
    return err == ERR_DNS || err == ERR_REFUSED || err == ERR_UNREACHABLE || err == ERR_DENIED;
}

static void lose(struct ladder *l, const struct rung *last)
{
    struct errinfo why = last->why;
    int err = last->err;

    end(l);
    l->user->on_failed(l->ctx, err, &why);
}

static void fail_rung(struct rung *r, int err, const struct errinfo *why)
{
    struct ladder *l = r->ladder;
    bool was_opening = r->state == RUNG_OPENING;

    set_state(r, RUNG_FAILED);
    r->carrier = NULL;
    r->greeting = NULL;
    r->err = err;
    errinfo_set(&r->why, err, "%s", errinfo_text(why, err));
    if (!is_any_left(l) || (was_opening && is_same_for_all(err))) {
        lose(l, r);
    } else if (find_rung(l, RUNG_IDLE)) {
        climb(l);
    }
}

/* ---- greeting ---- */

static void on_hello(void *ctx, struct greet_client *g, const struct link_hello *peer)
{
    struct rung *r = ctx;
    struct ladder *l = r->ladder;
    struct errinfo because = {0};
    struct ladder_win win = {
        .greeting = g,
        .peer = peer,
        .carrier = r->kind,
        .rtt_ms = loop_now_ms(l->loop) - r->hello_at_ms,
    };

    if (r != l->rungs) {
        const struct rung *best = &l->rungs[0];
        errinfo_set(&because, 0, "%s does not pass here (%s); using %s", carrier_name(best->kind),
                    best->state == RUNG_FAILED ? best->why.text : "no answer yet",
                    carrier_name(r->kind));
        win.because = because.text;
    }
    r->greeting = NULL;
    end(l);
    l->user->on_hello(l->ctx, &win);
}

static void on_refused(void *ctx, struct greet_client *g, const struct link_refused *refused)
{
    struct rung *r = ctx;
    struct ladder *l = r->ladder;

    (void)g;
    r->greeting = NULL;
    end(l);
    l->user->on_refused(l->ctx, refused);
}

static void on_greeting_failed(void *ctx, struct greet_client *g, int err,
                               const struct errinfo *why)
{
    struct rung *r = ctx;
    struct errinfo said = {0};

    (void)g;
    if (err_category(err) == ERR_CAT_GONE && err != ERR_TIMEOUT) {
        errinfo_set(&said, err,
                    "it closed the connection before saying hello (%s): no adit relay "
                    "there, or one of another version",
                    err_text(err));
        why = &said;
    }
    fail_rung(r, err, why);
}

static const struct greet_client_user greeting_user = {
    .on_hello = on_hello,
    .on_refused = on_refused,
    .on_failed = on_greeting_failed,
};

/* ---- opening ---- */

static void on_opened(void *ctx, int err, struct stream *s_take, const struct errinfo *why)
{
    struct rung *r = ctx;
    struct ladder *l = r->ladder;

    r->carrier = NULL;
    if (err < 0) {
        fail_rung(r, err, why);
        return;
    }
    set_state(r, RUNG_GREETING);
    r->hello_at_ms = loop_now_ms(l->loop);
    r->greeting = greet_client_start(s_take, &l->options.greeting, &greeting_user, r);
}

static void start_rung(struct rung *r)
{
    struct ladder *l = r->ladder;
    const struct carrier_options options = {
        .kind = r->kind,
        .host = slice_str(l->host),
        .port = l->options.port,
        .trust = l->trust,
        .limit_ms = l->options.limit_ms,
    };

    set_state(r, RUNG_OPENING);
    r->carrier = carrier_start(l->loop, &options, on_opened, r);
}

static void climb(struct ladder *l)
{
    struct rung *r = find_rung(l, RUNG_IDLE);

    if (r) {
        start_rung(r);
    }
    if (find_rung(l, RUNG_IDLE)) {
        timer_arm(l->loop, &l->overtake, LADDER_OVERTAKE_MS);
    } else {
        timer_disarm(l->loop, &l->overtake);
    }
}

static void on_overtake(struct timer *timer)
{
    climb(CONTAINER_OF(timer, struct ladder, overtake));
}

/* ---- life ---- */

struct ladder *ladder_start(struct loop *loop, const struct ladder_options *options,
                            const struct ladder_user *user, void *ctx)
{
    struct ladder *l = NEW(struct ladder);

    ASSERT(options->rung_count > 0 && options->rung_count <= LADDER_RUNGS_MAX);
    l->loop = loop;
    l->options = *options;
    l->options.host = SLICE_NONE;
    l->host = slice_dup(options->host);
    l->trust = options->trust ? tls_trust_ref(options->trust) : NULL;
    l->user = user;
    l->ctx = ctx;
    l->overtake.expired = on_overtake;
    l->rung_count = options->rung_count;
    for (unsigned i = 0; i < l->rung_count; i++) {
        l->rungs[i] = (struct rung){.ladder = l, .kind = options->rungs[i]};
    }
    climb(l);
    return l;
}

void ladder_stop(struct ladder **l)
{
    if (*l) {
        end(*l);
        *l = NULL;
    }
}

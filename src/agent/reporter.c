#include "agent/reporter.h"

#include <stdio.h>

#include "agent/report_json.h"
#include "base/human.h"
#include "base/mem.h"
#include "net/outlet.h"

struct reporter {
    struct outlet out;
    bool is_json;
    bool is_screen;
    bool is_terminal;
    bool names_tunnels;
    struct text line; /* kept, so that a line costs no memory */
};

static void tell_skipped_plain(struct text *line, uint64_t skipped)
{
    text_addf(line, "... %llu more not shown\n", (unsigned long long)skipped);
}

static void tell_skipped_json(struct text *line, uint64_t skipped)
{
    report_json_begin(line, "skipped");
    report_json_u64(line, "count", skipped);
    report_json_end(line);
    text_add_char(line, '\n');
}

struct reporter *reporter_new(struct loop *loop, const struct reporter_options *options)
{
    struct reporter *r = NEW(struct reporter);

    r->is_json = options->is_json;
    r->is_screen = options->is_screen;
    r->is_terminal = options->is_terminal;
    r->names_tunnels = options->names_tunnels;
    outlet_init(&r->out, loop, options->out_fd,
                options->is_json ? tell_skipped_json : tell_skipped_plain);
    return r;
}

void reporter_free(struct reporter **r)
{
    if (*r) {
        outlet_deinit(&(*r)->out);
        text_deinit(&(*r)->line);
        mem_free(*r);
        *r = NULL;
    }
}

/* ---- one line ---- */

static struct text *begin_line(struct reporter *r)
{
    text_clear(&r->line);
    return &r->line;
}

static struct text *begin_event(struct reporter *r, const char *event)
{
    struct text *line = begin_line(r);

    report_json_begin(line, event);
    return line;
}

static void end_event(struct reporter *r, bool is_important)
{
    report_json_end(&r->line);
    outlet_add(&r->out, text_slice(&r->line), is_important);
}

/* ---- tunnels ---- */

/* What speaks to a service that is known by its port. */
static const struct client {
    const char *port;
    const char *program;
    const char *port_flag;
    const char *host_flag;
} clients[] = {
    {":22", "ssh", "-p", ""},
    {":3306", "mysql", "-P", "-h "},
    {":5432", "psql", "-p", "-h "},
    {":6379", "redis-cli", "-p", "-h "},
};

static const struct client *find_client(struct slice target)
{
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        if (slice_ends(target, slice_str(clients[i].port))) {
            return &clients[i];
        }
    }
    return NULL;
}

/* "tcp://host:20001" -> host and port. */
static bool split_url(struct slice url, struct slice *host_out, struct slice *port_out)
{
    struct slice rest = slice_sub(url, sizeof "tcp://" - 1, url.len);
    size_t colon = rest.len;

    while (colon > 0 && rest.ptr[colon - 1] != ':') {
        colon--;
    }
    if (!slice_starts(url, SLICE("tcp://")) || colon < 2) {
        return false;
    }
    *host_out = slice_sub(rest, 0, colon - 1);
    *port_out = slice_sub(rest, colon, rest.len);
    return true;
}

static void show_what_to_type(const struct report_tunnel *t)
{
    const struct client *c = find_client(slice_str(t->target));
    struct slice host, port;

    if (c && split_url(t->url, &host, &port)) {
        fprintf(stderr, "    %s %s %.*s %s%.*s\n", c->program, c->port_flag, SLICE_ARG(port),
                c->host_flag, SLICE_ARG(host));
    }
}

/* A program that reads stdout wants URLs and nothing else: there the name goes to stderr. */
static void add_url(struct reporter *r, const struct report_tunnel *t)
{
    struct text *line = begin_line(r);

    if (r->names_tunnels && r->is_screen) {
        text_addf(line, "%s  ", t->name);
    } else if (r->names_tunnels) {
        fprintf(stderr, "adit: tunnel %s is %.*s\n", t->name, SLICE_ARG(t->url));
    }
    text_add(line, t->url);
    outlet_add(&r->out, text_slice(line), true);
}

static void add_tunnel_event(struct reporter *r, const char *event, const struct report_tunnel *t)
{
    struct text *line = begin_event(r, event);

    report_json_str(line, "name", t->name);
    report_json_str(line, "kind", t->kind);
    if (t->url.ptr) {
        report_json_slice(line, "url", t->url);
    } else {
        report_json_str(line, "url", NULL);
    }
    report_json_str(line, "target", t->target);
    end_event(r, true);
}

void reporter_tunnel(struct reporter *r, const struct report_tunnel *t)
{
    if (!r->is_json) {
        add_url(r, t);
        if (r->is_terminal) {
            outlet_flush(&r->out); /* the URL stands above */
            show_what_to_type(t);
        }
        return;
    }
    add_tunnel_event(r, "tunnel", t);
}

void reporter_removed(struct reporter *r, const struct report_tunnel *t)
{
    if (r->is_json) {
        add_tunnel_event(r, "removed", t);
    } else {
        fprintf(stderr, "adit: tunnel %s is no longer published\n", t->name);
    }
}

/* ---- the link ---- */

static void show_link(const struct report_link *l)
{
    if (!l->is_up) {
        fprintf(stderr, "adit: no link to %s: %s; trying again\n", l->relay, l->reason);
    } else if (l->reason) {
        fprintf(stderr, "adit: linked to %s (%s)\n", l->relay, l->reason);
    } else {
        fprintf(stderr, "adit: linked to %s over %s\n", l->relay, l->carrier);
    }
}

void reporter_link(struct reporter *r, const struct report_link *l)
{
    if (!r->is_json) {
        show_link(l);
        return;
    }
    struct text *line = begin_event(r, "link");
    report_json_str(line, "state", l->is_up ? "up" : "down");
    report_json_str(line, "carrier", l->carrier);
    report_json_str(line, "relay", l->relay);
    if (l->is_up) {
        report_json_u64(line, "rtt_ms", l->rtt_ms);
    } else {
        report_json_str(line, "rtt_ms", NULL);
    }
    report_json_str(line, "reason", l->reason);
    end_event(r, true);
}

/* ---- exchanges and streams ---- */

static void add_duration(struct text *line, uint64_t ms)
{
    if (ms < 10 * 1000) {
        text_addf(line, "%llu ms", (unsigned long long)ms);
    } else {
        text_addf(line, "%llu s", (unsigned long long)(ms / 1000));
    }
}

static void add_exchange(struct text *line, const struct report_exchange *x)
{
    text_addf(line, "%s  %.*s %.*s  ", x->tunnel, SLICE_ARG(x->method), SLICE_ARG(x->path));
    if (x->status) {
        text_addf(line, "%u  ", x->status);
    } else {
        text_add_str(line, "cut  ");
    }
    add_duration(line, x->ms);
    text_add_str(line, "  ");
    human_bytes(line, x->out_bytes);
    text_addf(line, "  %.*s", SLICE_ARG(x->visitor));
}

void reporter_exchange(struct reporter *r, const struct report_exchange *x)
{
    if (!r->is_json) {
        struct text *line = begin_line(r);
        add_exchange(line, x);
        outlet_add(&r->out, text_slice(line), false);
        return;
    }
    struct text *line = begin_event(r, "exchange");
    report_json_str(line, "tunnel", x->tunnel);
    report_json_slice(line, "method", x->method);
    report_json_slice(line, "path", x->path);
    report_json_u64(line, "status", x->status);
    report_json_u64(line, "ms", x->ms);
    report_json_u64(line, "in", x->in_bytes);
    report_json_u64(line, "out", x->out_bytes);
    report_json_slice(line, "visitor", x->visitor);
    end_event(r, false);
}

void reporter_skipped(struct reporter *r, uint64_t count)
{
    struct text *line = begin_line(r);

    (r->is_json ? tell_skipped_json : tell_skipped_plain)(line, count);
    outlet_add(&r->out, slice_sub(text_slice(line), 0, line->len - 1), false);
}

void reporter_stream(struct reporter *r, const struct report_stream *s)
{
    if (!r->is_json) {
        return; /* the log has a line of it */
    }
    struct text *line = begin_event(r, "stream");
    report_json_str(line, "tunnel", s->tunnel);
    report_json_str(line, "visitor", s->visitor);
    report_json_u64(line, "ms", s->ms);
    report_json_u64(line, "in", s->in_bytes);
    report_json_u64(line, "out", s->out_bytes);
    report_json_str(line, "reason", s->reason);
    end_event(r, false);
}

/* ---- errors ---- */

void reporter_error(struct reporter *r, const char *what, const char *fix, bool is_fatal)
{
    fprintf(stderr, "adit: %s%s%s\n", what, fix ? "; " : "", fix ? fix : "");
    if (!r->is_json) {
        return;
    }
    struct text *line = begin_event(r, "error");
    report_json_str(line, "what", what);
    report_json_str(line, "fix", fix);
    report_json_bool(line, "fatal", is_fatal);
    end_event(r, true);
}

void reporter_notice(struct reporter *r, const char *sentence)
{
    if (!r->is_json) {
        fprintf(stderr, "adit: %s\n", sentence);
    }
}

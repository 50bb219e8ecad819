#include "relay/operator/status_report.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "relay/operator/relay_show.h"
#include "relay/sessions/session.h"
#include "relay/tunnels/tunnel.h"
#include "relay/workers/shared.h"
#include "store/store.h"

struct status_report;

/* What one worker says. Touched by one thread at a time: the worker fills it and posts it back. */
struct part {
    struct status_report *report;
    struct worker *worker;
    json_t *row;
    json_t *sessions;
};

struct status_report {
    struct relay *relay;
    void (*done)(void *ctx, json_t *report_take);
    void *ctx;
    uint32_t missing_count; /* parts that have not come back */
    uint32_t part_count;
    struct part parts[];
};

/* Texts of an agent may be anything; jansson takes UTF-8 only. */
static json_t *text_of(const char *s)
{
    if (!s) {
        return json_null();
    }
    json_t *text = json_string(s);
    return text ? text : json_string("?");
}

static json_t *number_of(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *point_in_time(uint64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];

    clock_show(wall_ms, text);
    return json_string(text);
}

/* The wall clock may be set back. */
static uint64_t ms_since(uint64_t wall_ms)
{
    uint64_t now = clock_wall_ms();
    return now > wall_ms ? now - wall_ms : 0;
}

/* ---- on each worker ---- */

static const char *kind_name(enum bind_kind kind)
{
    switch (kind) {
    case BIND_HTTP:
        return "http";
    case BIND_TCP:
        return "tcp";
    }
    UNREACHABLE();
}

static const char *state_name(enum tunnel_state state)
{
    switch (state) {
    case TUNNEL_ASKED:
        return "asked";
    case TUNNEL_BOUND:
        return "bound";
    case TUNNEL_UNBOUND:
        return "unbound";
    }
    UNREACHABLE();
}

static uint16_t public_port(const struct tunnel *t)
{
    for (uint32_t i = 0; i < t->entries.count; i++) {
        if (t->entries.items[i].port != 0) {
            return t->entries.items[i].port;
        }
    }
    return 0;
}

static json_t *show_tunnel(const struct tunnel *t)
{
    uint16_t port = public_port(t);
    json_t *row = json_object();

    json_object_set_new(row, "key", text_of(t->key));
    json_object_set_new(row, "kind", json_string(kind_name(t->kind)));
    json_object_set_new(row, "url", text_of(t->url));
    json_object_set_new(row, "port", port ? number_of(port) : json_null());
    json_object_set_new(row, "target", text_of(t->target));
    json_object_set_new(row, "state", json_string(state_name(t->state)));
    json_object_set_new(row, "open", number_of(t->open_count));
    json_object_set_new(row, "exchanges", number_of(t->exchange_count));
    json_object_set_new(row, "in", number_of(t->in_bytes));
    json_object_set_new(row, "out", number_of(t->out_bytes));
    return row;
}

/* The members of a table have no order; people want one. */
static struct table_node **sorted(const struct table *t,
                                  int (*compare)(const void *a, const void *b))
{
    struct table_node **nodes = mem_alloc_array(t->count + 1, sizeof(struct table_node *));
    size_t count = 0;

    TABLE_EACH (t, n) {
        nodes[count++] = n;
    }
    qsort(nodes, count, sizeof(struct table_node *), compare);
    return nodes;
}

static int compare_tunnels(const void *a, const void *b)
{
    uint32_t id_a = CONTAINER_OF(*(struct table_node *const *)a, struct tunnel, node)->id;
    uint32_t id_b = CONTAINER_OF(*(struct table_node *const *)b, struct tunnel, node)->id;
    return (id_a > id_b) - (id_a < id_b);
}

static int compare_sessions(const void *a, const void *b)
{
    uint64_t id_a = CONTAINER_OF(*(struct table_node *const *)a, struct session, node)->handle;
    uint64_t id_b = CONTAINER_OF(*(struct table_node *const *)b, struct session, node)->handle;
    return (id_a > id_b) - (id_a < id_b);
}

static json_t *show_tunnels(const struct session *s)
{
    struct table_node **nodes = sorted(&s->tunnels, compare_tunnels);
    json_t *rows = json_array();

    for (size_t i = 0; i < s->tunnels.count; i++) {
        json_array_append_new(rows, show_tunnel(CONTAINER_OF(nodes[i], struct tunnel, node)));
    }
    mem_free(nodes);
    return rows;
}

static void show_link(const struct session *s, json_t *row)
{
    bool is_attached = session_is_attached(s);
    uint64_t changed_at = is_attached ? s->attached_at : s->detached_at;

    json_object_set_new(row, "carrier", text_of(s->carrier));
    json_object_set_new(row, "address", text_of(s->address));
    json_object_set_new(row, "attached", json_boolean(is_attached));
    json_object_set_new(row, "link_at", point_in_time(changed_at));
    json_object_set_new(row, "link_ms", number_of(ms_since(changed_at)));
    json_object_set_new(row, "rtt_ms", is_attached ? number_of(mux_rtt_ms(s->mux)) : json_null());
    json_object_set_new(row, "resumes", number_of(s->resume_count));
    json_object_set_new(row, "why", s->loss.text[0] ? text_of(s->loss.text) : json_null());
}

static json_t *show_session(const struct session *s)
{
    struct mux_counters counters;
    json_t *row = json_object();

    mux_counters(s->mux, &counters);
    json_object_set_new(row, "worker", number_of(s->worker->index));
    json_object_set_new(row, "id", number_of(s->handle));
    json_object_set_new(row, "token", text_of(s->token_name));
    json_object_set_new(row, "host", text_of(s->host_name));
    json_object_set_new(row, "agent", text_of(s->agent_version));
    json_object_set_new(row, "started_at", point_in_time(s->started_at));
    show_link(s, row);
    json_object_set_new(row, "streams", number_of(counters.streams));
    json_object_set_new(row, "in", number_of(counters.received_bytes));
    json_object_set_new(row, "out", number_of(counters.sent_bytes));
    json_object_set_new(row, "tunnels", show_tunnels(s));
    return row;
}

static json_t *show_sessions(const struct worker *w)
{
    struct table_node **nodes = sorted(&w->sessions, compare_sessions);
    json_t *rows = json_array();

    for (size_t i = 0; i < w->sessions.count; i++) {
        json_array_append_new(rows, show_session(CONTAINER_OF(nodes[i], struct session, node)));
    }
    mem_free(nodes);
    return rows;
}

static size_t count_visitors(const struct worker *w)
{
    size_t count = 0;

    LIST_EACH (&w->visitors, n) {
        count++;
    }
    LIST_EACH (&w->tcp_visitors, n) {
        count++;
    }
    return count;
}

static void on_part_done(void *arg);

static void fill_part(void *arg)
{
    struct part *part = arg;
    struct worker *w = part->worker;

    part->sessions = show_sessions(w);
    part->row = json_object();
    json_object_set_new(part->row, "index", number_of(w->index));
    json_object_set_new(part->row, "sessions", number_of(w->sessions.count));
    json_object_set_new(part->row, "visitors", number_of(count_visitors(w)));
    loop_post(part->report->relay->workers[0].loop, on_part_done, part);
}

/* ---- on worker 0 ---- */

static void add_address(json_t *rows, const struct address *at, uint16_t port)
{
    struct address bound = *at;
    struct text text = {0};

    bound.port = port; /* the one asked for may have been 0 */
    value_show_address(&text, &bound);
    json_array_append_new(rows, json_string(text_str(&text)));
    text_deinit(&text);
}

static json_t *show_addresses(const struct relay *r)
{
    json_t *rows = json_array();

    add_address(rows, &r->config->listen, r->port);
    if (r->port_tls != 0) {
        add_address(rows, &r->config->listen_tls, r->port_tls);
    }
    return rows;
}

static json_t *show_relay(const struct relay *r)
{
    int health = store_health(r->store);
    struct text url = {0};
    json_t *row = json_object();

    relay_show_url(r, &url);
    json_object_set_new(row, "version", json_string(relay_version()));
    json_object_set_new(row, "pid", json_integer(getpid()));
    json_object_set_new(row, "started_at", point_in_time(r->started_at));
    json_object_set_new(row, "uptime_ms", number_of(ms_since(r->started_at)));
    json_object_set_new(row, "url", json_string(text_str(&url)));
    json_object_set_new(row, "listen", show_addresses(r));
    json_object_set_new(row, "data", text_of(r->data));
    json_object_set_new(row, "store", json_string(health == 0 ? "ok" : err_text(health)));
    json_object_set_new(row, "draining", json_boolean(r->is_draining));
    text_deinit(&url);
    return row;
}

static json_t *show_counters(void)
{
    json_t *row = json_object();

    for (int i = 0; i < METRIC_COUNT; i++) {
        json_object_set_new(row, metric_name((enum metric)i),
                            json_integer(metric_get((enum metric)i)));
    }
    return row;
}

static json_t *join_parts(struct status_report *report)
{
    json_t *workers = json_array();
    json_t *sessions = json_array();

    for (uint32_t i = 0; i < report->part_count; i++) {
        struct part *part = &report->parts[i];
        json_array_append_new(workers, part->row);
        json_array_extend(sessions, part->sessions);
        json_decref(part->sessions);
    }
    return json_pack("{s:b, s:o, s:o, s:o, s:o}", "ok", 1, "relay", show_relay(report->relay),
                     "workers", workers, "sessions", sessions, "counters", show_counters());
}

static void on_part_done(void *arg)
{
    struct part *part = arg;
    struct status_report *report = part->report;

    if (--report->missing_count == 0) {
        report->done(report->ctx, join_parts(report));
        mem_free(report);
    }
}

void status_report_ask(struct relay *relay, void (*done)(void *ctx, json_t *report_take), void *ctx)
{
    uint32_t count = relay->worker_count;
    struct status_report *report = mem_alloc(sizeof *report + count * sizeof report->parts[0]);

    report->relay = relay;
    report->done = done;
    report->ctx = ctx;
    report->part_count = count;
    report->missing_count = count;
    for (uint32_t i = 0; i < count; i++) {
        report->parts[i] = (struct part){.report = report, .worker = &relay->workers[i]};
        loop_post(relay->workers[i].loop, fill_part, &report->parts[i]);
    }
}

#include "cmd/status_text.h"

#include "base/human.h"
#include "cmd/columns.h"

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static uint64_t number_at(const json_t *row, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(row, key));
}

static bool is_true_at(const json_t *row, const char *key)
{
    return json_is_true(json_object_get(row, key));
}

/* ---- cells ---- */

static void add_text(struct columns *t, const json_t *row, const char *key)
{
    columns_add(t, "%s", text_at(row, key));
}

static void add_number(struct columns *t, const json_t *row, const char *key)
{
    columns_add(t, "%llu", (unsigned long long)number_at(row, key));
}

static void add_bytes(struct columns *t, const json_t *row, const char *key)
{
    struct text text = {0};

    human_bytes(&text, number_at(row, key));
    columns_add(t, "%s", text_str(&text));
    text_deinit(&text);
}

static void add_duration(struct columns *t, const json_t *row, const char *key)
{
    struct text text = {0};

    human_duration(&text, number_at(row, key));
    columns_add(t, "%s", text_str(&text));
    text_deinit(&text);
}

/* Handles are numbered by each worker. */
static void add_session_id(struct columns *t, const json_t *session)
{
    columns_add(t, "%llu.%llu", (unsigned long long)number_at(session, "worker"),
                (unsigned long long)number_at(session, "id"));
}

/* ---- the relay ---- */

static void show_relay(const json_t *relay, struct text *out)
{
    size_t i;
    json_t *address;

    text_addf(out, "adit %s at %s, up ", text_at(relay, "version"), text_at(relay, "url"));
    human_duration(out, number_at(relay, "uptime_ms"));
    text_add_str(out, is_true_at(relay, "draining") ? ", stopping\n" : "\n");
    text_add_str(out, "listens on");
    json_array_foreach (json_object_get(relay, "listen"), i, address) {
        text_addf(out, " %s", json_string_value(address));
    }
    text_addf(out, ", data in %s\n", text_at(relay, "data"));
    if (strcmp(text_at(relay, "store"), "ok") != 0) {
        text_addf(out, "the data folder cannot be written: %s\n", text_at(relay, "store"));
    }
}

/* ---- sessions ---- */

static void add_session(struct columns *t, const json_t *session)
{
    bool is_attached = is_true_at(session, "attached");

    add_session_id(t, session);
    add_text(t, session, "host");
    add_text(t, session, "agent");
    add_text(t, session, "token");
    add_text(t, session, "carrier");
    add_text(t, session, "address");
    columns_add(t, "%s", is_attached ? "up" : "away");
    add_duration(t, session, "link_ms");
    if (is_attached) {
        columns_add(t, "%llu ms", (unsigned long long)number_at(session, "rtt_ms"));
    } else {
        columns_add(t, "-");
    }
    add_number(t, session, "resumes");
    add_number(t, session, "streams");
    add_bytes(t, session, "in");
    add_bytes(t, session, "out");
}

static void show_sessions(const json_t *sessions, struct text *out)
{
    struct columns t;
    size_t i;
    json_t *session;

    columns_init(&t, "SESSION HOST VERSION TOKEN CARRIER FROM LINK >FOR >RTT >RESUMES >STREAMS "
                     ">IN >OUT");
    json_array_foreach (sessions, i, session) {
        add_session(&t, session);
    }
    columns_show(&t, out);
    columns_deinit(&t);
}

static void show_losses(const json_t *sessions, struct text *out)
{
    struct columns t;
    size_t i;
    json_t *session;
    bool has_any = false;

    columns_init(&t, "SESSION LAST-LOSS");
    json_array_foreach (sessions, i, session) {
        if (text_at(session, "why")[0]) {
            has_any = true;
            add_session_id(&t, session);
            add_text(&t, session, "why");
        }
    }
    if (has_any) {
        text_add_char(out, '\n');
        columns_show(&t, out);
    }
    columns_deinit(&t);
}

/* ---- tunnels ---- */

/* The URL, while it leads here. */
static const char *place_key(const json_t *tunnel)
{
    bool is_over = strcmp(text_at(tunnel, "state"), "unbound") == 0;
    return text_at(tunnel, "url")[0] && !is_over ? "url" : "state";
}

static void add_tunnel(struct columns *t, const json_t *session, const json_t *tunnel)
{
    add_session_id(t, session);
    add_text(t, tunnel, "key");
    add_text(t, tunnel, "kind");
    add_text(t, tunnel, place_key(tunnel));
    add_text(t, tunnel, "target");
    add_number(t, tunnel, "open");
    add_number(t, tunnel, "exchanges");
    add_bytes(t, tunnel, "in");
    add_bytes(t, tunnel, "out");
}

static void show_tunnels(const json_t *sessions, struct text *out)
{
    struct columns t;
    size_t i, k;
    json_t *session, *tunnel;

    columns_init(&t, "SESSION TUNNEL KIND URL TARGET >OPEN >EXCHANGES >IN >OUT");
    json_array_foreach (sessions, i, session) {
        json_array_foreach (json_object_get(session, "tunnels"), k, tunnel) {
            add_tunnel(&t, session, tunnel);
        }
    }
    columns_show(&t, out);
    columns_deinit(&t);
}

void status_text(const json_t *report, struct text *out)
{
    const json_t *sessions = json_object_get(report, "sessions");

    show_relay(json_object_get(report, "relay"), out);
    text_add_char(out, '\n');
    if (json_array_size(sessions) == 0) {
        text_add_str(out, "No agent is here. On the machine with the service:  adit login "
                          "RELAY#TOKEN  (a new token: adit token create NAME)\n");
        return;
    }
    show_sessions(sessions, out);
    show_losses(sessions, out);
    text_add_char(out, '\n');
    show_tunnels(sessions, out);
}

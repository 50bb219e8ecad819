#include "relay/visitors/pages.h"

#include "base/text.h"
#include "gen/relay_visitors_assets.h"
#include "wire/http_value.h"

enum { HOST_SHOWN_MAX = 255 };

/* Which hop could not go on. */
#define AT_RELAY   "relay"
#define AT_AGENT   "agent"
#define AT_SERVICE "service"

/* Sentences of several pages. */
#define AGAIN_SOON "Try again in a moment."
#define USE_ADIT   "Use adit on the machine with the service."

struct page_text {
    uint16_t status;
    const char *code;
    const char *where;
    const char *title;
    const char *what;
    const char *fix;
};

/* {{host}} is the name the visitor asked for. */
static const struct page_text texts[PAGE_COUNT] = {
    [PAGE_RELAY] = {200, "RELAY", AT_RELAY, "An adit relay",
                    "This relay is running. The services behind it have host names of their own.",
                    "To publish one: adit login, then adit http 3000."},
    [PAGE_NOT_HERE] = {404, "NOT_HERE", AT_RELAY, "Nothing here",
                       "{{host}} is the relay itself, and it has nothing at this path.",
                       "Use the host name of the service you are looking for."},
    [PAGE_NO_TUNNEL] = {404, "NO_TUNNEL", AT_RELAY, "No such tunnel",
                        "Nothing is published as {{host}} right now.",
                        "Check the address. If the tunnel is yours, start its agent again."},
    [PAGE_NO_PATH] = {404, "NO_PATH", AT_RELAY, "No tunnel for this path",
                      "{{host}} is published, but not at this path.",
                      "Check the address. If the tunnel is yours, look at its --path."},
    [PAGE_AGENT_AWAY] = {503, "AGENT_AWAY", AT_AGENT, "The agent is away",
                         "{{host}} is published, but the machine behind it has lost its connection "
                         "to this relay.",
                         AGAIN_SOON " If it is yours, see that the agent runs and has a network."},
    [PAGE_AGENT_BUSY] = {503, "AGENT_BUSY", AT_AGENT, "The agent is away",
                         "{{host}} has lost its connection to this relay, and many visitors wait "
                         "for it already.",
                         AGAIN_SOON},
    [PAGE_OUT_OF_BUDGET] = {503, "OUT_OF_BUDGET", AT_RELAY, "Too much at once",
                            "There is no memory left for one more connection to {{host}}.",
                            AGAIN_SOON " If it is yours, see limits in relay.yml."},
    [PAGE_REFUSED] = {502, "REFUSED", AT_SERVICE, "The service is not running",
                      "The agent of {{host}} is here, but the service behind it refused the "
                      "connection.",
                      "If it is yours, start the service, or correct the tunnel's target."},
    [PAGE_CONNECT_TIMEOUT] = {504, "TIMEOUT", AT_SERVICE, "The service does not respond",
                              "The agent of {{host}} is here, but the service behind it did not "
                              "accept the connection in time.",
                              "Try again later. If it is yours, see whether the service is "
                              "overloaded or behind a firewall."},
    [PAGE_NAME_NOT_FOUND] = {502, "DNS", AT_SERVICE, "The service was not found",
                             "The agent of {{host}} does not know the name of its target.",
                             "If it is yours, correct the host name in the tunnel's target."},
    [PAGE_TLS_FAILED] = {502, "TLS", AT_SERVICE, "No TLS with the service",
                         "The agent of {{host}} could not agree on TLS with the service behind it.",
                         "If it is yours, check the service's certificate and that it speaks "
                         "https."},
    [PAGE_DENIED] = {403, "DENIED", AT_AGENT, "Not allowed",
                     "The agent of {{host}} does not allow this connection.",
                     "If it is yours, see the tunnel's rights."},
    [PAGE_CUT] = {502, "CUT", AT_AGENT, "The connection was lost",
                  "The connection to the service behind {{host}} was lost before it answered.",
                  "Try again."},
    [PAGE_NO_ANSWER] = {502, "NO_ANSWER", AT_SERVICE, "No answer",
                        "The service behind {{host}} closed the connection without an answer.",
                        "Try again. If it is yours, its own log says why."},
    [PAGE_BAD_ANSWER] = {502, "BAD_ANSWER", AT_SERVICE, "Not an HTTP answer",
                         "What the service behind {{host}} sent is not HTTP.",
                         "If it is yours, see that the target is an HTTP server; others are "
                         "published with adit tcp."},
    [PAGE_ANSWER_TIMEOUT] = {504, "ANSWER_TIMEOUT", AT_SERVICE, "No answer in time",
                             "The service behind {{host}} took the request and did not answer in "
                             "time.",
                             "Try again later. If it is yours, its own log says what it is "
                             "doing."},
    [PAGE_LINK_FROM_WEB] = {403, "LINK_FROM_WEB", AT_RELAY, "Not from a web page",
                            "Links are opened by agents, never by a web page.", USE_ADIT},
    [PAGE_LINK_NOT_GET] = {405, "LINK_NOT_GET", AT_RELAY, "Not a link",
                           "This address takes WebSocket upgrades of agents only, and those are "
                           "asked for with GET.",
                           USE_ADIT},
    [PAGE_LINK_NO_UPGRADE] = {426, "LINK_NO_UPGRADE", AT_RELAY, "Links come here",
                              "This address takes WebSocket upgrades of agents only.",
                              USE_ADIT " If an agent was sent here, a proxy on its way lets no "
                                       "WebSocket (version 13) pass."},
    [PAGE_LINK_BAD] = {400, "LINK_BAD", AT_RELAY, "Not a link",
                       "The upgrade to WebSocket that was asked for is broken.", USE_ADIT},
};

/* What a status asks for beside its page. */
static const struct status_field {
    uint16_t status;
    const char *name;
    const char *value;
    const char *upgrade; /* NULL: none */
} status_fields[] = {
    {405, "Allow", "GET", NULL},
    {426, "Sec-WebSocket-Version", "13", "websocket"},
    {503, "Retry-After", "5", NULL},
};

enum page page_for_reset(uint16_t code)
{
    static const enum page pages[] = {
        [RESET_REFUSED] = PAGE_REFUSED,     [RESET_TIMEOUT] = PAGE_CONNECT_TIMEOUT,
        [RESET_DNS] = PAGE_NAME_NOT_FOUND,  [RESET_TLS] = PAGE_TLS_FAILED,
        [RESET_DENIED] = PAGE_DENIED,       [RESET_UNSENT] = PAGE_NO_ANSWER,
        [RESET_CANCEL] = PAGE_CUT,          [RESET_GONE] = PAGE_CUT,
        [RESET_LIMIT] = PAGE_OUT_OF_BUDGET, [RESET_SLOW] = PAGE_OUT_OF_BUDGET,
        [RESET_GRACE] = PAGE_AGENT_AWAY,    [RESET_SHUTDOWN] = PAGE_AGENT_AWAY,
        [RESET_PROTOCOL] = PAGE_CUT,        [RESET_SUPERSEDED] = PAGE_AGENT_AWAY,
    };

    return code != RESET_NONE && code < COUNT_OF(pages) ? pages[code] : PAGE_CUT;
}

uint16_t page_status(enum page page)
{
    return texts[page].status;
}

const char *page_code(enum page page)
{
    return texts[page].code;
}

/* ---- who is asking ---- */

enum format { FORMAT_TEXT, FORMAT_HTML, FORMAT_JSON, FORMAT_COUNT };

/* 850 of "0.85". Only the order matters: nonsense counts as little. */
static unsigned thousandths(struct slice s)
{
    unsigned n = s.len && s.ptr[0] == '1' ? 1000 : 0;
    unsigned place = 100;

    for (size_t i = 2; n < 1000 && i < s.len && i < 5; i++, place /= 10) {
        n += s.ptr[i] >= '0' && s.ptr[i] <= '9' ? place * (unsigned)(s.ptr[i] - '0') : 0;
    }
    return n;
}

/* What `;q=` says in the parameters of a media range. */
static unsigned weight_of(struct slice parameters)
{
    unsigned weight = 1000;

    while (parameters.ptr) {
        struct slice p = slice_trim(slice_cut(&parameters, ';'));
        if (slice_equal_nocase(slice_sub(p, 0, 2), SLICE("q="))) {
            weight = thousandths(slice_sub(p, 2, p.len));
        }
    }
    return weight;
}

static enum format format_of_type(struct slice type)
{
    if (slice_equal_nocase(type, SLICE("text/html"))) {
        return FORMAT_HTML;
    }
    return slice_equal_nocase(type, SLICE("application/json")) ? FORMAT_JSON : FORMAT_TEXT;
}

/* HTML and JSON go to those who name them (a browser does, curl does not). */
static enum format preferred_format(const struct http_head *request)
{
    unsigned weights[FORMAT_COUNT] = {0};

    for (struct http_field *f = http_head_find(request, HTTP_ACCEPT); f;
         f = http_head_next(request, f)) {
        struct slice rest = f->value;
        struct slice range;
        while (http_list_next(&rest, &range)) {
            enum format format = format_of_type(slice_trim(slice_cut(&range, ';')));
            unsigned weight = weight_of(range);
            weights[format] = weight > weights[format] ? weight : weights[format];
        }
    }
    if (weights[FORMAT_HTML] == 0 && weights[FORMAT_JSON] == 0) {
        return FORMAT_TEXT;
    }
    return weights[FORMAT_JSON] > weights[FORMAT_HTML] ? FORMAT_JSON : FORMAT_HTML;
}

/* ---- filling in ---- */

typedef void add_fn(struct text *out, struct slice s);

struct filling {
    const struct page_text *page;
    struct slice host;
    add_fn *add; /* escapes */
};

static void fill(const struct filling *f, struct slice template, struct text *out);

static void fill_value(const struct filling *f, struct slice name, struct text *out)
{
    const struct {
        const char *name;
        const char *template;
    } values[] = {
        {"title", f->page->title}, {"what", f->page->what}, {"fix", f->page->fix},
        {"where", f->page->where}, {"code", f->page->code},
    };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (slice_is(name, values[i].name)) {
            fill(f, slice_str(values[i].template), out);
        }
    }
    if (slice_is(name, "host")) {
        f->add(out, f->host);
    } else if (slice_is(name, "status")) {
        text_addf(out, "%u", f->page->status);
    }
}

/* Copies the template with each {{name}} replaced by its value. */
static void fill(const struct filling *f, struct slice template, struct text *out)
{
    while (template.len) {
        size_t open = slice_find(template, SLICE("{{"));
        text_add(out, slice_sub(template, 0, open));
        template = slice_sub(template, open, template.len);
        size_t close = slice_find(template, SLICE("}}"));
        if (close == template.len) {
            text_add(out, template);
            return;
        }
        fill_value(f, slice_sub(template, 2, close - 2), out);
        template = slice_sub(template, close + 2, template.len);
    }
}

static struct slice asset(const char *name)
{
    const struct asset *a = asset_find(relay_visitors_assets, name);

    ASSERT(a);
    return slice_of(a->bytes, a->size_bytes);
}

static const struct {
    struct slice type;
    add_fn *add;
} formats[FORMAT_COUNT] = {
    [FORMAT_TEXT] = {{"text/plain; charset=utf-8", 25}, text_add},
    [FORMAT_HTML] = {{"text/html; charset=utf-8", 24}, text_add_html},
    [FORMAT_JSON] = {{"application/json", 16}, text_add_json},
};

static struct slice template_of(enum page page, enum format format)
{
    switch (format) {
    case FORMAT_HTML:
        return asset(page == PAGE_RELAY ? "relay.html" : "page.html");
    case FORMAT_JSON:
        return asset("page.json");
    case FORMAT_TEXT:
    case FORMAT_COUNT:
        break;
    }
    return asset("page.txt");
}

static void show(const struct http_head *request, enum page page, enum format format,
                 struct text *out)
{
    const struct filling filling = {
        .page = &texts[page],
        .host = slice_sub(http_head_host(request), 0, HOST_SHOWN_MAX),
        .add = formats[format].add,
    };

    fill(&filling, template_of(page, format), out);
}

/* ---- answering ---- */

static void add_status_field(struct http_head *head, uint16_t status)
{
    for (size_t i = 0; i < COUNT_OF(status_fields); i++) {
        const struct status_field *f = &status_fields[i];
        if (f->status == status) {
            http_head_add_name(head, slice_str(f->name), slice_str(f->value));
            head->upgrade = slice_str(f->upgrade);
        }
    }
}

static void add_fields(struct http_head *head, const struct page_text *page, enum format format)
{
    http_head_add(head, HTTP_CONTENT_TYPE, formats[format].type);
    http_head_add(head, HTTP_CACHE_CONTROL, SLICE("no-store"));
    http_head_add(head, HTTP_VARY, SLICE("Accept"));
    if (format == FORMAT_HTML) {
        http_head_add_name(head, SLICE("Content-Security-Policy"),
                           SLICE("default-src 'none'; style-src 'unsafe-inline'"));
    }
    add_status_field(head, page->status);
    if (page->status >= 400) {
        http_head_add_name(head, SLICE("Adit-Error"), slice_str(page->code));
    }
}

int page_answer(struct exchange *front, const struct http_head *request, enum page page)
{
    enum format format = preferred_format(request);
    struct http_head head = {0};
    struct text body = {0};

    http_head_make_response(&head, texts[page].status);
    add_fields(&head, &texts[page], format);
    show(request, page, format, &body);
    int err = exchange_answer(front, &head, text_slice(&body));
    text_deinit(&body);
    http_head_clear(&head);
    return err;
}

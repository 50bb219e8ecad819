#include "tls/tls13_post_priv.h"

#include "base/least.h"

enum {
    HEAD_BYTES = 4,
    NEW_SESSION_TICKET = 4,
    KEY_UPDATE = 24,
    TICKET_MAX_BYTES = 128 * 1024 + 16, /* the longest there can be */
};

const uint8_t tls13_update[TLS13_UPDATE_BYTES] = {KEY_UPDATE, 0, 0, 1, 0};

/* The head is there: how long the message is, and whether it may come at all. */
static int judge(struct tls13_post *p, bool is_client)
{
    uint32_t length = (uint32_t)(p->bytes[1] << 16 | p->bytes[2] << 8 | p->bytes[3]);

    if (p->bytes[0] == KEY_UPDATE) {
        return length == 1 ? 0 : GNUTLS_A_DECODE_ERROR;
    }
    if (p->bytes[0] != NEW_SESSION_TICKET || !is_client) {
        return GNUTLS_A_UNEXPECTED_MESSAGE;
    }
    p->skip = length;
    return length > 0 && length <= TICKET_MAX_BYTES ? 0 : GNUTLS_A_DECODE_ERROR;
}

static void skip_ticket(struct tls13_post *p, struct bufq *content)
{
    size_t n = least_size(p->skip, content->bytes);

    bufq_drop(content, n);
    p->skip -= (uint32_t)n;
    if (p->skip == 0) {
        p->have = 0;
    }
}

/* The keys change for what follows, so a KeyUpdate ends its record. */
static int take_update(struct tls13_post *p, bool is_last, struct tls13_news *news)
{
    uint8_t wish = p->bytes[HEAD_BYTES];

    p->have = 0;
    if (!is_last) {
        return GNUTLS_A_UNEXPECTED_MESSAGE;
    }
    news->has_new_keys = true;
    news->wants_ours = wish == 1;
    return wish <= 1 ? 0 : GNUTLS_A_ILLEGAL_PARAMETER;
}

static int take_byte(struct tls13_post *p, struct bufq *content, bool is_client,
                     struct tls13_news *news)
{
    bufq_peek(content, &p->bytes[p->have++], 1);
    bufq_drop(content, 1);
    if (p->have == HEAD_BYTES) {
        return judge(p, is_client);
    }
    return p->have == TLS13_UPDATE_BYTES ? take_update(p, bufq_is_empty(content), news) : 0;
}

int tls13_post_read(struct tls13_post *p, struct bufq *content, bool is_client,
                    struct tls13_news *news_out)
{
    int alert = bufq_is_empty(content) ? GNUTLS_A_UNEXPECTED_MESSAGE : 0;

    *news_out = (struct tls13_news){0};
    while (alert == 0 && !bufq_is_empty(content)) {
        if (p->skip > 0) {
            skip_ticket(p, content);
        } else {
            alert = take_byte(p, content, is_client, news_out);
        }
    }
    return alert;
}

bool tls13_post_is_between(const struct tls13_post *p)
{
    return p->have == 0;
}

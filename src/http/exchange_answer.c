/* Complete small responses: error pages, redirects, refusals. */
#include "http/exchange.h"
#include "http/http_date.h"

static void add_missing(struct http_head *h, enum http_name id, struct slice value)
{
    if (!http_head_find(h, id)) {
        http_head_add(h, id, value);
    }
}

static int send_answer(struct exchange *x, const struct http_head *head, struct slice body)
{
    struct http_head *request;
    struct bufq bytes = {0};

    TRY(exchange_read_head(x, &request));
    TRY(exchange_send_head(x, head));
    if (!slice_is(request->method, "HEAD")) {
        bufq_push_slice(&bytes, body);
        int err = stream_write(&x->body, &bytes);
        bufq_clear(&bytes);
        TRY(err);
    }
    return stream_shutdown(&x->body);
}

int exchange_answer(struct exchange *x, const struct http_head *head, struct slice body)
{
    struct http_head own = {0};

    http_head_copy(&own, head);
    add_missing(&own, HTTP_DATE, http_date_now());
    own.body = body.len > 0 ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
    own.body_bytes = body.len;
    int err = send_answer(x, &own, body);
    http_head_clear(&own);
    return err;
}

int exchange_answer_status(struct exchange *x, uint16_t status)
{
    struct http_head head = {0};

    http_head_make_response(&head, status);
    http_head_add(&head, HTTP_CONTENT_TYPE, SLICE("text/plain; charset=utf-8"));
    struct slice line = http_head_keepf(&head, "%u %.*s\n", status, SLICE_ARG(head.reason));
    int err = exchange_answer(x, &head, line);
    http_head_clear(&head);
    return err;
}

uint16_t exchange_status_of(int err)
{
    switch (err_category(err)) {
    case ERR_CAT_PEER:
        return 400;
    case ERR_CAT_LIMIT:
        return 413;
    case ERR_CAT_GONE:
        return err == ERR_TIMEOUT ? 408 : 0;
    case ERR_CAT_LOCAL:
    case ERR_CAT_USAGE:
    case ERR_CAT_RETRY:
        return 500;
    }
    UNREACHABLE();
}

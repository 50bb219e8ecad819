#include "http/exchange.h"

int exchange_read_head(struct exchange *x, struct http_head **head_out)
{
    return x->ops->read_head(x, head_out);
}

int exchange_send_head(struct exchange *x, const struct http_head *head)
{
    return x->ops->send_head(x, head);
}

int exchange_send_trailers(struct exchange *x, const struct http_head *trailers)
{
    return x->ops->send_trailers(x, trailers);
}

const struct http_head *exchange_trailers(const struct exchange *x)
{
    return x->ops->trailers(x);
}

void exchange_hold_deadlines(struct exchange *x, bool is_held)
{
    x->ops->hold_deadlines(x, is_held);
}

void exchange_close(struct exchange **x)
{
    struct stream *body = *x ? &(*x)->body : NULL;

    *x = NULL;
    stream_close(&body);
}

void exchange_abort(struct exchange **x)
{
    struct stream *body = *x ? &(*x)->body : NULL;

    *x = NULL;
    stream_abort(&body);
}

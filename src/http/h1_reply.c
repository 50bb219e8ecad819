#include "http/h1_reply.h"

/* A body the visitor holds back until it is told to go on will not come any more. */
static bool is_body_held_back(const struct h1_reply *r, const struct h1_flow *f)
{
    return f->reader.state != H1_READER_DONE && !r->has_continued &&
           http_head_find(&f->reader.head, HTTP_EXPECT);
}

static int send_final(struct h1_reply *r, struct h1_flow *f, const struct http_head *head)
{
    const struct http_head *request = &f->reader.head;
    struct h1_answer answer = {
        .version = request->version,
        .is_to_head = slice_is(request->method, "HEAD"),
        .is_to_connect = request->is_tunnel,
        .is_kept = !r->is_last && !is_body_held_back(r, f),
    };

    TRY(h1_writer_response(&f->writer, head, &answer));
    r->is_last = !answer.is_kept;
    if (head->is_tunnel) {
        h1_flow_start_tunnel(f);
    }
    return 0;
}

static int send_informational(struct h1_reply *r, struct h1_flow *f, const struct http_head *head)
{
    struct h1_answer answer = {.version = HTTP_1_1};

    if (f->reader.head.version == HTTP_1_0) {
        return 0; /* its clients know of none */
    }
    r->has_continued |= head->status == 100;
    return h1_writer_response(&f->writer, head, &answer);
}

int h1_reply_send(struct h1_reply *r, struct h1_flow *f, const struct http_head *head)
{
    if (f->broken || f->is_stopped) {
        return ERR_CLOSED;
    }
    if (head->is_tunnel && f->reader.state != H1_READER_DONE) {
        return ERR_INVALID;
    }
    stream_mark_dirty(&f->x.body);
    return http_head_is_informational(head) ? send_informational(r, f, head)
                                            : send_final(r, f, head);
}

void h1_reply_refuse(struct h1_flow *f, unsigned status, const char *why)
{
    struct h1_answer answer = {.version = HTTP_1_1};
    struct http_head head = {0};
    struct bufq body = {0};

    http_head_make_response(&head, (uint16_t)status);
    http_head_add_kept(&head, HTTP_CONTENT_TYPE, http_name_text(HTTP_CONTENT_TYPE),
                       SLICE("text/plain; charset=utf-8"));
    bufq_push_str(&body, why);
    bufq_push_str(&body, "\n");
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = body.bytes;
    int err = h1_writer_response(&f->writer, &head, &answer);
    ASSERT(err == 0);
    err = h1_writer_body(&f->writer, &body, body.bytes);
    ASSERT(err == 0);
    http_head_clear(&head);
}

/* The head of a request as a test wants it. */
#pragma once
#include "http/head.h"

/* Of an empty head. The texts are copied; method is a literal, or lives as long. */
static inline void request_head(struct http_head *h, const char *method, const char *authority,
                                const char *path)
{
    h->version = HTTP_1_1;
    h->method = slice_str(method);
    h->scheme = SLICE("http");
    h->authority = http_head_keep(h, slice_str(authority));
    h->path = http_head_keep(h, slice_str(path));
}

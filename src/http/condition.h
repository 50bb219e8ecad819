/* What a request asks of a file it may already have: preconditions (RFC 9110 section 13) and one
 * byte range (section 14). Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"

struct version_facts {
    struct slice etag;   /* with its quotes; strong */
    int64_t modified_at; /* seconds since 1970 */
};

/* 0: go on; 304 or 412: answer that. */
uint16_t condition_judge(const struct http_head *request, const struct version_facts *version);

enum range_verdict {
    RANGE_NONE,          /* none asked for, or one we may ignore: all of it */
    RANGE_PART,          /* first, count */
    RANGE_UNSATISFIABLE, /* 416 */
};

struct range {
    uint64_t first;
    uint64_t count;
};

/* size_bytes: of the whole. Several ranges at once are answered with the whole. */
enum range_verdict range_judge(const struct http_head *request, const struct version_facts *version,
                               uint64_t size_bytes, struct range *range_out);

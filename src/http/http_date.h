/* Dates as HTTP writes them (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". */
#pragma once
#include <stdint.h>

#include "base/slice.h"

enum { HTTP_DATE_BYTES = 29 };

/* seconds: since 1970, UTC, before the year 10000. No terminator. */
void http_date_show(int64_t seconds, char out[HTTP_DATE_BYTES]);

/* Now; made once a second and thread. */
struct slice http_date_now(void);

/* Any of the three forms. ERR_INVALID. */
MUST_USE int http_date_parse(struct slice text, int64_t *seconds_out);

/* What a person reads about a running relay, made of the report that the relay gives
 * (relay/operator/status_report.h): the relay, its sessions, their tunnels. Pure. */
#pragma once
#include <jansson.h>

#include "base/text.h"

void status_text(const json_t *report, struct text *out);

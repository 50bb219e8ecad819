/* How the relay calls itself to people: by its domain, or by the address of this machine that
 * others would dial. Of a relay whose doors are open. */
#pragma once
#include "base/slice.h"
#include "base/text.h"

struct relay;

/* The line a person types on the machine with the service: RELAY#TOKEN#PIN. */
void relay_show_login(const struct relay *r, struct slice token, struct text *out);
void relay_show_url(const struct relay *r, struct text *out);

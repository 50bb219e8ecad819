/* What may be a public name: one label (`blog`) or a whole host (`blog.example.com`). Pure. */
#pragma once
#include <stdbool.h>

#include "base/slice.h"

/* Letters, digits and inner hyphens, at most 63. */
bool host_name_is_label(struct slice s);

/* Labels joined by dots, at most 253 characters. The first one may be `*`; `*` alone is every
 * host. */
bool host_name_is_host(struct slice s);

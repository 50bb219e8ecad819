/* Names of tunnels: what may be asked for, and what is given when nobody asked.
 *
 * Pure. A name is one DNS label below the relay's domain ("blog"); a name with a dot is a whole
 * host ("blog.example.org").
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

enum { NAME_LABEL_MAX = 63, NAME_HOST_MAX = 253 };

/* A label: letters, digits, inner hyphens. Writes it in lower case. ERR_INVALID with a line that
 * says what is wrong, also for labels the relay keeps for itself (www, admin, _anything). */
MUST_USE int names_check_label(struct slice label, struct text *name_out, struct errinfo *info);

/* A host of labels, the first of which may be "*"; or "*" alone. Writes it in lower case. */
MUST_USE int names_check_host(struct slice host, struct text *host_out, struct errinfo *info);

/* Two readable words ("quiet-otter"): the same for the same seed and attempt. There are 11,000
 * pairs; who still finds no free one at the fifth attempt gets a number, too ("quiet-otter-417").
 */
void names_two_words(uint64_t seed, unsigned attempt, struct text *name_out);

/* For the tests of net/dial: a dial whose look-up is done already. */
#pragma once
#include "net/addr.h"
#include "net/dial.h"

struct dial *dial_start_at(struct loop *loop, const struct addr *addrs, size_t count,
                           uint64_t deadline_ms, dial_fn *fn, void *ctx);

/* Alternates the families, beginning with that of the first one; keeps the order within each. */
void dial_interleave(struct addr *addrs, size_t count);

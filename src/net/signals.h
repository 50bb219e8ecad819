/* SIGINT, SIGTERM and SIGHUP as events of a loop. One per process, on its main loop. */
#pragma once
#include "net/loop.h"

struct signals;

/* number: SIGINT, SIGTERM or SIGHUP. From the ready phase. */
typedef void signals_fn(void *ctx, int number);

MUST_USE int signals_open(struct signals **out, struct loop *loop, signals_fn *fn, void *ctx);
void signals_close(struct signals **s); /* the defaults are in force again */

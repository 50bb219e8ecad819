/* Whether a loop that has nothing to do sleeps. */
#pragma once
#include <sys/resource.h>

#include "net/loop.h"

enum { BUSY_QUIET_US = 25000 }; /* a loop that spins needs twice this */

static inline long busy_us_between(const struct timeval *from, const struct timeval *to)
{
    return 1000000 * (to->tv_sec - from->tv_sec) + (to->tv_usec - from->tv_usec);
}

/* Microseconds of CPU that 50 ms of waiting cost. */
static inline long busy_us(struct loop *loop)
{
    struct rusage u[2];

    loop_run_for(loop, 5);
    getrusage(RUSAGE_SELF, &u[0]);
    loop_run_for(loop, 50);
    getrusage(RUSAGE_SELF, &u[1]);
    return busy_us_between(&u[0].ru_utime, &u[1].ru_utime) +
           busy_us_between(&u[0].ru_stime, &u[1].ru_stime);
}

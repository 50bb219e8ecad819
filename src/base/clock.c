#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_now_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000u;
}

uint64_t clock_now_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000u;
}

uint64_t clock_asleep_ms(void)
{
#ifdef CLOCK_BOOTTIME
    uint64_t awake = read_us(CLOCK_MONOTONIC); /* first: the difference is never negative */
    return (read_us(CLOCK_BOOTTIME) - awake) / 1000u;
#else
    return 0;
#endif
}

void clock_show(uint64_t wall_ms, char out[CLOCK_TEXT_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000u);
    struct tm t;
    char day[20];

    gmtime_r(&seconds, &t);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out, CLOCK_TEXT_BYTES, "%s.%03uZ", day, (unsigned)(wall_ms % 1000u));
}

/* Time as the rest of the program sees it: milliseconds and microseconds that never go back, and
 * the wall clock for people. Engines never call these; they are given a time. */
#pragma once
#include <stdint.h>
#include <stddef.h>

uint64_t clock_now_ms(void);  /* monotonic */
uint64_t clock_now_us(void);  /* monotonic */
uint64_t clock_wall_ms(void); /* since 1970, UTC */

/* How long the machine has been asleep since it was started: grows while the clocks above stand
 * still. 0 for ever where the system does not tell. */
uint64_t clock_asleep_ms(void);

/* "2026-11-21T09:30:05.123Z" */
#define CLOCK_TEXT_BYTES 25
void clock_show(uint64_t wall_ms, char out[CLOCK_TEXT_BYTES]);

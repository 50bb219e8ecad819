/* Time as the rest of the program sees it: milliseconds and microseconds that never go back, and
 * the wall clock for people. Engines never call these; they are given a time. */
#pragma once
#include <stdint.h>
#include <stddef.h>

uint64_t clock_now_ms(void);  /* monotonic */
uint64_t clock_now_us(void);  /* monotonic */
uint64_t clock_wall_ms(void); /* since 1970, UTC */

/* "2026-11-21T09:30:05.123Z" */
#define CLOCK_TEXT_BYTES 25
void clock_show(uint64_t wall_ms, char out[CLOCK_TEXT_BYTES]);

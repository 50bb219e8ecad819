/* Random bytes from the system, fit for keys and tokens. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t n);
uint64_t random_u64(void);

/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(uint64_t bound);

/* One value per process, for hash tables. */
uint64_t random_process_key(void);

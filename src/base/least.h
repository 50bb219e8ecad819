/* The smaller of two numbers. */
#pragma once
#include <stddef.h>
#include <stdint.h>

static inline uint64_t least_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline size_t least_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* FNV-1a, 64 bits: a hash of bytes that is the same in every process and on every machine. What
 * strangers choose the keys of is hashed by slice_hash, which has a secret. Pure. */
#pragma once
#include <stdint.h>

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static inline uint64_t fnv_add(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * FNV_PRIME;
}

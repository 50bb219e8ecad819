#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/err.h"

#if defined(__SANITIZE_ADDRESS__)
#define EVERY_OBJECT_IS_A_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVERY_OBJECT_IS_A_MALLOC 1
#endif
#endif
#ifndef EVERY_OBJECT_IS_A_MALLOC
#define EVERY_OBJECT_IS_A_MALLOC 0
#endif

static void *check(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t bytes)
{
    return check(calloc(1, bytes ? bytes : 1));
}

void *mem_alloc_array(size_t count, size_t bytes_each)
{
    return check(calloc(count ? count : 1, bytes_each ? bytes_each : 1));
}

void *mem_alloc_aligned(size_t bytes, size_t alignment)
{
    return memset(check(aligned_alloc(alignment, bytes)), 0, bytes);
}

void *mem_resize(void *p, size_t bytes)
{
    return check(realloc(p, bytes ? bytes : 1));
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t n)
{
    char *copy = mem_alloc(n + 1);
    if (n > 0) { /* an empty slice may point nowhere */
        memcpy(copy, s, n);
    }
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void mem_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

bool mem_equal_secret(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char differ = 0;

    for (size_t i = 0; i < n; i++) {
        differ = (unsigned char)(differ | (x[i] ^ y[i]));
    }
    return differ == 0;
}

size_t mem_physical_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);

    return pages > 0 && page_bytes > 0 ? (size_t)pages * (size_t)page_bytes : (size_t)1 << 30;
}

void *mem_pool_get(struct mem_pool *pool)
{
    ASSERT(pool->object_bytes >= sizeof(void *));
    pool->in_use++;
    if (!pool->spares) {
        return mem_alloc(pool->object_bytes);
    }
    void *object = pool->spares;
    memcpy(&pool->spares, object, sizeof(void *));
    pool->spare_count--;
    memset(object, 0, pool->object_bytes);
    return object;
}

void mem_pool_put(struct mem_pool *pool, void *object)
{
    ASSERT(pool->in_use > 0);
    pool->in_use--;
    if (EVERY_OBJECT_IS_A_MALLOC || pool->spare_count >= pool->spares_max) {
        mem_free(object);
        return;
    }
    memcpy(object, &pool->spares, sizeof(void *));
    pool->spares = object;
    pool->spare_count++;
}

void mem_pool_drain(struct mem_pool *pool)
{
    while (pool->spares) {
        void *object = pool->spares;
        memcpy(&pool->spares, object, sizeof(void *));
        mem_free(object);
    }
    pool->spare_count = 0;
}

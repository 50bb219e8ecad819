/* The only door to the heap.
 *
 * Small allocations of our own never fail: out of memory ends the process with a message. Whatever
 * a peer can make large or numerous is limited by name first, by the caller. Memory comes zeroed.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t bytes);
void *mem_alloc_array(size_t count, size_t bytes_each);  /* product checked */
void *mem_resize(void *p, size_t bytes);                 /* realloc; the new part is not zeroed */
void *mem_alloc_aligned(size_t bytes, size_t alignment); /* which divides bytes */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
void mem_free(void *p);

/* Gives what is free back to the system, after something large has gone for good. */
void mem_trim(void);

/* Wipes n bytes in a way the compiler may not leave out. For secrets. */
void mem_wipe(void *p, size_t n);

/* Takes time that depends on n only, never on the bytes. For secrets. */
_Bool mem_equal_secret(const void *a, const void *b, size_t n);

/* Memory of this machine, in bytes; a guess of 1 GiB where the system does not tell. */
size_t mem_physical_bytes(void);

#define NEW(type) ((type *)mem_alloc(sizeof(type)))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A pool of equal objects that come and go: keeps some spares, gives back the rest. One pool per
 * thread and type (declare it _Thread_local static). Under ASan every object is a malloc of its
 * own, so that the tool can see its life. */
struct mem_pool {
    size_t object_bytes;
    uint32_t spares_max;
    uint32_t spare_count;
    uint32_t in_use; /* objects handed out and not returned */
    void *spares;
};

#define MEM_POOL(type, spares) {.object_bytes = sizeof(type), .spares_max = (spares)}

void *mem_pool_get(struct mem_pool *pool); /* zeroed */
void mem_pool_put(struct mem_pool *pool, void *object);
void mem_pool_drain(struct mem_pool *pool); /* frees the spares */

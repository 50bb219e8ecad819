#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include "base/err.h"

static uint64_t process_key;
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

void random_bytes(void *out, size_t n)
{
    unsigned char *at = out;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value;
}

uint64_t random_below(uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t uneven = (UINT64_MAX - bound + 1) % bound; /* 2^64 mod bound */
    uint64_t value = random_u64();

    while (value < uneven) {
        value = random_u64();
    }
    return value % bound;
}

static void make_process_key(void)
{
    process_key = random_u64();
}

uint64_t random_process_key(void)
{
    pthread_once(&process_key_once, make_process_key);
    return process_key;
}

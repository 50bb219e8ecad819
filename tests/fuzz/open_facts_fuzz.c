/* The facts of OPEN and OPENED from anybody; what is accepted must come back the same. */
#include "wire/open_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct open_facts open, open_back;
    struct opened_facts opened;
    uint8_t again[OPEN_FACTS_MAX_BYTES];
    size_t n;

    if (open_facts_decode(slice_of(bytes, size), &open, NULL) == 0) {
        ASSERT(open_facts_encode(&open, again, sizeof again, &n) == 0);
        ASSERT(open_facts_decode(slice_of(again, n), &open_back, NULL) == 0);
        ASSERT(slice_equal(open.visitor, open_back.visitor));
        ASSERT(slice_equal(open.relay_host, open_back.relay_host));
        ASSERT(open.is_exchange == open_back.is_exchange);
    }
    if (opened_facts_decode(slice_of(bytes, size), &opened, NULL) == 0) {
        ASSERT(opened_facts_encode(&opened, again, sizeof again, &n) == 0);
    }
    return 0;
}

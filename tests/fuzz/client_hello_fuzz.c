/* First bytes of a TLS connection from anybody: a name that is found lies inside of them, and more
 * bytes behind a complete record change nothing. */
#include "wire/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice all = slice_of(bytes, size);
    struct slice name = SLICE_NONE;
    int err = client_hello_name(all, &name);

    if (err == 0) {
        ASSERT(name.ptr >= all.ptr && name.ptr + name.len <= all.ptr + all.len);
        ASSERT(name.len > 0 && name.len <= CLIENT_HELLO_NAME_MAX);
    }
    for (size_t n = 0; err == 0 && n < size; n++) {
        struct slice early = SLICE_NONE;
        int early_err = client_hello_name(slice_sub(all, 0, n), &early);
        ASSERT(early_err == ERR_MORE || (early_err == 0 && slice_equal(early, name)));
    }
    return 0;
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tls/digest.h"

/* FIPS 180-4, "abc" and the empty text. */
static void sha1_gives_the_published_vectors(void **state)
{
    (void)state;
    static const uint8_t abc[] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                  0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
    static const uint8_t empty[] = {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
                                    0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09};
    uint8_t out[SHA1_BYTES];

    sha1(SLICE("abc"), out);
    assert_memory_equal(out, abc, sizeof abc);
    sha1(SLICE_NONE, out);
    assert_memory_equal(out, empty, sizeof empty);
}

static void sha256_gives_the_published_vector(void **state)
{
    (void)state;
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t out[SHA256_BYTES];

    sha256(SLICE("abc"), out);
    assert_memory_equal(out, abc, sizeof abc);
}

/* RFC 4231 test case 2. */
static void hmac_sha256_gives_the_published_vector(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
                                   0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
                                   0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    uint8_t out[SHA256_BYTES];

    hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"), out);
    assert_memory_equal(out, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_gives_the_published_vectors),
        cmocka_unit_test(sha256_gives_the_published_vector),
        cmocka_unit_test(hmac_sha256_gives_the_published_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

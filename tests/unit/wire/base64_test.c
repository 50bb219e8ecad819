#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/base64.h"

/* RFC 4648 section 10. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void vectors_of_the_rfc_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[16];
        uint8_t bytes[16];
        size_t n;
        struct slice want = slice_str(vectors[i].bytes);

        base64_encode(want, text);
        assert_true(slice_is(slice_of(text, BASE64_TEXT_BYTES(want.len)), vectors[i].text));
        assert_int_equal(base64_decode(slice_str(vectors[i].text), bytes, sizeof bytes, &n), 0);
        assert_true(slice_equal(slice_of(bytes, n), want));
    }
}

static void every_byte_value_comes_back(void **state)
{
    (void)state;
    uint8_t all[256];
    uint8_t back[256];
    char text[BASE64_TEXT_BYTES(256)];
    size_t n;

    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    base64_encode(slice_of(all, 256), text);
    assert_int_equal(base64_decode(slice_of(text, sizeof text), back, sizeof back, &n), 0);
    assert_int_equal(n, 256);
    assert_memory_equal(all, back, 256);
}

static void what_is_not_strict_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",   "Zg==Zg==", "=Zg=", "Z===", "====",
                                      "Zh==", "Zm9=", "Zm9v ", "Zm9\n",    "Zm-_", "Zm=v"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t bytes[16];
        size_t n;
        assert_int_equal(base64_decode(slice_str(bad[i]), bytes, sizeof bytes, &n), ERR_INVALID);
    }
}

static void one_byte_too_little_room_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[6];
    size_t n;

    assert_int_equal(base64_decode(SLICE("Zm9vYmFy"), bytes, 5, &n), ERR_TOO_LARGE);
    assert_int_equal(base64_decode(SLICE("Zm9vYmFy"), bytes, 6, &n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc_go_both_ways),
        cmocka_unit_test(every_byte_value_comes_back),
        cmocka_unit_test(what_is_not_strict_is_refused),
        cmocka_unit_test(one_byte_too_little_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

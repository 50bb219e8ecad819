#include "wire/client_hello.h"

#include "base/cursor.h"
#include <stdlib.h>

#include "support/check.h"

/* A ClientHello with an extension before the name, as clients send it. */
static size_t make_hello(const char *name, uint8_t out[512])
{
    struct writer w = writer_of(out, 512);
    size_t n = strlen(name);
    size_t list = n ? n + 3 : 0;
    size_t extensions = 4 + 2 + (n ? 4 + 2 + list : 0);
    size_t body = 2 + 32 + 1 + 4 + 2 + 2 + 1 + 1 + 2 + extensions;

    write_u8(&w, 0x16);
    write_u16(&w, 0x0301);
    write_u16(&w, (uint16_t)(body + 4));
    write_u8(&w, 1);
    write_u8(&w, 0);
    write_u16(&w, (uint16_t)body);
    write_u16(&w, 0x0303);
    for (int i = 0; i < 32; i++) {
        write_u8(&w, (uint8_t)i);
    }
    write_u8(&w, 4); /* session id */
    write_u32(&w, 0xdeadbeef);
    write_u16(&w, 2); /* cipher suites */
    write_u16(&w, 0x1301);
    write_u8(&w, 1); /* compression */
    write_u8(&w, 0);
    write_u16(&w, (uint16_t)extensions);
    write_u16(&w, 0x002b); /* supported_versions */
    write_u16(&w, 2);
    write_u16(&w, 0x0304);
    if (n) {
        write_u16(&w, 0);
        write_u16(&w, (uint16_t)(list + 2));
        write_u16(&w, (uint16_t)list);
        write_u8(&w, 0);
        write_u16(&w, (uint16_t)n);
        write_slice(&w, slice_str(name));
    }
    assert_false(w.has_failed);
    return writer_len(&w);
}

static void the_name_is_found_once_the_record_is_whole(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct slice name = SLICE_NONE;
    size_t n = make_hello("blog.example.org", bytes);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(client_hello_name(slice_of(bytes, i), &name), ERR_MORE);
    }
    assert_int_equal(client_hello_name(slice_of(bytes, n), &name), 0);
    check_slice(name, "blog.example.org");
    /* What follows does not matter. */
    bytes[n] = 0x17;
    assert_int_equal(client_hello_name(slice_of(bytes, n + 1), &name), 0);
}

static void a_hello_without_a_name_is_no_error(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct slice name;
    size_t n = make_hello("", bytes);

    assert_int_equal(client_hello_name(slice_of(bytes, n), &name), ERR_NOT_FOUND);
}

static void other_first_bytes_are_told_at_once(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct slice name;
    size_t n = make_hello("a", bytes);

    assert_int_equal(client_hello_name(SLICE("GET"), &name), ERR_PROTOCOL);
    bytes[5] = 2; /* a ServerHello */
    assert_int_equal(client_hello_name(slice_of(bytes, n), &name), ERR_PROTOCOL);
    bytes[3] = 0xff; /* a record longer than any */
    assert_int_equal(client_hello_name(slice_of(bytes, n), &name), ERR_PROTOCOL);
}

/* Every length inside may lie: no read past the end (ASan), and never a name that is not there. */
static void lengths_that_lie_do_no_harm(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct slice name;
    size_t n = make_hello("blog.example.org", bytes);

    for (size_t i = 5; i < n; i++) {
        uint8_t *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, bytes, n);
        copy[i] = 0xff;
        if (client_hello_name(slice_of(copy, n), &name) == 0) {
            assert_true((uint8_t *)name.ptr >= copy && (uint8_t *)name.ptr + name.len <= copy + n);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_found_once_the_record_is_whole),
        cmocka_unit_test(a_hello_without_a_name_is_no_error),
        cmocka_unit_test(other_first_bytes_are_told_at_once),
        cmocka_unit_test(lengths_that_lie_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tokens, text, targets, lists and authorities, byte by byte against the grammar. */
#include "wire/http_value.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void token_characters_are_those_of_the_rfc(void **state)
{
    const char *specials = "!#$%&'*+-.^_`|~";

    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool expected = is_alnum || (c != 0 && strchr(specials, c) != NULL);
        assert_int_equal(http_is_token(slice_of(&byte, 1)), expected);
    }
    assert_false(http_is_token(SLICE("")));
    assert_int_equal(http_token_run(SLICE("ab:c")), 2);
}

static void text_stops_at_each_control_character_wherever_it_stands(void **state)
{
    char line[40];

    (void)state;
    for (size_t len = 1; len <= sizeof(line); len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                bool is_control = (c < 0x20 && c != '\t') || c == 0x7f;
                memset(line, at % 2 ? 'x' : 0xe4, len);
                line[at] = (char)c;
                assert_int_equal(http_text_run(slice_of(line, len)), is_control ? at : len);
            }
        }
    }
}

static void long_text_full_of_tabs_is_read_in_one_go(void **state)
{
    static char tabs[70000];

    (void)state;
    memset(tabs, '\t', sizeof(tabs));
    assert_int_equal(http_text_run(slice_of(tabs, sizeof(tabs))), sizeof(tabs));
}

static void targets_hold_visible_ascii_without_fragments(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool expected = c > 0x20 && c < 0x7f && c != '#';
        assert_int_equal(http_is_target(slice_of(&byte, 1)), expected);
    }
    assert_false(http_is_target(SLICE("")));
}

static void lists_yield_elements_without_blanks(void **state)
{
    struct slice rest = SLICE(" a ,, b;x=\"1,2\\\",3\" ,\t, c");
    struct slice element;

    (void)state;
    assert_true(http_list_next(&rest, &element));
    assert_true(slice_is(element, "a"));
    assert_true(http_list_next(&rest, &element));
    assert_true(slice_is(element, "b;x=\"1,2\\\",3\""));
    assert_true(http_list_next(&rest, &element));
    assert_true(slice_is(element, "c"));
    assert_false(http_list_next(&rest, &element));
    assert_true(http_list_has(SLICE("keep-alive, UPGRADE"), SLICE("upgrade")));
    assert_false(http_list_has(SLICE("keep-alive, upgrades"), SLICE("upgrade")));
    assert_false(http_list_has(SLICE("\"a, upgrade, b"), SLICE("upgrade")));
}

static void authorities_are_names_and_addresses_with_an_optional_port(void **state)
{
    const char *good[] = {"",      "a",          "example.com", "a_b-c.d", "10.0.0.1:80",
                          "a:",    "[::1]",      "[::1]:8080",  "a:65535", "[::ffff:1.2.3.4]",
                          "A.b:1", "localhost:0"};
    const char *bad[] = {"a b",  "a/b", "a@b",  "a,b",  "a:b",    "a:65536", "a:-1",
                         "[::1", "::1", "[]",   "[a%]", "[::1]x", "a\\b",    "a?b",
                         "a#b",  "a;b", "a\tb", "a%20", "a\xe4",  "[x]",     ":x"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(http_is_authority(slice_str(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(http_is_authority(slice_str(bad[i])));
    }
}

static void authorities_split_into_host_and_port(void **state)
{
    struct slice host;
    struct slice port;

    (void)state;
    http_authority_split(SLICE("[::1]:443"), &host, &port);
    assert_true(slice_is(host, "[::1]"));
    assert_true(slice_is(port, "443"));
    http_authority_split(SLICE("name"), &host, &port);
    assert_true(slice_is(host, "name"));
    assert_int_equal(port.len, 0);
}

static void lengths_are_digits_up_to_63_bits(void **state)
{
    const char *bad[] = {"",
                         "+1",
                         "-1",
                         " 1",
                         "1 ",
                         "0x1",
                         "1,1",
                         "9223372036854775808",
                         "1e3",
                         "18446744073709551616",
                         "99999999999999999999999"};
    uint64_t length;

    (void)state;
    assert_int_equal(http_length_parse(SLICE("0"), &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(http_length_parse(SLICE("9223372036854775807"), &length), 0);
    assert_true(length == INT64_MAX);
    assert_int_equal(http_length_parse(SLICE("00012"), &length), 0);
    assert_int_equal(length, 12);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(http_length_parse(slice_str(bad[i]), &length), ERR_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_characters_are_those_of_the_rfc),
        cmocka_unit_test(text_stops_at_each_control_character_wherever_it_stands),
        cmocka_unit_test(long_text_full_of_tabs_is_read_in_one_go),
        cmocka_unit_test(targets_hold_visible_ascii_without_fragments),
        cmocka_unit_test(lists_yield_elements_without_blanks),
        cmocka_unit_test(authorities_are_names_and_addresses_with_an_optional_port),
        cmocka_unit_test(authorities_split_into_host_and_port),
        cmocka_unit_test(lengths_are_digits_up_to_63_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

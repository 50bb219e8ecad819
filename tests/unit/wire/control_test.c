#include "wire/control.h"

#include "wire/wire_check.h"

static int decode(const char *json, struct control_message *out)
{
    struct slice tight = tight_copy(slice_str(json));
    int err = control_decode(tight, out, NULL);

    free((void *)tight.ptr); /* a decoded message must not point into what it was read from */
    return err;
}

static int decode_and_drop(const char *json)
{
    struct control_message m;
    int err = decode(json, &m);

    if (err == 0) {
        control_deinit(&m);
    }
    return err;
}

static void bind_is_the_page_s_json(void **state)
{
    struct control_message m = {
        .type = CONTROL_BIND,
        .bind = {.tunnel = 1,
                 .key = SLICE("web"),
                 .kind = SLICE("http"),
                 .names = {1, {SLICE("blog")}},
                 .is_shared = true},
    };
    struct text json = {0};

    (void)state;
    assert_int_equal(control_encode(&m, &json), 0);
    assert_string_equal(text_str(&json), "{\"type\":\"bind\",\"tunnel\":1,\"key\":\"web\","
                                         "\"kind\":\"http\",\"names\":[\"blog\"],\"share\":true}");
    text_deinit(&json);
}

static void every_type_comes_back_as_it_was(void **state)
{
    const struct control_message all[] = {
        {.type = CONTROL_BIND,
         .bind = {7,
                  SLICE("k"),
                  SLICE("tcp"),
                  {2, {SLICE("a"), SLICE("b.c")}},
                  {1, {SLICE("/x")}},
                  6000,
                  SLICE("tcp://h:22"),
                  true,
                  true}},
        {.type = CONTROL_BOUND, .bound = {7, {1, {SLICE("https://a.b/")}}, 6000, 0, SLICE_NONE}},
        {.type = CONTROL_BOUND, .bound = {7, {0}, 0, CONTROL_REFUSAL_TAKEN, SLICE("it is bob's")}},
        {.type = CONTROL_UNBIND, .unbind = {7}},
        {.type = CONTROL_UNBOUND, .unbound = {7, CONTROL_REFUSAL_REVOKED, SLICE("gone")}},
        {.type = CONTROL_RELOAD, .reload = {SLICE("asked for")}},
        {.type = CONTROL_HEALTH, .health = {7, false, SLICE("connection refused")}},
        {.type = CONTROL_NOTICE, .notice = {SLICE("warn"), SLICE("\"quoted\" \xc3\xbc\n")}},
        {.type = CONTROL_EXCHANGES,
         .exchanges = {.count = 2,
                       .items = {{.tunnel = 7,
                                  .status = 200,
                                  .ms = 12,
                                  .in_bytes = 5000000000,
                                  .out_bytes = 1,
                                  .method = SLICE("GET"),
                                  .path = SLICE("/a?\"b\""),
                                  .visitor = SLICE("::1")},
                                 {.tunnel = 8, .method = SLICE("PUT"), .path = SLICE("*")}},
                       .skipped = 3}},
        {.type = CONTROL_EXCHANGES, .exchanges = {.skipped = 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct text first = {0}, second = {0};
        struct control_message back;
        assert_int_equal(control_encode(&all[i], &first), 0);
        assert_int_equal(control_decode(text_slice(&first), &back, NULL), 0);
        assert_int_equal(back.type, all[i].type);
        assert_int_equal(control_encode(&back, &second), 0);
        assert_string_equal(text_str(&first), text_str(&second));
        control_deinit(&back);
        text_deinit(&first);
        text_deinit(&second);
    }
}

static void fields_arrive_in_their_places(void **state)
{
    struct control_message m;

    (void)state;
    assert_int_equal(decode("{\"type\":\"bound\",\"tunnel\":4294967295,\"urls\":[\"u1\",\"u2\"],"
                            "\"port\":6000,\"code\":3,\"sentence\":\"no\"}",
                            &m),
                     0);
    assert_int_equal(m.type, CONTROL_BOUND);
    assert_true(m.bound.tunnel == UINT32_MAX && m.bound.port == 6000 && m.bound.code == 3);
    assert_true(m.bound.urls.count == 2 && slice_is(m.bound.urls.items[1], "u2"));
    assert_true(slice_is(m.bound.sentence, "no"));
    control_deinit(&m);
}

static void unknown_types_and_fields_are_ignored(void **state)
{
    struct control_message m;

    (void)state;
    assert_int_equal(decode("{\"type\":\"dance\",\"tunnel\":{}}", &m), 0);
    assert_int_equal(m.type, CONTROL_UNKNOWN);
    control_deinit(&m);
    assert_int_equal(decode_and_drop("{\"type\":\"unbind\",\"tunnel\":1,\"colour\":[]}"), 0);
}

static void wrong_types_and_missing_fields_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "null",
        "{}",
        "{\"type\":1}",
        "{\"type\":\"unbind\"}",
        "{\"type\":\"unbind\",\"tunnel\":\"1\"}",
        "{\"type\":\"unbind\",\"tunnel\":-1}",
        "{\"type\":\"unbind\",\"tunnel\":4294967296}",
        "{\"type\":\"unbind\",\"tunnel\":1.5}",
        "{\"type\":\"unbind\",\"tunnel\":1",
        "{\"type\":\"unbind\",\"tunnel\":1}x",
        "{\"type\":\"unbind\",\"tunnel\":1,\"tunnel\":2}",
        "{\"type\":\"health\",\"tunnel\":1,\"up\":1}",
        "{\"type\":\"bound\",\"tunnel\":1,\"urls\":\"u\"}",
        "{\"type\":\"bound\",\"tunnel\":1,\"urls\":[1]}",
        "{\"type\":\"notice\",\"level\":\"info\",\"sentence\":null}",
        "{\"type\":\"exchanges\",\"exchanges\":{}}",
        "{\"type\":\"exchanges\",\"exchanges\":[1]}",
        "{\"type\":\"exchanges\",\"exchanges\":[{\"tunnel\":1,\"path\":\"/\"}]}",
        ("{\"type\":\"exchanges\",\"exchanges\":[{\"tunnel\":1,\"method\":\"GET\",\"path\":\"/\","
         "\"in\":-1}]}"),
        "{\"type\":\"notice\",\"level\":\"info\",\"sentence\":\"\xff\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(decode_and_drop(bad[i]), ERR_PROTOCOL);
    }
}

static void every_truncation_is_refused(void **state)
{
    static const char json[] = "{\"type\":\"bound\",\"tunnel\":1,\"urls\":[\"a\"],\"code\":2}";

    (void)state;
    for (size_t n = 0; n < sizeof json - 1; n++) {
        struct control_message m;
        assert_int_equal(control_decode(slice_of(json, n), &m, NULL), ERR_PROTOCOL);
    }
}

static void limits_hold_in_both_directions(void **state)
{
    static char longest[CONTROL_TEXT_MAX + 1];
    struct control_message m = {.type = CONTROL_RELOAD}, back;
    struct text json = {0};

    (void)state;
    memset(longest, 'x', sizeof longest);
    m.reload.reason = slice_of(longest, CONTROL_TEXT_MAX);
    assert_int_equal(control_encode(&m, &json), 0);
    assert_int_equal(control_decode(text_slice(&json), &back, NULL), 0);
    control_deinit(&back);
    m.reload.reason = slice_of(longest, sizeof longest);
    assert_int_equal(control_encode(&m, &json), ERR_INVALID);
    text_clear(&json);
    text_addf(&json, "{\"type\":\"reload\",\"reason\":\"%.*s\"}", (int)sizeof longest, longest);
    assert_int_equal(control_decode(text_slice(&json), &back, NULL), ERR_PROTOCOL);

    text_clear(&json);
    text_add_str(&json, "{\"type\":\"bound\",\"tunnel\":1,\"urls\":[\"\"");
    for (int i = 1; i <= CONTROL_LIST_MAX; i++) {
        text_add_str(&json, ",\"\"");
    }
    text_add_str(&json, "]}");
    assert_int_equal(control_decode(text_slice(&json), &back, NULL), ERR_PROTOCOL);

    text_clear(&json);
    while (json.len <= CONTROL_MESSAGE_MAX) {
        text_add_char(&json, ' ');
    }
    assert_int_equal(control_decode(text_slice(&json), &back, NULL), ERR_TOO_LARGE);

    m.reload.reason = SLICE("\xff");
    assert_int_equal(control_encode(&m, &json), ERR_INVALID);

    struct control_message bind = {.type = CONTROL_BIND,
                                   .bind = {.names = {.count = 32}, .paths = {.count = 32}}};
    memset(longest, 1, sizeof longest); /* six bytes each in JSON */
    for (size_t i = 0; i < CONTROL_LIST_MAX; i++) {
        bind.bind.names.items[i] = slice_of(longest, CONTROL_TEXT_MAX);
        bind.bind.paths.items[i] = slice_of(longest, CONTROL_TEXT_MAX);
    }
    text_clear(&json);
    assert_int_equal(control_encode(&bind, &json), ERR_TOO_LARGE);
    assert_int_equal(json.len, 0);
    text_deinit(&json);
}

static void a_full_message_of_exchanges_fits(void **state)
{
    static char path[CONTROL_EXCHANGE_PATH_MAX];
    static struct control_message m = {.type = CONTROL_EXCHANGES}, back;
    struct text json = {0};

    (void)state;
    memset(path, '"', sizeof path); /* two bytes each in JSON */
    for (size_t i = 0; i < CONTROL_EXCHANGES_MAX / 2; i++) {
        m.exchanges.items[m.exchanges.count++] =
            (struct control_exchange){UINT32_MAX,
                                      999,
                                      INT64_MAX,
                                      INT64_MAX,
                                      INT64_MAX,
                                      SLICE("PROPPATCH"),
                                      slice_of(path, sizeof path),
                                      SLICE("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")};
    }
    assert_int_equal(control_encode(&m, &json), 0);
    memset(path, 'x', sizeof path);
    while (m.exchanges.count < CONTROL_EXCHANGES_MAX) {
        m.exchanges.items[m.exchanges.count++] = m.exchanges.items[0];
    }
    text_clear(&json);
    assert_int_equal(control_encode(&m, &json), 0);
    assert_int_equal(control_decode(text_slice(&json), &back, NULL), 0);
    assert_int_equal(back.exchanges.count, CONTROL_EXCHANGES_MAX);
    assert_true(back.exchanges.items[63].out_bytes == INT64_MAX);
    control_deinit(&back);
    text_deinit(&json);
}

static void refusals_have_sentences(void **state)
{
    (void)state;
    assert_true(control_refusal_is_final(CONTROL_REFUSAL_TAKEN));
    assert_true(control_refusal_is_final(CONTROL_REFUSAL_HELD));
    assert_false(control_refusal_is_final(CONTROL_REFUSAL_LIMIT));
    assert_false(control_refusal_is_final(4711));
    assert_true(control_refusal_sentence(CONTROL_REFUSAL_REVOKED)[0]);
    assert_true(control_refusal_sentence(4711)[0]);
    assert_string_equal(control_type_name(CONTROL_UNBOUND), "unbound");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_is_the_page_s_json),
        cmocka_unit_test(every_type_comes_back_as_it_was),
        cmocka_unit_test(fields_arrive_in_their_places),
        cmocka_unit_test(unknown_types_and_fields_are_ignored),
        cmocka_unit_test(wrong_types_and_missing_fields_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(limits_hold_in_both_directions),
        cmocka_unit_test(a_full_message_of_exchanges_fits),
        cmocka_unit_test(refusals_have_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wire/reset_code.h"

#include "wire/wire_check.h"

static void every_code_has_a_meaning(void **state)
{
    (void)state;
    for (uint16_t code = RESET_REFUSED; code <= RESET_SUPERSEDED; code++) {
        const struct reset_meaning *m = reset_meaning(code);
        assert_true(m->name[0] && m->sentence[0]);
        assert_true(m->http_status >= 400 && m->http_status < 600);
    }
    assert_string_equal(reset_meaning(RESET_UNSENT)->name, "UNSENT");
    assert_int_equal(reset_meaning(RESET_TIMEOUT)->http_status, 504);
    assert_int_equal(reset_meaning(RESET_DENIED)->tcp_effect, TCP_EFFECT_FIN);
    assert_int_equal(reset_meaning(RESET_CANCEL)->tcp_effect, TCP_EFFECT_RST);
}

static void codes_of_a_newer_peer_are_a_502(void **state)
{
    (void)state;
    assert_int_equal(reset_meaning(0)->http_status, 502);
    assert_int_equal(reset_meaning(15)->http_status, 502);
    assert_int_equal(reset_meaning(65535)->tcp_effect, TCP_EFFECT_RST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_meaning),
        cmocka_unit_test(codes_of_a_newer_peer_are_a_502),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

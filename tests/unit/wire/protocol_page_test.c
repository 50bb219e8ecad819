/* docs/protocol.md says what the code says: every code, name and sentence of the lists in wire/ has
 * its row there. */
#include <stdio.h>

#include "base/text.h"
#include "mux/mux_limits.h"
#include "wire/control.h"
#include "wire/link_hello.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"
#include "wire/wire_check.h"

static struct text page;

static int read_page(void **state)
{
    FILE *file = fopen("docs/protocol.md", "rb");
    char part[4096];
    size_t n;

    (void)state;
    assert_non_null(file);
    while ((n = fread(part, 1, sizeof part, file)) > 0) {
        text_add(&page, slice_of(part, n));
    }
    fclose(file);
    return 0;
}

static int drop_page(void **state)
{
    (void)state;
    text_deinit(&page);
    return 0;
}

static void assert_row(const char *row)
{
    if (!strstr(text_str(&page), row)) {
        fail_msg("docs/protocol.md has no row: %s", row);
    }
}

#define ASSERT_ROW(...)                                                                            \
    do {                                                                                           \
        char row[256];                                                                             \
        snprintf(row, sizeof row, __VA_ARGS__);                                                    \
        assert_row(row);                                                                           \
    } while (0)

static void every_frame_has_its_row(void **state)
{
    (void)state;
#define X(name, value) ASSERT_ROW("\n| 0x%02x | " #name " | ", value);
    FRAME_TYPE_LIST(X)
#undef X
}

static void every_reset_code_has_its_row(void **state)
{
    (void)state;
#define X(name, code, http, tcp, sentence)                                                         \
    ASSERT_ROW("\n| %d | " #name " | %d | " #tcp " | " sentence " |", code, http);
    RESET_CODE_LIST(X)
#undef X
}

static void every_goaway_reason_has_its_row(void **state)
{
    (void)state;
#define X(name, code, sentence) ASSERT_ROW("\n| %d | " #name " | " sentence " |", code);
    GOAWAY_LIST(X)
#undef X
}

static void every_refusal_has_its_row(void **state)
{
    (void)state;
#define X(name, code, is_final, sentence)                                                          \
    ASSERT_ROW("\n| %d | " #name " | %s | " sentence " |", code, is_final ? "yes" : "no");
    LINK_REFUSAL_LIST(X)
    CONTROL_REFUSAL_LIST(X)
#undef X
}

static void every_control_message_has_its_row(void **state)
{
    (void)state;
    for (int type = CONTROL_UNKNOWN + 1; type < CONTROL_TYPE_COUNT; type++) {
        ASSERT_ROW("\n| %s | ", control_type_name((enum control_type)type));
    }
}

static void limits_are_those_of_the_code(void **state)
{
    (void)state;
    assert_int_equal(FRAME_PAYLOAD_MAX, 65528);
    assert_row("payload of a frame | 65,528 bytes");
    assert_int_equal(FRAME_TAKE_MAX, 65512);
    assert_row("payload of a handshake frame | 65,512 bytes");
    assert_int_equal(MUX_OPEN_FACTS_MAX, 1024);
    assert_row("facts of OPEN, OPENED | 1,024 bytes");
    assert_int_equal(MUX_STREAMS_MAX, 65536);
    assert_row("streams of a session | 65,536");
    assert_int_equal(MUX_RESERVED_MAX, 1024);
    assert_row("ids reserved | 1,024");
    assert_int_equal(MUX_SEGMENTS_MAX, 1024);
    assert_row("pieces out of order, of all streams | 1,024");
    assert_int_equal(MUX_LINK_BUDGET, 128 << 20);
    assert_row("credit promised per session and direction | 128 MiB");
    assert_int_equal(MUX_INITIAL_WINDOW, 8192);
    assert_row("8,192 is what adit offers");
    assert_int_equal(MUX_URGENT_BYTES, 1 << 20);
    assert_row("answers waiting (PONG, RESET_ACK) | 1 MiB");
    assert_int_equal(CONTROL_MESSAGE_MAX, 65516);
    assert_row("CONTROL message | 65,516 bytes");
    assert_int_equal(MUX_CONTROL_WINDOW, 16384);
    assert_row("Its credit begins with 16,384");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_has_its_row),
        cmocka_unit_test(every_reset_code_has_its_row),
        cmocka_unit_test(every_goaway_reason_has_its_row),
        cmocka_unit_test(every_refusal_has_its_row),
        cmocka_unit_test(every_control_message_has_its_row),
        cmocka_unit_test(limits_are_those_of_the_code),
    };
    return cmocka_run_group_tests(tests, read_page, drop_page);
}

#include "wire/utf8.h"

/* What may follow a lead byte (RFC 3629 section 4): how many, and the bounds of the first, which
 * exclude overlong forms, surrogates and what lies above U+10FFFF. */
static int begin(struct utf8 *u, uint8_t lead)
{
    if (lead < 0x80) {
        return 0;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return ERR_PROTOCOL;
    }
    u->left = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    u->next_min = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    u->next_max = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return 0;
}

static int go_on(struct utf8 *u, uint8_t byte)
{
    if (byte < u->next_min || byte > u->next_max) {
        return ERR_PROTOCOL;
    }
    u->left--;
    u->next_min = 0x80;
    u->next_max = 0xBF;
    return 0;
}

int utf8_feed(struct utf8 *u, struct slice piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        uint8_t byte = (uint8_t)piece.ptr[i];
        TRY(u->left > 0 ? go_on(u, byte) : begin(u, byte));
    }
    return 0;
}

bool utf8_is_valid(struct slice text)
{
    struct utf8 u = {0};
    return utf8_feed(&u, text) == 0 && utf8_may_end(&u);
}

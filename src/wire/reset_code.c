#include "wire/reset_code.h"

#include <stddef.h>

static const struct reset_meaning meanings[] = {
#define X(name, code, http, tcp, sentence) [code] = {#name, sentence, http, TCP_EFFECT_##tcp},
    RESET_CODE_LIST(X)
#undef X
};

const struct reset_meaning *reset_meaning(uint16_t code)
{
    static const struct reset_meaning newer = {"UNKNOWN", "reset for a reason not known here", 502,
                                               TCP_EFFECT_RST};

    if (code >= sizeof meanings / sizeof meanings[0] || !meanings[code].name) {
        return &newer;
    }
    return &meanings[code];
}

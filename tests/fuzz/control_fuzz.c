/* CONTROL messages from anybody; what is accepted must encode, and decode to the same JSON. */
#include "wire/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct control_message m, back;
    struct text first = {0}, second = {0};

    if (control_decode(slice_of(bytes, size), &m, NULL) < 0) {
        return 0;
    }
    /* TOO_LARGE: what came as plain text may be longer once escaped. */
    if (m.type != CONTROL_UNKNOWN && control_encode(&m, &first) == 0) {
        ASSERT(control_decode(text_slice(&first), &back, NULL) == 0);
        ASSERT(control_encode(&back, &second) == 0);
        ASSERT(slice_equal(text_slice(&first), text_slice(&second)));
        control_deinit(&back);
    }
    control_deinit(&m);
    text_deinit(&first);
    text_deinit(&second);
    return 0;
}

/* What a person reads when a relay is ready: its URL, its certificate, what to type next. */
#pragma once
#include "base/text.h"

struct relay;

/* On the very first start this also makes the first token, which is shown here and never again:
 * wipe the text after it was printed. */
void relay_text_ready(struct relay *relay, struct text *out);

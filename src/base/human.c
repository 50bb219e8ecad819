#include "base/human.h"

#include "base/mem.h"

static const struct unit {
    uint64_t seconds;
    const char *name;
} units[] = {{24 * 60 * 60, "d"}, {60 * 60, "h"}, {60, "m"}, {1, "s"}};

void human_duration(struct text *out, uint64_t ms)
{
    uint64_t seconds = ms / 1000;
    size_t i = 0;

    while (i + 1 < COUNT_OF(units) && seconds < units[i].seconds) {
        i++;
    }
    text_addf(out, "%llu%s", (unsigned long long)(seconds / units[i].seconds), units[i].name);
    if (i + 1 < COUNT_OF(units)) {
        uint64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
        text_addf(out, " %llu%s", (unsigned long long)rest, units[i + 1].name);
    }
}

void human_bytes(struct text *out, uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t i = 0;
    uint64_t whole = bytes;
    uint64_t rest = 0; /* of 1024 */

    while (whole >= 1024) {
        rest = whole % 1024;
        whole /= 1024;
        i++;
    }
    if (i > 0 && whole < 10) {
        text_addf(out, "%llu.%llu %s", (unsigned long long)whole,
                  (unsigned long long)(rest * 10 / 1024), names[i]);
    } else {
        text_addf(out, "%llu %s", (unsigned long long)whole, names[i]);
    }
}

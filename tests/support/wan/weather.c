#include "weather.h"

#include <stddef.h>

#include "base/mem.h"

enum {
    VALUE_DIGITS_MAX = 12,
    PPM_MAX = 1000 * 1000,
};

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Longer suffixes first: the first that fits is taken. */
static const struct unit times[] = {{"us", 1}, {"ms", 1000}, {"s", 1000 * 1000}, {0}};
static const struct unit shares[] = {{"ppm", 1}, {"%", 10 * 1000}, {0}};
static const struct unit rates[] = {
    {"gbit", 1000 * 1000 * 1000}, {"mbit", 1000 * 1000}, {"kbit", 1000}, {"bit", 1}, {0}};
static const struct unit sizes[] = {{"m", 1024 * 1024}, {"k", 1024}, {"", 1}, {0}};

struct setting {
    const char *name;
    const struct unit *units;
    size_t offset;
    uint64_t max;
};

static const struct setting settings[] = {
    {"delay", times, offsetof(struct weather, delay_us), 60 * PPM_MAX},
    {"jitter", times, offsetof(struct weather, jitter_us), 60 * PPM_MAX},
    {"loss", shares, offsetof(struct weather, loss_ppm), PPM_MAX},
    {"reorder", shares, offsetof(struct weather, reorder_ppm), PPM_MAX},
    {"duplicate", shares, offsetof(struct weather, duplicate_ppm), PPM_MAX},
    {"rate", rates, offsetof(struct weather, rate_bps), 100 * UINT64_C(1000000000)},
    {"queue", sizes, offsetof(struct weather, queue_bytes), 64 * 1024 * 1024},
};

static const struct setting *find_setting(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (slice_is(name, settings[i].name)) {
            return &settings[i];
        }
    }
    return NULL;
}

/* "12.5" times factor, rounded down. */
static int scale(struct slice number, uint64_t factor, uint64_t *value_out)
{
    uint64_t value = 0;
    uint64_t part = 0; /* what the next digit after the point is worth */

    if (number.len == 0 || number.len > VALUE_DIGITS_MAX) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < number.len; i++) {
        char c = number.ptr[i];
        if (c == '.' && i > 0 && part == 0) {
            part = factor;
            continue;
        }
        if (c < '0' || c > '9') {
            return ERR_INVALID;
        }
        uint64_t digit = (uint64_t)(c - '0');
        if (part == 0) {
            value = value * 10 + digit * factor;
        } else {
            part /= 10;
            value += digit * part;
        }
    }
    *value_out = value;
    return 0;
}

static int parse_value(const struct unit *units, struct slice text, uint64_t *value_out)
{
    if (slice_is(text, "0")) {
        *value_out = 0;
        return 0;
    }
    for (const struct unit *u = units; u->suffix; u++) {
        struct slice suffix = slice_str(u->suffix);
        if (slice_ends(text, suffix)) {
            return scale(slice_sub(text, 0, text.len - suffix.len), u->factor, value_out);
        }
    }
    return ERR_INVALID;
}

int weather_set(struct weather *w, struct slice word, struct errinfo *info)
{
    struct slice value = word;
    struct slice name = slice_cut(&value, '=');
    const struct setting *setting = find_setting(name);
    uint64_t number = 0;

    if (!setting) {
        return errinfo_set(info, ERR_NOT_FOUND, "no setting \"%.*s\"", SLICE_ARG(name));
    }
    if (parse_value(setting->units, value, &number) < 0 || number > setting->max) {
        return errinfo_set(info, ERR_INVALID, "%s: not \"%.*s\"", setting->name, SLICE_ARG(value));
    }
    *(uint64_t *)((char *)w + setting->offset) = number;
    return 0;
}

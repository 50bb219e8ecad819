#include "agent/report_json.h"

#include "base/clock.h"

void report_json_begin(struct text *line, const char *event)
{
    char at[CLOCK_TEXT_BYTES];

    clock_show(clock_wall_ms(), at);
    text_addf(line, "{\"event\":\"%s\",\"at\":\"%s\"", event, at);
}

void report_json_slice(struct text *line, const char *key, struct slice value)
{
    text_addf(line, ",\"%s\":\"", key);
    text_add_json(line, value);
    text_add_char(line, '"');
}

void report_json_str(struct text *line, const char *key, const char *value)
{
    if (value) {
        report_json_slice(line, key, slice_str(value));
    } else {
        text_addf(line, ",\"%s\":null", key);
    }
}

void report_json_u64(struct text *line, const char *key, uint64_t value)
{
    text_addf(line, ",\"%s\":%llu", key, (unsigned long long)value);
}

void report_json_bool(struct text *line, const char *key, bool value)
{
    text_addf(line, ",\"%s\":%s", key, value ? "true" : "false");
}

void report_json_end(struct text *line)
{
    text_add_char(line, '}');
}

/* One JSON object on one line, field by field: what `--json` prints. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* {"event":"...","at":"..."  then the fields, then the brace. */
void report_json_begin(struct text *line, const char *event);
void report_json_slice(struct text *line, const char *key, struct slice value);
void report_json_str(struct text *line, const char *key, const char *value); /* NULL: null */
void report_json_u64(struct text *line, const char *key, uint64_t value);
void report_json_bool(struct text *line, const char *key, bool value);
void report_json_end(struct text *line);

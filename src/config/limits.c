#include "config/limits.h"

#include <stddef.h>

#include "config/schema.h"

#define VALUE_DURATION "TIME"
#define VALUE_SIZE     "SIZE"
#define VALUE_INTEGER  "N"

static const struct schema_key keys[] = {
#define X(key, kind, standard, least, most, text)                                                  \
    {.name = #key,                                                                                 \
     .type = SCHEMA_##kind,                                                                        \
     .offset = offsetof(struct limits, key),                                                       \
     .fallback = (standard),                                                                       \
     .min = (least),                                                                               \
     .max = (most),                                                                                \
     .value = VALUE_##kind,                                                                        \
     .help = (text)},
    LIMITS_LIST(X)
#undef X
        {0},
};

const struct schema limits_schema = {"Limits", keys};

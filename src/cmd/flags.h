/* The flags that belong to no file: tables over parts of struct options. */
#pragma once
#include "config/schema.h"

extern const struct schema common_schema; /* over struct common_options */
extern const struct schema try_schema;    /* over struct relay_config */
extern const struct schema token_schema;  /* over struct token_options */
extern const struct schema check_schema;  /* over struct check_options */
extern const struct schema help_schema;   /* over struct help_options */

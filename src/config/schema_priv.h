/* The table of types: schema_types.c makes it, schema.c reads by it. */
#pragma once
#include "config/schema.h"

struct schema_type_rule {
    const char *expectation; /* for messages: "'port' must be a port (1-65535), not 'x'" */
    size_t bytes;            /* of the field; they are zeroed when it is cleared */

    /* From one text; a list grows by one. NULL: cannot be written so. A `why` that is left empty
     * means that the text is not what is expected. */
    int (*set)(const struct schema_key *key, void *field, struct slice text, struct errinfo *why);

    /* Frees what the field owns. NULL: nothing. */
    void (*clear)(const struct schema_key *key, void *field);
};

extern const struct schema_type_rule schema_types[]; /* by enum schema_type */

/* Keeps a copy of the text; what was there before is wiped. */
void secret_keep(struct secret *secret, struct slice text);

/* Wiped, freed and zeroed. */
void secret_wipe(struct secret *secret);

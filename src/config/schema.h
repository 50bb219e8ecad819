/* One typed table per kind of file: it reads YAML, flags and variables into a struct, and it is
 * the source of help, completions, man page and `check --defaults`.
 *
 * A value's type is what the table says, never what the text looks like: `no`, `010` and `22:22`
 * stay text where text is asked for. A table is a constant array of keys over one struct:
 *
 *     {"listen", SCHEMA_ADDRESS, offsetof(struct relay_config, listen), .fallback = "8080", ...}
 *
 * type          field                     written as
 * TEXT          char *                    any scalar
 * BOOL          bool                      true false yes no on off; as a flag without a value
 * INTEGER       uint64_t                  decimal
 * DURATION      uint64_t (ms)             10s
 * SIZE          uint64_t (bytes)          64K
 * PORT          uint16_t                  6000
 * PORTS         struct port_range         1024-32767
 * ADDRESS       struct address            [::]:8080
 * CHOICE        int (index)               one of .choices
 * TARGET        struct target             see target.h
 * SECRET        struct secret             text, {env: NAME} or {file: PATH}; wiped, never shown
 * LIST          struct text_list          a list, or one scalar; as a flag: repeat it
 * MAP           a struct of its own       a map, read by .inner
 * CUSTOM        whatever .read says       whatever .read says; file only
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/problems.h"
#include "config/value.h"

struct tree;
struct schema;

enum schema_type {
    SCHEMA_TEXT,
    SCHEMA_BOOL,
    SCHEMA_INTEGER,
    SCHEMA_DURATION,
    SCHEMA_SIZE,
    SCHEMA_PORT,
    SCHEMA_PORTS,
    SCHEMA_ADDRESS,
    SCHEMA_CHOICE,
    SCHEMA_TARGET,
    SCHEMA_SECRET,
    SCHEMA_LIST,
    SCHEMA_MAP,
    SCHEMA_CUSTOM,
};

struct secret {
    char *text;   /* NULL: none */
    char *absent; /* the variable it shall come from, but which is not set; who needs it tells */
};

struct text_list {
    char **items;
    size_t count;
};

enum { SCHEMA_LIST_MAX = 1000 };

struct schema_key {
    const char *name; /* as a flag: `_` becomes `-` */
    enum schema_type type;
    uint32_t offset;
    const char *fallback; /* the default, as a person would write it; NULL: empty */
    const char *min;      /* INTEGER, DURATION, SIZE: bounds, same writing */
    const char *max;
    const char *const *choices; /* CHOICE: NULL-terminated */
    const struct schema *inner; /* MAP */
    int (*read)(const struct tree *node, void *field, const char *file,
                struct problems *problems); /* CUSTOM */
    void (*deinit)(void *field);            /* CUSTOM */
    bool is_read;                           /* TEXT: path of a file that is read */
    bool is_file_only;                      /* has no flag */
    bool is_flag_only;                      /* has no key in a file */
    const char *value;                      /* what help calls the value: "ADDR:PORT" */
    const char *env;                        /* variable that gives it, or NULL */
    const char *help;                       /* one sentence, no full stop */
};

struct schema {
    const char *title;             /* heading in help: "Link" */
    const struct schema_key *keys; /* ends with a key without name */
};

/* The defaults. The struct must be zeroed or deinitialised before. */
void schema_init(const struct schema *schema, void *object);

/* Frees what the fields own (secrets are wiped) and zeroes them. */
void schema_deinit(const struct schema *schema, void *object);

/* The key of that name (as in files), or NULL. */
const struct schema_key *schema_find(const struct schema *schema, struct slice name);

/* Sets one field from text. Lists grow by one. The finding goes to `problems`. */
MUST_USE int schema_set(const struct schema_key *key, void *object, struct slice text,
                        struct origin at, struct problems *problems);

/* Empties one field, before a higher source writes it. */
void schema_clear(const struct schema_key *key, void *object);

/* Reads a whole map into the struct. Everything wrong is added to `problems`; 0 if nothing was. */
MUST_USE int schema_read(const struct schema *schema, const struct tree *map, void *object,
                         const char *file, struct problems *problems);

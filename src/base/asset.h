/* A file embedded in the program at build time.
 *
 * The files of src/<folder>/assets/ become the array `<folder>_assets` of gen/<folder>_assets.h,
 * sorted by name; the build writes it (a/b/ is `a_b`). Constant for ever, owned by nobody.
 */
#pragma once
#include <stddef.h>
#include <string.h>

struct asset {
    const char *name;           /* file name without its folder; NULL ends an array */
    const unsigned char *bytes; /* followed by a NUL that size_bytes does not count */
    size_t size_bytes;
};

/* The asset of that name, or NULL. */
static inline const struct asset *asset_find(const struct asset *assets, const char *name)
{
    while (assets->name && strcmp(assets->name, name) != 0) {
        assets++;
    }
    return assets->name ? assets : NULL;
}

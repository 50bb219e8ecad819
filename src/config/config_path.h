/* Where a file of that name is looked for: ./NAME, then $XDG_CONFIG_HOME/adit/NAME (or
 * ~/.config/adit/NAME), then /etc/adit/NAME. */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* The first one that exists. ERR_NOT_FOUND, and *out holds the places that were tried. */
MUST_USE int config_path_find(const char *name, struct text *out);

/* Where a relay keeps its data and an agent its state, when nobody says otherwise:
 * $XDG_STATE_HOME/adit if that variable is set, else /var/lib/adit for root, else
 * ~/.local/state/adit. Made with mode 0700; the path is absolute. */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* `wanted` is what --data or --state says, or NULL. */
MUST_USE int data_dir_open(const char *wanted, struct text *path_out, struct errinfo *info);

/* The same place, without making it. */
MUST_USE int data_dir_find(const char *wanted, struct text *path_out, struct errinfo *info);

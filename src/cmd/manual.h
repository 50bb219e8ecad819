/* The manual page adit(1), made from the tables of commands and files. */
#pragma once
#include "base/text.h"

void manual_show(struct text *out);

/* The content type of a file by its name. */
#pragma once
#include "base/slice.h"

/* "application/octet-stream" if the ending says nothing. */
struct slice content_type_of(struct slice file_name);

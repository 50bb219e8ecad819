/* "did you mean": the word of a list that a mistyped one was probably meant to be. Pure. */
#pragma once
#include "base/slice.h"

/* The candidate nearest to `word`, or NULL if none is near (more than a third of the letters
 * would have to change). Candidates: NULL-terminated. */
const char *suggest(struct slice word, const char *const *candidates);

/* Changes (insert, drop, replace, swap two neighbours) that lead from a to b; words beyond
 * SUGGEST_WORD_MAX letters count as SUGGEST_FAR. */
enum { SUGGEST_WORD_MAX = 40, SUGGEST_FAR = 1000 };
unsigned suggest_distance(struct slice a, struct slice b);

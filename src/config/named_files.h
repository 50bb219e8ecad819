/* Files that a config file names, such as certificates: are they there, and can they be read?
 *
 * Asked by who checks a file beforehand. A program that runs finds out when it opens them, and does
 * not ask for those that a flag has replaced. Blocks.
 */
#pragma once
#include "config/problems.h"
#include "config/schema.h"

/* Adds a problem for each value of a .is_read key that cannot be read, with its line. Nothing is
 * said when the file itself cannot be read or is not YAML: who reads it has said that. */
void named_files_check(const struct schema *schema, const char *path, struct problems *problems);

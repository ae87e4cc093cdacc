/* Persistent memory in a file. */
#ifndef CONDOCHARGE_POSIX_STORAGE_H
#define CONDOCHARGE_POSIX_STORAGE_H

#include <stdbool.h>

/* Use the file at `path`, which provisioning made; false where it can't be used. */
bool storage_open(const char *path);

#endif

/* Time that passes, whatever somebody sets the computer's clock to. */
#ifndef CONDOCHARGE_POSIX_ELAPSED_H
#define CONDOCHARGE_POSIX_ELAPSED_H

#include <time.h>

/* Seconds since some moment before this program began. */
static inline time_t elapsed(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

#endif

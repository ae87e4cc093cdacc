/* How long to wait before asking again: twice as long after each failure, up to a minute or so, and a little by
 * chance, so that units that lost the same server do not all come back at once. */
#ifndef CONDOCHARGE_BACKOFF_H
#define CONDOCHARGE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
    uint8_t failures;
    uint16_t chance;
    uint32_t since;
    uint32_t wait;
};

void backoff_start(struct backoff *backoff, uint16_t seed);
void backoff_succeeded(struct backoff *backoff);
void backoff_failed(struct backoff *backoff, uint32_t now);

/* Whether the wait is over. */
bool backoff_over(const struct backoff *backoff, uint32_t now);

#endif

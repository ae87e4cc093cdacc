#include "backoff.h"

#define FIRST_WAIT 1000u
#define DOUBLINGS 6u

void backoff_start(struct backoff *backoff, uint16_t seed)
{
    backoff->failures = 0;
    backoff->chance = (uint16_t)(seed | 1u);
    backoff->since = 0;
    backoff->wait = 0;
}

void backoff_succeeded(struct backoff *backoff)
{
    backoff->failures = 0;
    backoff->wait = 0;
}

void backoff_failed(struct backoff *backoff, uint32_t now)
{
    uint32_t wait = FIRST_WAIT << backoff->failures;
    if (backoff->failures < DOUBLINGS) {
        backoff->failures++;
    }
    /* A 16-bit Galois register spreads units; nothing secret hangs on it. */
    backoff->chance = (uint16_t)((backoff->chance >> 1) ^ ((backoff->chance & 1u) != 0 ? 0xb400u : 0u));
    backoff->since = now;
    backoff->wait = wait + backoff->chance % (wait / 2u);
}

bool backoff_over(const struct backoff *backoff, uint32_t now)
{
    return now - backoff->since >= backoff->wait;
}

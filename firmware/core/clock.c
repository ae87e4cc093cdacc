#include "clock.h"

#define SECOND 1000u

void clock_start(struct clock *clock, uint32_t now)
{
    clock->seconds = 0;
    clock->mark = now;
    clock->source = CLOCK_NONE;
}

bool clock_step(struct clock *clock, uint32_t now)
{
    if (now - clock->mark < SECOND) {
        return false;
    }
    clock->mark += SECOND;
    clock->seconds++;
    return true;
}

void clock_set(struct clock *clock, uint32_t seconds, uint32_t now, enum clock_source source)
{
    if (source < clock->source) {
        return;
    }
    clock->source = (uint8_t)source;
    /* A second's difference is the way the answer took, and stepping back would repeat a second. */
    if (clock->seconds == seconds || clock->seconds == seconds + 1u) {
        return;
    }
    clock->seconds = seconds;
    clock->mark = now;
}

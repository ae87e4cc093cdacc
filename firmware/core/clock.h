/* Unix time, as far as the unit knows it. Until it learns the time it counts from the start. */
#ifndef CONDOCHARGE_CLOCK_H
#define CONDOCHARGE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Who set the clock. SNTP is not authenticated: its time dates readings but does not judge commands. */
enum clock_source { CLOCK_NONE = 0, CLOCK_SNTP = 1, CLOCK_GATEWAY = 2 };

struct clock {
    uint32_t seconds;
    uint32_t mark;
    uint8_t source;
};

void clock_start(struct clock *clock, uint32_t now);

/* Count a second where one has passed since the last was counted; true where one was. */
bool clock_step(struct clock *clock, uint32_t now);

/* Set the time where `source` is at least as good as what set it before. */
void clock_set(struct clock *clock, uint32_t seconds, uint32_t now, enum clock_source source);

#endif

/* The relay, and the care that its contacts need.
 *
 * A relay stays in each position for a least time, so that a scheduler that changes its mind does not wear it.
 * Only safety opens it sooner. After it opened, current has to stop: contacts can weld. */
#ifndef CONDOCHARGE_RELAY_H
#define CONDOCHARGE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

/* Least time in each position, ms. */
#define RELAY_LEAST_CLOSED 10000u
#define RELAY_LEAST_OPEN 10000u
/* Current that flows so long after the contacts opened is a fault, ms: two windows of the meter. */
#define RELAY_STOPS_WITHIN 3000u

struct relay {
    bool closed;
    bool wanted;
    /* Current flows though the contacts were opened. */
    bool fault;
    uint32_t changed;
};

/* Open it, whatever it was. */
void relay_start(struct relay *relay, uint32_t now);

/* Ask for a position, as soon as the least times allow. */
void relay_want(struct relay *relay, bool closed);

/* Open at once. */
void relay_open(struct relay *relay, uint32_t now);

/* Move to the wanted position when it is time; true where the relay moved. */
bool relay_step(struct relay *relay, uint32_t now);

/* Judge a window's current: sets or clears `fault`. */
void relay_check(struct relay *relay, uint32_t now, uint16_t current);

/* Whether it has been open for so long that a whole window of the meter lies behind the opening. */
bool relay_settled(const struct relay *relay, uint32_t now);

#endif

/* The IoT unit (paper §4.1): everything of the core put together. A board's main calls unit_start once and
 * unit_step for ever. */
#ifndef CONDOCHARGE_UNIT_H
#define CONDOCHARGE_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "clock.h"
#include "configuration.h"
#include "exchange.h"
#include "identity.h"
#include "meter.h"
#include "relay.h"
#include "ring.h"
#include "session.h"
#include "store.h"
#include "update.h"

struct unit {
    struct identity identity;
    struct configuration configuration;
    struct store store;
    struct clock clock;
    struct meter meter;
    struct relay relay;
    struct session session;
    struct ring ring;
    struct exchange exchange;
    struct backoff backoff;
    bool configured;
    /* The first batch of this start has been made. */
    bool announced;
    bool voltage_measured;
    bool request_due;
    int8_t temperature;
    uint8_t humidity;
    uint8_t warm;
    uint8_t over;
    uint16_t pilot;
    uint16_t voltage;
    uint32_t number;
    uint32_t requests;
    /* Seconds until the unit tells of its firmware again. */
    uint16_t status_wait;
    uint32_t last_counter;
    /* Unix seconds at which the next batch and the next sample are due, 0 for none. */
    uint32_t batch_due;
    uint32_t sample_due;
    /* When the last exchange began, ms, and the seconds after which the time server is asked again. */
    uint32_t asked;
    uint16_t time_wait;
    uint8_t previous[HASH_BYTES];
#if UNIT_UPDATE
    struct update update;
#endif
};

/* Begin; false where persistent memory holds no identity that this board can serve: the unit then stays still
 * with its relay open. */
bool unit_start(struct unit *unit);

/* Do what is due. Never waits. */
void unit_step(struct unit *unit);

/* Power is failing: save the register while there is charge left. */
void unit_power_failing(struct unit *unit);

/* Parts of the unit, in files of their own. */

/* readings.c: make a batch with `flags` (BEGIN, END) for the session; false where the ring has no room. */
bool readings_batch(struct unit *unit, uint8_t flags);
void readings_second(struct unit *unit);
void readings_window(struct unit *unit, const struct window *window);

/* conversation.c: talk to the gateway, and obey it. */
void conversation_step(struct unit *unit, uint32_t now);
void conversation_second(struct unit *unit);

/* maintenance.c: tell of the firmware that runs, and take another. */
bool maintenance_ask(struct unit *unit, uint32_t now);
bool maintenance_answered(struct unit *unit);
void maintenance_failed(struct unit *unit);
void maintenance_heard(struct unit *unit);
void maintenance_second(struct unit *unit);
void maintenance_step(struct unit *unit, uint32_t now);

/* conversation.c: begin to ask the gateway. */
void conversation_ask(struct unit *unit, enum exchange_kind kind, uint32_t now);

/* protection.c: open the relay for the unit's own reasons. */
void protection_window(struct unit *unit, uint32_t now);
void protection_climate(struct unit *unit, uint32_t now);

#endif

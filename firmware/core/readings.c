/* From the meter to signed batches: docs/protocol.md, "A unit's life", rules 3 to 6. */
#include "unit.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "outline.h"

static const uint8_t NOTHING[SESSION_BYTES];

/* A number that was never sent before, over restarts too: a reserve is persisted ahead of its use. */
static bool take_number(struct unit *unit, uint32_t *number)
{
    if (unit->number >= unit->store.reserved) {
        unit->store.reserved = unit->number + NUMBER_RESERVE;
        if (!store_state(&unit->store)) {
            unit->store.reserved = unit->number;
            return false;
        }
    }
    *number = unit->number++;
    return true;
}

static uint8_t state_flags(const struct unit *unit)
{
    uint8_t flags = 0;
    bool closed = unit->relay.closed || unit->configuration.always_on;
    bool connected;
    if (closed) {
        flags |= FLAG_CLOSED;
    }
    if (!board_connected(&connected)) {
        connected = unit->session.phase == SESSION_ACTIVE && !unit->session.complete;
    }
    if (connected) {
        flags |= FLAG_CONNECTED;
    }
    if (closed && unit->session.complete) {
        flags |= FLAG_COMPLETE;
    }
    if (unit->voltage_measured) {
        flags |= FLAG_MEASURED_VOLTAGE;
    }
    if (unit->clock.source == CLOCK_NONE) {
        flags |= FLAG_CLOCK_UNSET;
    }
    if (unit->relay.fault) {
        flags |= FLAG_FAULT;
    }
    return flags;
}

OUTLINE bool readings_batch(struct unit *unit, uint8_t flags)
{
    uint8_t *message = ring_growing(&unit->ring);
    struct batch batch;
    /* A register that was told must be the least that a power cut leaves. */
    if (message == NULL || !store_energy(&unit->store, unit->meter.energy) || !take_number(unit, &batch.number)) {
        return false;
    }
    /* Before BEGIN readings are of no session, with and after it they are. */
    bool within = session_counts(&unit->session) && (!unit->session.begin_due || (flags & FLAG_BEGIN) != 0 ||
                                                     (flags & FLAG_END) != 0);
    batch.flags = flags | state_flags(unit);
    batch.reason = (flags & FLAG_END) != 0 ? unit->session.reason : REASON_NONE;
    batch.unit = unit->identity.unit;
    batch.network = unit->identity.network;
    batch.boot = unit->store.boot;
    batch.time = unit->clock.seconds;
    batch.energy = unit->meter.energy;
    batch.session = within ? unit->session.id : NOTHING;
    batch.previous = unit->previous;
    batch.period = unit->configuration.sampling;
    batch.temperature = unit->temperature;
    batch.humidity = unit->humidity;
    batch.count = unit->ring.count;
    batch_put(&batch, message);
    uint16_t body = batch_body_bytes(message);
    authentication_seal(&unit->identity.keys, DOMAIN_BATCH, message, body, message + body);
    message_hash(message, (uint16_t)(body + authentication_bytes(&unit->identity.keys)), unit->previous);
    ring_finish(&unit->ring);
    if ((flags & FLAG_BEGIN) != 0) {
        unit->session.begin_number = batch.number;
        unit->session.begin_due = false;
    }
    if ((flags & FLAG_END) != 0) {
        unit->session.end_number = batch.number;
    }
    return true;
}

/* The next multiple of `period` in Unix time, so that tariff bands end on a batch (rule 4). */
static uint32_t next_multiple(uint32_t seconds, uint16_t period)
{
    return seconds - seconds % period + period;
}

static void take_sample(struct unit *unit)
{
    uint16_t current = meter_sample(&unit->meter);
    bool counts = session_counts(&unit->session);
    /* Nothing flowed and nobody pays: such samples may be left out (rule 4). */
    if (counts || current > 0 || unit->ring.count > 0) {
        ring_sample(&unit->ring, current, unit->voltage);
    }
    store_energy(&unit->store, unit->meter.energy);
}

void readings_second(struct unit *unit)
{
    uint32_t seconds = unit->clock.seconds;
    uint16_t sampling = unit->configuration.sampling;
    uint16_t transmission = unit->configuration.transmission;
    /* The clock was set since: what was planned by the old time is planned anew. */
    if (unit->sample_due > seconds + sampling || unit->sample_due == 0) {
        unit->sample_due = next_multiple(seconds, sampling);
    }
    if (unit->batch_due > seconds + transmission || unit->batch_due == 0) {
        unit->batch_due = next_multiple(seconds, transmission);
    }
    if (seconds >= unit->sample_due) {
        unit->sample_due = next_multiple(seconds, sampling);
        take_sample(unit);
    }
    if (seconds >= unit->batch_due) {
        unit->batch_due = next_multiple(seconds, transmission);
        readings_batch(unit, 0);
    }
}

void readings_window(struct unit *unit, const struct window *window)
{
    uint16_t measured;
    unit->voltage_measured = board_voltage(&measured);
    unit->voltage = unit->voltage_measured ? measured : unit->configuration.voltage;
    meter_window(&unit->meter, window, unit->voltage);
}

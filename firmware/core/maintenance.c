/* What a unit tells of its firmware, and how another takes its place (docs/protocol.md, "Firmware"). */
#include "unit.h"

#include "board.h"
#include "outline.h"

/* Seconds until a question that failed is asked again, and until the next one where it was answered. */
#define STATUS_AGAIN 60u
#if UNIT_UPDATE
#define STATUS_PERIOD 600u
#else
#define STATUS_PERIOD 43200u
#endif

/* Nobody charges, the gateway has everything, and it is the gateway that was heard. */
static bool is_idle(const struct unit *unit)
{
    return unit->session.phase == SESSION_NONE && !unit->relay.closed && unit->meter.current == 0 &&
           unit->ring.whole == 0 && !unit->request_due && unit->clock.source == CLOCK_GATEWAY;
}

static struct status describe(const struct unit *unit)
{
    struct status status = {
        .flags = 0,
        .unit = unit->identity.unit,
        .network = unit->identity.network,
        .boot = unit->store.boot,
        .number = unit->requests,
        .failed = 0,
        .falls = 0,
    };
#if UNIT_UPDATE
    status.flags = unit->update.able ? STATUS_UPDATES : 0;
    status.failed = unit->update.failed;
    status.falls = unit->update.falls;
#endif
    return status;
}

OUTLINE static void tell(struct unit *unit, uint32_t now)
{
    /* Shared with start requests: a number of either is used once in a start. */
    unit->requests++;
    struct status status = describe(unit);
    unit->exchange.request_bytes = status_put(&status, &unit->identity.keys, unit->exchange.request);
    conversation_ask(unit, EXCHANGE_STATUS, now);
}

bool maintenance_ask(struct unit *unit, uint32_t now)
{
    if (!is_idle(unit)) {
        return false;
    }
#if UNIT_UPDATE
    struct update *update = &unit->update;
    if (fetch_wants(update) > 0) {
        unit->exchange.image = update->image;
        unit->exchange.from = update->progress;
        unit->exchange.count = fetch_wants(update);
        conversation_ask(unit, EXCHANGE_IMAGE, now);
        return true;
    }
#endif
    if (unit->status_wait > 0) {
        return false;
    }
    tell(unit, now);
    return true;
}

OUTLINE static bool take_offer(struct unit *unit)
{
    const struct http *answer = &unit->exchange.http;
    struct status status = describe(unit);
    uint8_t kind;
    if (offer_judge(&status, &unit->identity.keys, answer->body, answer->received, &kind) != REFUSAL_NONE) {
        return false;
    }
    unit->status_wait = STATUS_PERIOD;
#if UNIT_UPDATE
    /* One that is not to be taken is no failure: the gateway is told again what runs here. */
    if (kind == OFFER_IMAGE) {
        fetch_begin(&unit->update, answer->body + OFFER_HEAD_BYTES);
    }
#endif
    return true;
}

bool maintenance_answered(struct unit *unit)
{
#if UNIT_UPDATE
    if (unit->exchange.kind == EXCHANGE_IMAGE) {
        return fetch_take(&unit->update, unit->exchange.http.body, unit->exchange.http.received);
    }
#endif
    return take_offer(unit);
}

void maintenance_failed(struct unit *unit)
{
    unit->status_wait = STATUS_AGAIN;
#if UNIT_UPDATE
    unit->update.fetching = false;
#endif
}

void maintenance_heard(struct unit *unit)
{
#if UNIT_UPDATE
    update_confirm(&unit->update);
#else
    (void)unit;
#endif
}

void maintenance_second(struct unit *unit)
{
    if (unit->status_wait > 0) {
        unit->status_wait--;
    }
}

#if UNIT_UPDATE
static void restart(struct unit *unit)
{
    store_energy(&unit->store, unit->meter.energy);
    board_restart();
}

void maintenance_step(struct unit *unit, uint32_t now)
{
    struct update *update = &unit->update;
    if (!update->able) {
        return;
    }
    fetch_check(update);
    if (update->phase == UPDATE_TRYING && now >= UPDATE_TRIAL && !unit->relay.closed) {
        restart(unit);
        return;
    }
    if (update->phase != UPDATE_PENDING || unit->exchange.state != EXCHANGE_IDLE || !is_idle(unit)) {
        return;
    }
    /* Samples that are in no batch yet go first. */
    if (unit->ring.count > 0) {
        readings_batch(unit, 0);
        return;
    }
    restart(unit);
}
#else
void maintenance_step(struct unit *unit, uint32_t now)
{
    (void)unit;
    (void)now;
}
#endif

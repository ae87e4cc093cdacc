#include "unit.h"

#include <string.h>

#include "board.h"
#include "network.h"
#include "outline.h"

OUTLINE static void load_configuration(struct unit *unit)
{
    if (board_erase_held()) {
        store_erase_configuration();
    }
    uint8_t body[CONFIGURATION_BODY_BYTES];
    unit->configured = store_configuration(body);
    if (unit->configured) {
        configuration_get(body, &unit->configuration);
    }
}

OUTLINE bool unit_start(struct unit *unit)
{
    memset(unit, 0, sizeof *unit);
    uint32_t now = board_milliseconds();
    relay_start(&unit->relay, now);
    unit->temperature = NO_TEMPERATURE;
    unit->humidity = NO_HUMIDITY;
    if (!identity_load(&unit->identity)) {
        return false;
    }
    store_load(&unit->store);
    /* Numbers begin at 1: a gateway that has stored nothing acknowledges 0. */
    unit->number = unit->store.reserved > 0 ? unit->store.reserved : 1;
    unit->store.boot++;
    /* The count is in persistent memory before anything is sent (docs/protocol.md, "A unit's life", rule 1). */
    if (!store_state(&unit->store)) {
        return false;
    }
    clock_start(&unit->clock, now);
    meter_start(&unit->meter, unit->identity.gain, unit->identity.noise, unit->identity.starting,
                unit->store.energy);
    session_start(&unit->session, &unit->store);
    ring_start(&unit->ring, authentication_bytes(&unit->identity.keys));
    backoff_start(&unit->backoff, (uint16_t)(unit->identity.unit * 977u + unit->store.boot));
    load_configuration(unit);
#if UNIT_UPDATE
    update_start(&unit->update);
#endif
    network_start(unit->identity.ethernet, unit->configured ? &unit->configuration : NULL);
    return true;
}

/* Put the relay, and the pilot, where session and grant want them. */
static void switch_relay(struct unit *unit, uint32_t now)
{
    uint16_t allowed = unit->configured ? session_allows(&unit->session, &unit->configuration) : 0;
    bool safety = unit->session.phase == SESSION_ENDING;
    if (allowed != unit->pilot) {
        unit->pilot = allowed;
        board_pilot(allowed);
    }
    if (unit->configuration.always_on) {
        return;
    }
    if (safety) {
        relay_open(&unit->relay, now);
    }
    relay_want(&unit->relay, allowed > 0);
    relay_step(&unit->relay, now);
}

static void second(struct unit *unit)
{
    if (!unit->configured) {
        return;
    }
    conversation_second(unit);
    maintenance_second(unit);
    readings_second(unit);
}

void unit_step(struct unit *unit)
{
    struct window window;
    uint32_t now = board_milliseconds();
    board_watchdog();
    network_step(now);
    if (clock_step(&unit->clock, now)) {
        second(unit);
    }
    session_step(&unit->session, now);
    switch_relay(unit, now);
    if (board_window(&window)) {
        readings_window(unit, &window);
        board_centre(unit->meter.centre);
        relay_check(&unit->relay, now, unit->meter.current);
        session_window(&unit->session, unit->relay.closed || unit->configuration.always_on, unit->meter.current,
                       now);
        protection_window(unit, now);
    }
    if (board_climate(&unit->temperature, &unit->humidity)) {
        protection_climate(unit, now);
    }
    conversation_step(unit, now);
    maintenance_step(unit, now);
}

void unit_power_failing(struct unit *unit)
{
    store_energy(&unit->store, unit->meter.energy);
}

/* The unit's own reasons to open the relay. They need no command and no network. */
#include "unit.h"

#include "board.h"

/* Windows of about a second that current must be too high before the contacts open: a motor's or charger's
 * inrush is shorter. A breaker protects the cable; this protects the relay. */
#define OVER_WINDOWS 3u
#define OVER_PILOT_WINDOWS 10u
/* mA per tenth of an ampere, and with the sensor's tolerance of 6 and 10 percent. */
#define OVER_MAXIMUM 106u
#define OVER_PILOT 110u
/* Where the DHT11's range ends; a housing that hot has a bad contact. */
#define TOO_HOT 50
#define WARM_READINGS 3u

static void too_much(struct unit *unit, uint32_t now)
{
    bool expired = unit->session.expired;
    bool above_maximum = unit->meter.clipped ||
                         unit->meter.current > (uint32_t)unit->configuration.maximum * OVER_MAXIMUM;
    if (expired && !above_maximum) {
        /* Nobody is heard and the vehicle takes more than is safe: wait for a command with the relay open. */
        unit->session.expired = false;
        return;
    }
    session_end(&unit->session, REASON_OVER_CURRENT, now);
}

void protection_window(struct unit *unit, uint32_t now)
{
    bool pilot;
    bool signalled;
    pilot = board_connected(&signalled);
    bool above_maximum = unit->meter.clipped ||
                         unit->meter.current > (uint32_t)unit->configuration.maximum * OVER_MAXIMUM;
    bool above_pilot = (pilot || unit->session.expired) && unit->meter.current > (uint32_t)unit->pilot * OVER_PILOT;
    if (!unit->relay.closed || unit->session.phase != SESSION_ACTIVE || !(above_maximum || above_pilot)) {
        unit->over = 0;
        return;
    }
    unit->over++;
    if (unit->over >= (above_maximum ? OVER_WINDOWS : OVER_PILOT_WINDOWS)) {
        unit->over = 0;
        too_much(unit, now);
    }
}

void protection_climate(struct unit *unit, uint32_t now)
{
    if (unit->temperature < TOO_HOT) {
        unit->warm = 0;
        return;
    }
    if (++unit->warm >= WARM_READINGS && unit->session.phase == SESSION_ACTIVE && unit->relay.closed) {
        unit->warm = 0;
        session_end(&unit->session, REASON_OVER_TEMPERATURE, now);
    }
}

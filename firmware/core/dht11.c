#include "dht11.h"

#define STATE_RESTING 0
#define STATE_STARTING 1
/* No phase of an answer lasts longer, us. */
#define PHASE_MAX 120u
#define ONE_LONGER_THAN 48u

/* How long the line stays at `level`, us; PHASE_MAX where it doesn't end. */
static uint16_t phase(bool level)
{
    uint16_t begin = dht11_microseconds();
    uint16_t length = 0;
    while (dht11_level() == level) {
        length = (uint16_t)(dht11_microseconds() - begin);
        if (length >= PHASE_MAX) {
            return PHASE_MAX;
        }
    }
    return length;
}

static bool receive(uint8_t bytes[5])
{
    /* The line rises, then the sensor answers with low and high of 80 us each. */
    if (phase(true) == PHASE_MAX || phase(false) == PHASE_MAX || phase(true) == PHASE_MAX) {
        return false;
    }
    for (uint8_t bit = 0; bit < 40; bit++) {
        if (phase(false) == PHASE_MAX) {
            return false;
        }
        uint16_t high = phase(true);
        if (high == PHASE_MAX) {
            return false;
        }
        bytes[bit / 8] = (uint8_t)((bytes[bit / 8] << 1) | (high > ONE_LONGER_THAN ? 1 : 0));
    }
    return true;
}

bool dht11_reading(const uint8_t bytes[5], int8_t *temperature, uint8_t *humidity)
{
    uint8_t sum = (uint8_t)(bytes[0] + bytes[1] + bytes[2] + bytes[3]);
    if (sum != bytes[4] || bytes[0] > 100 || bytes[2] > 80) {
        return false;
    }
    *humidity = bytes[0];
    /* Newer parts put a sign into the decimals' highest bit. */
    *temperature = (bytes[3] & 0x80) != 0 ? (int8_t)-bytes[2] : (int8_t)bytes[2];
    return true;
}

bool dht11_step(struct dht11 *dht11, uint32_t now, int8_t *temperature, uint8_t *humidity)
{
    if (dht11->state == STATE_RESTING) {
        if (now - dht11->since >= DHT11_INTERVAL) {
            dht11_line(true);
            dht11->state = STATE_STARTING;
            dht11->since = now;
        }
        return false;
    }
    if (now - dht11->since < DHT11_START_PULSE) {
        return false;
    }
    uint8_t bytes[5] = {0, 0, 0, 0, 0};
    dht11_line(false);
    bool whole = receive(bytes);
    dht11->state = STATE_RESTING;
    dht11->since = now;
    return whole && dht11_reading(bytes, temperature, humidity);
}

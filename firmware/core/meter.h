/* The meter: samples of a current sensor become RMS current, and current becomes energy. Integers alone.
 *
 * The board adds up samples in windows of about a second that follow each other without gaps. The variance of
 * a window is its mean square less the square of its mean, so the sensor's rest need not be known exactly and
 * may drift. The variance of the sensor's own noise, found at calibration, is subtracted. */
#ifndef CONDOCHARGE_METER_H
#define CONDOCHARGE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

#if ADC_BITS > 10
typedef uint64_t squares_t;
#else
typedef uint32_t squares_t;
#endif

#define ADC_FULL_SCALE ((uint16_t)((1u << ADC_BITS) - 1u))
/* A window's squares fit where it has at most this many samples. */
#define WINDOW_SAMPLES_MAX 4000u

/* The samples of a window, each less the centre that was subtracted. */
struct window {
    uint16_t count;
    uint16_t milliseconds;
    int32_t sum;
    squares_t squares;
    /* Samples at either end of the converter's range: the sensor was overdriven or is broken. */
    uint16_t clipped;
};

/* Add one conversion to `window`; short enough for an interrupt. */
static inline void window_add(struct window *window, uint16_t counts, uint16_t centre)
{
    int16_t sample = (int16_t)(counts - centre);
    window->sum += sample;
    window->squares += (uint32_t)((int32_t)sample * sample);
    window->count++;
    if (counts == 0 || counts >= ADC_FULL_SCALE) {
        window->clipped++;
    }
}

/* 1 mWh in units of mA x 0.1 V x ms. */
#define ENERGY_UNITS 36000000u

struct meter {
    /* mA per count in 1/256. */
    uint32_t gain;
    /* Variance without current in 1/256 count squared. */
    uint16_t noise;
    /* mA below which a window reads as no current, as a certified meter's starting current. */
    uint16_t starting;
    /* Where the sensor rests, in counts. */
    uint16_t centre;
    /* RMS current of the last window in mA. */
    uint16_t current;
    /* Cumulative energy in mWh, and what is left over below it in ENERGY_UNITS. */
    uint64_t energy;
    uint32_t remainder;
    /* The windows' currents since the last sample. */
    uint32_t current_sum;
    uint16_t windows;
    /* The last window was overdriven. */
    bool clipped;
};

/* Begin at a register of `energy` mWh. */
void meter_start(struct meter *meter, uint32_t gain, uint16_t noise, uint16_t starting, uint64_t energy);

/* Take in one window at `voltage` tenths of a volt. */
void meter_window(struct meter *meter, const struct window *window, uint16_t voltage);

/* The mean current in mA since the last call. */
uint16_t meter_sample(struct meter *meter);

/* The square root, rounded down. */
uint32_t square_root(uint64_t value);

#endif

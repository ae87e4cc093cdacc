#include "meter.h"

#include <string.h>

#include "outline.h"

#define CURRENT_MAX 65535u

void meter_start(struct meter *meter, uint32_t gain, uint16_t noise, uint16_t starting, uint64_t energy)
{
    memset(meter, 0, sizeof *meter);
    meter->gain = gain;
    meter->noise = noise;
    meter->starting = starting;
    meter->energy = energy;
    meter->centre = (uint16_t)((ADC_FULL_SCALE + 1u) / 2u);
}

uint32_t square_root(uint64_t value)
{
    uint64_t root = 0;
    uint64_t bit = (uint64_t)1 << 62;
    while (bit > value) {
        bit >>= 2;
    }
    while (bit != 0) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return (uint32_t)root;
}

/* RMS in 1/256 count. */
static uint32_t window_rms(const struct meter *meter, const struct window *window)
{
    uint32_t magnitude = window->sum < 0 ? (uint32_t)-window->sum : (uint32_t)window->sum;
    uint64_t count_squared = (uint64_t)window->count * window->count;
    uint64_t variance = (uint64_t)window->squares * window->count - (uint64_t)magnitude * magnitude;
    uint64_t noise = (count_squared * meter->noise) >> 8;
    if (variance <= noise) {
        return 0;
    }
    return square_root(((variance - noise) << 16) / count_squared);
}

/* Follow the centre, so that a window's squares stay small; exactness comes from the variance. */
static void follow_centre(struct meter *meter, const struct window *window)
{
    int32_t offset = window->sum / (int32_t)window->count;
    int32_t centre = (int32_t)meter->centre + offset;
    if (centre >= 0 && centre <= (int32_t)ADC_FULL_SCALE) {
        meter->centre = (uint16_t)centre;
    }
}

OUTLINE void meter_window(struct meter *meter, const struct window *window, uint16_t voltage)
{
    if (window->count == 0) {
        return;
    }
    uint64_t current = ((uint64_t)window_rms(meter, window) * meter->gain + 0x8000u) >> 16;
    if (current < meter->starting) {
        current = 0;
    } else if (current > CURRENT_MAX) {
        current = CURRENT_MAX;
    }
    meter->current = (uint16_t)current;
    meter->clipped = window->clipped > window->count / 16u;
    meter->current_sum += meter->current;
    meter->windows++;
    uint64_t units = (uint64_t)meter->current * voltage * window->milliseconds + meter->remainder;
    meter->energy += units / ENERGY_UNITS;
    meter->remainder = (uint32_t)(units % ENERGY_UNITS);
    follow_centre(meter, window);
}

uint16_t meter_sample(struct meter *meter)
{
    uint16_t mean = meter->current;
    if (meter->windows > 0) {
        mean = (uint16_t)((meter->current_sum + meter->windows / 2u) / meter->windows);
    }
    meter->current_sum = 0;
    meter->windows = 0;
    return mean;
}

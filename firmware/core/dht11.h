/* The DHT11 temperature and humidity sensor, by its own timing: one wire, a start pulse from us of at least
 * 18 ms, then 40 bits whose high time tells 0 (26 to 28 us) from 1 (70 us), the last eight the sum of the rest. */
#ifndef CONDOCHARGE_DHT11_H
#define CONDOCHARGE_DHT11_H

#include <stdbool.h>
#include <stdint.h>

/* The wire, as the board gives it. `dht11_line` pulls it low or lets it rise. */
void dht11_line(bool low);
bool dht11_level(void);
/* A free-running counter of microseconds that wraps at 65,536. */
uint16_t dht11_microseconds(void);

struct dht11 {
    uint8_t state;
    uint32_t since;
};

/* Least time between two readings, ms. */
#define DHT11_INTERVAL 10000u
#define DHT11_START_PULSE 20u

/* Move a reading on; true where one is complete. Blocks for at most 6 ms, once in DHT11_INTERVAL. */
bool dht11_step(struct dht11 *dht11, uint32_t now, int8_t *temperature, uint8_t *humidity);

/* The reading in five bytes as the sensor sent them; false where sum or range is wrong. */
bool dht11_reading(const uint8_t bytes[5], int8_t *temperature, uint8_t *humidity);

#endif

/* The two-wire bus on D15 (clock) and D14 (data), bit by bit at 100 kHz: an AT24C32 EEPROM and a PN532. */
#include "nucleo.h"
#include "part.h"
#include "pn532.h"

#define PORT 'B'
#define CLOCK 8u
#define DATA 9u
#define HALF_BIT 5u
/* A PN532 may hold the clock; longer than this and the bus hangs, in microseconds. */
#define STRETCH_MAX 2000u
/* An AT24C32 writes for at most 10 ms and acknowledges nothing meanwhile. */
#define WRITE_ATTEMPTS 100u
#define WRITE_WAIT 200u
#define PN532_ADDRESS 0x24u
#define READY 1u

void bus_begin(void)
{
    pin_open_drain(PORT, CLOCK);
    pin_open_drain(PORT, DATA);
}

static void data(bool high)
{
    pin_put(PORT, DATA, high);
    clock_wait(HALF_BIT);
}

static void clock_up(void)
{
    pin_put(PORT, CLOCK, true);
    for (uint32_t waited = 0; !pin_get(PORT, CLOCK) && waited < STRETCH_MAX; waited++) {
        clock_wait(1);
    }
    clock_wait(HALF_BIT);
}

static void clock_down(void)
{
    pin_put(PORT, CLOCK, false);
    clock_wait(1);
}

static void start(void)
{
    data(true);
    clock_up();
    data(false);
    clock_down();
}

static void stop(void)
{
    data(false);
    clock_up();
    data(true);
}

/* Send a byte; whether it was acknowledged. */
static bool put(uint8_t byte)
{
    for (uint8_t bit = 0; bit < 8; bit++) {
        data((byte & (0x80u >> bit)) != 0);
        clock_up();
        clock_down();
    }
    data(true);
    clock_up();
    bool acknowledged = !pin_get(PORT, DATA);
    clock_down();
    return acknowledged;
}

static uint8_t get(bool more)
{
    uint8_t byte = 0;
    data(true);
    for (uint8_t bit = 0; bit < 8; bit++) {
        clock_up();
        byte = (uint8_t)((byte << 1) | (pin_get(PORT, DATA) ? 1u : 0u));
        clock_down();
    }
    data(!more);
    clock_up();
    clock_down();
    return byte;
}

/* Address an EEPROM that may still be writing. */
static bool reach(uint8_t address)
{
    for (uint8_t attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
        start();
        if (put((uint8_t)(address << 1))) {
            return true;
        }
        stop();
        clock_wait(WRITE_WAIT);
    }
    return false;
}

void part_write(uint8_t address, const uint8_t *bytes, uint8_t count)
{
    if (!reach(address)) {
        return;
    }
    bool taken = true;
    for (uint8_t i = 0; taken && i < count; i++) {
        taken = put(bytes[i]);
    }
    stop();
}

void part_read(uint8_t address, const uint8_t *register_address, uint8_t register_bytes, uint8_t *to, uint8_t count)
{
    bool there = reach(address);
    for (uint8_t i = 0; there && i < register_bytes; i++) {
        there = put(register_address[i]);
    }
    if (there) {
        start();
        there = put((uint8_t)((address << 1) | 1u));
    }
    for (uint8_t i = 0; i < count; i++) {
        /* What no EEPROM answers reads as erased. */
        to[i] = there ? get(i + 1u < count) : 0xffu;
    }
    stop();
}

bool pn532_write(const uint8_t *bytes, uint8_t count)
{
    start();
    bool taken = put((uint8_t)(PN532_ADDRESS << 1));
    for (uint8_t i = 0; taken && i < count; i++) {
        taken = put(bytes[i]);
    }
    stop();
    return taken;
}

bool pn532_read(uint8_t *bytes, uint8_t count)
{
    start();
    bool ready = put((uint8_t)((PN532_ADDRESS << 1) | 1u)) && get(true) == READY;
    for (uint8_t i = 0; ready && i < count; i++) {
        bytes[i] = get(i + 1u < count);
    }
    stop();
    return ready;
}

/* The PN532 on the two-wire bus (ATmega328P data sheet, section 22; PN532 user manual, section 6.2.4). */
#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

#include "pn532.h"
#include "uno.h"

#define PN532_ADDRESS 0x48u
#define READING 1u
#define READY 1u
/* 16 MHz / (16 + 2 * 72) = 100 kHz. */
#define BIT_RATE 72u
/* Turns of the waiting loop in which a byte at 100 kHz has long gone through. */
#define PATIENCE 1000u

#define STATUS_MASK 0xf8u
#define START_SENT 0x08u
#define ADDRESS_ACKNOWLEDGED_WRITE 0x18u
#define DATA_ACKNOWLEDGED 0x28u
#define ADDRESS_ACKNOWLEDGED_READ 0x40u

void twi_start(void)
{
    TWBR = BIT_RATE;
    TWSR = 0;
    TWCR = _BV(TWEN);
}

/* Do what `control` says on the bus and give the status, 0 where the bus hangs. */
static uint8_t act(uint8_t control)
{
    TWCR = (uint8_t)(control | _BV(TWINT) | _BV(TWEN));
    for (uint16_t turns = 0; turns < PATIENCE; turns++) {
        if ((TWCR & _BV(TWINT)) != 0) {
            return TWSR & STATUS_MASK;
        }
    }
    return 0;
}

static void stop(void)
{
    TWCR = _BV(TWINT) | _BV(TWEN) | _BV(TWSTO);
    for (uint16_t turns = 0; turns < PATIENCE && (TWCR & _BV(TWSTO)) != 0; turns++) {
    }
}

/* Whether the reader acknowledged its address or a byte. */
static bool is_acknowledged(uint8_t status)
{
    return status == ADDRESS_ACKNOWLEDGED_WRITE || status == DATA_ACKNOWLEDGED ||
           status == ADDRESS_ACKNOWLEDGED_READ;
}

static bool address(uint8_t direction)
{
    if (act(_BV(TWSTA)) != START_SENT) {
        return false;
    }
    TWDR = (uint8_t)(PN532_ADDRESS | direction);
    return is_acknowledged(act(0));
}

bool pn532_write(const uint8_t *bytes, uint8_t count)
{
    bool taken = address(0);
    for (uint8_t i = 0; taken && i < count; i++) {
        TWDR = bytes[i];
        taken = is_acknowledged(act(0));
    }
    stop();
    return taken;
}

bool pn532_read(uint8_t *bytes, uint8_t count)
{
    bool ready = address(READING) && act(_BV(TWEA)) != 0 && TWDR == READY;
    for (uint8_t i = 0; ready && i < count; i++) {
        ready = act(i + 1u < count ? _BV(TWEA) : 0) != 0;
        bytes[i] = TWDR;
    }
    stop();
    return ready;
}

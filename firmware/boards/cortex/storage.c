/* Persistent memory in an AT24C32 EEPROM (4 KB) on the two-wire bus. */
#include "board.h"
#include "part.h"

#define EEPROM_ADDRESS 0x50u
#define EEPROM_BYTES 4096u
/* Bytes of one transfer; a page of the part has 32, and a write may not cross from one to the next. */
#define PAGE 32u

uint16_t storage_bytes(void)
{
    return EEPROM_BYTES;
}

static uint8_t piece(uint16_t offset, uint16_t count)
{
    uint16_t room = (uint16_t)(PAGE - offset % PAGE);
    return (uint8_t)(count < room ? count : room);
}

void storage_read(uint16_t offset, uint8_t *to, uint16_t count)
{
    while (count > 0) {
        uint8_t place[2] = {(uint8_t)(offset >> 8), (uint8_t)offset};
        uint8_t now = piece(offset, count);
        part_read(EEPROM_ADDRESS, place, sizeof place, to, now);
        offset = (uint16_t)(offset + now);
        count = (uint16_t)(count - now);
        to += now;
    }
}

void storage_write(uint16_t offset, const uint8_t *from, uint16_t count)
{
    while (count > 0) {
        uint8_t message[PAGE + 2u] = {(uint8_t)(offset >> 8), (uint8_t)offset};
        uint8_t now = piece(offset, count);
        for (uint8_t i = 0; i < now; i++) {
            message[2u + i] = from[i];
        }
        part_write(EEPROM_ADDRESS, message, (uint8_t)(now + 2u));
        offset = (uint16_t)(offset + now);
        count = (uint16_t)(count - now);
        from += now;
    }
}

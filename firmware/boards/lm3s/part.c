/* Texas Instruments LM3S6965 (Cortex-M3): PL011 serial port, its own two-wire master and Ethernet controller
 * (LM3S6965 data sheet, sections 12, 15 and 16). */
#include "part.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define CLOCKS_1 REGISTER(0x400fe104u)
#define CLOCKS_2 REGISTER(0x400fe108u)
#define CLOCK_SERIAL_0 0x00000001u
#define CLOCK_BUS_0 0x00001000u
#define CLOCK_ETHERNET 0x50000000u

#define SERIAL 0x4000c000u
#define SERIAL_DATA REGISTER(SERIAL)
#define SERIAL_FLAGS REGISTER(SERIAL + 0x18u)
#define SERIAL_LINE REGISTER(SERIAL + 0x2cu)
#define SERIAL_CONTROL REGISTER(SERIAL + 0x30u)
#define SERIAL_MASK REGISTER(SERIAL + 0x38u)
#define RECEIVED_NONE 0x10u
#define SENDING_FULL 0x20u

const uint32_t part_cycles = 12500u;
const uint32_t part_serial_interrupt = 5;

void part_start(void)
{
    CLOCKS_1 |= CLOCK_SERIAL_0 | CLOCK_BUS_0;
    CLOCKS_2 |= CLOCK_ETHERNET;
    SERIAL_LINE = 0x70;
    SERIAL_CONTROL = 0x301;
    SERIAL_MASK = 0x50; /* bytes received, and few of them for long */
    REGISTER(0x40020020u) = 0x10; /* master function of the two-wire bus */
}

bool part_serial_waiting(void)
{
    return (SERIAL_FLAGS & RECEIVED_NONE) == 0;
}

/* It forgets by being read. */
void part_serial_forget(void)
{
}

bool part_serial_take(uint8_t *byte)
{
    if (!part_serial_waiting()) {
        return false;
    }
    *byte = (uint8_t)SERIAL_DATA;
    return true;
}

void part_serial_put(uint8_t byte)
{
    while ((SERIAL_FLAGS & SENDING_FULL) != 0) {
    }
    SERIAL_DATA = byte;
}

/* --- the two-wire bus -------------------------------------------------------------------------------------- */

#define BUS 0x40020000u
#define BUS_ADDRESS REGISTER(BUS)
#define BUS_CONTROL REGISTER(BUS + 0x04u)
#define BUS_DATA REGISTER(BUS + 0x08u)
#define RUN 1u
#define START 2u
#define STOP 4u
#define ACKNOWLEDGE 8u
#define BUSY 1u

static void act(uint32_t what)
{
    BUS_CONTROL = what | RUN;
    while ((BUS_CONTROL & BUSY) != 0) {
    }
}

static void put_all(uint8_t address, const uint8_t *bytes, uint8_t count, uint32_t last)
{
    BUS_ADDRESS = (uint32_t)address << 1;
    for (uint8_t i = 0; i < count; i++) {
        BUS_DATA = bytes[i];
        act((i == 0 ? START : 0u) | (i + 1u == count ? last : 0u));
    }
}

void part_write(uint8_t address, const uint8_t *bytes, uint8_t count)
{
    put_all(address, bytes, count, STOP);
}

void part_read(uint8_t address, const uint8_t *register_address, uint8_t register_bytes, uint8_t *to, uint8_t count)
{
    put_all(address, register_address, register_bytes, 0);
    BUS_ADDRESS = ((uint32_t)address << 1) | 1u;
    for (uint8_t i = 0; i < count; i++) {
        act((i == 0 ? START : 0u) | (i + 1u < count ? ACKNOWLEDGE : STOP));
        to[i] = (uint8_t)BUS_DATA;
    }
}

/* --- Ethernet ---------------------------------------------------------------------------------------------- */

#define ETHERNET 0x40048000u
#define RECEIVE_CONTROL REGISTER(ETHERNET + 0x08u)
#define SEND_CONTROL REGISTER(ETHERNET + 0x0cu)
#define FRAME_DATA REGISTER(ETHERNET + 0x10u)
#define ADDRESS_LOW REGISTER(ETHERNET + 0x14u)
#define ADDRESS_HIGH REGISTER(ETHERNET + 0x18u)
#define WAITING_FRAMES REGISTER(ETHERNET + 0x34u)
#define SEND_REQUEST REGISTER(ETHERNET + 0x38u)
#define RECEIVES 1u
#define SENDS_PADDED_WITH_CHECK 7u
#define HEAD_BYTES 14u
#define CHECK_BYTES 4u
#define LENGTH_BYTES 2u

void part_ethernet_start(const uint8_t address[6])
{
    ADDRESS_LOW = address[0] | ((uint32_t)address[1] << 8) | ((uint32_t)address[2] << 16) | ((uint32_t)address[3] << 24);
    ADDRESS_HIGH = address[4] | ((uint32_t)address[5] << 8);
    SEND_CONTROL = SENDS_PADDED_WITH_CHECK;
    RECEIVE_CONTROL = RECEIVES;
}

/* The controller takes frames whether a cable is in or not; what stays away is told by the unit's exchanges. */
bool part_ethernet_linked(void)
{
    return true;
}

/* The part's first word begins with the length of what follows the head of 14 bytes. */
void part_ethernet_send(const uint8_t *frame, uint16_t count)
{
    uint16_t content = (uint16_t)(count - HEAD_BYTES);
    uint32_t word = content | ((uint32_t)frame[0] << 16) | ((uint32_t)frame[1] << 24);
    FRAME_DATA = word;
    for (uint16_t at = 2; at < count; at = (uint16_t)(at + 4u)) {
        word = 0;
        for (uint16_t i = 0; i < 4u && at + i < count; i++) {
            word |= (uint32_t)frame[at + i] << (8u * i);
        }
        FRAME_DATA = word;
    }
    SEND_REQUEST = 1;
    while ((SEND_REQUEST & 1u) != 0) {
    }
}

uint16_t part_ethernet_take(uint8_t *frame, uint16_t most)
{
    if (WAITING_FRAMES == 0) {
        return 0;
    }
    uint32_t word = FRAME_DATA;
    /* The length counts itself and the check sequence. */
    uint16_t whole = (uint16_t)word;
    uint16_t count = (uint16_t)(whole - LENGTH_BYTES - CHECK_BYTES);
    uint16_t at = 0;
    for (uint16_t taken = LENGTH_BYTES; taken < whole; taken++) {
        if (taken % 4u == 0) {
            word = FRAME_DATA;
        }
        if (at < most) {
            frame[at] = (uint8_t)(word >> (8u * (taken % 4u)));
        }
        at++;
    }
    return whole < LENGTH_BYTES + CHECK_BYTES + HEAD_BYTES || count > most ? 0 : count;
}

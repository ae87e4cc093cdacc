/* ARM's MPS2 board with the AN386 image (Cortex-M4): CMSDK serial port, SBCon two-wire bus, LAN9118 Ethernet
 * (ARM DAI 0386; SMSC LAN9118 data sheet). */
#include "part.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SERIAL 0x40004000u
#define SERIAL_DATA REGISTER(SERIAL)
#define SERIAL_STATE REGISTER(SERIAL + 0x04u)
#define SERIAL_CONTROL REGISTER(SERIAL + 0x08u)
#define SERIAL_INTERRUPT REGISTER(SERIAL + 0x0cu)
#define SERIAL_DIVIDER REGISTER(SERIAL + 0x10u)
#define SENDING_FULL 1u
#define RECEIVED_FULL 2u

const uint32_t part_cycles = 25000u;
const uint32_t part_serial_interrupt = 0;

void part_start(void)
{
    SERIAL_DIVIDER = 16;
    /* Both directions, and an interrupt for what is received. */
    SERIAL_CONTROL = 3 | 8;
}

bool part_serial_waiting(void)
{
    return (SERIAL_STATE & RECEIVED_FULL) != 0;
}

void part_serial_forget(void)
{
    SERIAL_INTERRUPT = 2;
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
    while ((SERIAL_STATE & SENDING_FULL) != 0) {
    }
    SERIAL_DATA = byte;
}

/* --- the two-wire bus, bit by bit -------------------------------------------------------------------------- */

/* The second shield connector's. */
#define BUS 0x4002a000u
#define BUS_SET REGISTER(BUS)
#define BUS_CLEAR REGISTER(BUS + 0x04u)
#define CLOCK 1u
#define DATA 2u

static void clock_pulse(void)
{
    BUS_SET = CLOCK;
    BUS_CLEAR = CLOCK;
}

static void start(void)
{
    BUS_SET = DATA;
    BUS_SET = CLOCK;
    BUS_CLEAR = DATA;
    BUS_CLEAR = CLOCK;
}

static void stop(void)
{
    BUS_CLEAR = DATA;
    BUS_SET = CLOCK;
    BUS_SET = DATA;
}

static void put(uint8_t byte)
{
    for (uint8_t bit = 0; bit < 8; bit++) {
        if ((byte & (0x80u >> bit)) != 0) {
            BUS_SET = DATA;
        } else {
            BUS_CLEAR = DATA;
        }
        clock_pulse();
    }
    BUS_SET = DATA;
    clock_pulse();
}

static uint8_t get(bool more)
{
    uint8_t byte = 0;
    BUS_SET = DATA;
    for (uint8_t bit = 0; bit < 8; bit++) {
        BUS_SET = CLOCK;
        byte = (uint8_t)((byte << 1) | ((BUS_SET & DATA) != 0 ? 1u : 0u));
        BUS_CLEAR = CLOCK;
    }
    if (more) {
        BUS_CLEAR = DATA;
    }
    clock_pulse();
    return byte;
}

void part_write(uint8_t address, const uint8_t *bytes, uint8_t count)
{
    start();
    put((uint8_t)(address << 1));
    for (uint8_t i = 0; i < count; i++) {
        put(bytes[i]);
    }
    stop();
}

void part_read(uint8_t address, const uint8_t *register_address, uint8_t register_bytes, uint8_t *to, uint8_t count)
{
    start();
    put((uint8_t)(address << 1));
    for (uint8_t i = 0; i < register_bytes; i++) {
        put(register_address[i]);
    }
    start();
    put((uint8_t)((address << 1) | 1u));
    for (uint8_t i = 0; i < count; i++) {
        to[i] = get(i + 1u < count);
    }
    stop();
}

/* --- Ethernet ---------------------------------------------------------------------------------------------- */

#define ETHERNET 0x40200000u
#define RECEIVE_DATA REGISTER(ETHERNET + 0x00u)
#define SEND_DATA REGISTER(ETHERNET + 0x20u)
#define RECEIVE_STATUS REGISTER(ETHERNET + 0x40u)
#define SEND_STATUS REGISTER(ETHERNET + 0x48u)
#define SEND_CONFIGURATION REGISTER(ETHERNET + 0x70u)
#define RECEIVE_INFORMATION REGISTER(ETHERNET + 0x7cu)
#define SEND_INFORMATION REGISTER(ETHERNET + 0x80u)
#define MAC_COMMAND REGISTER(ETHERNET + 0xa4u)
#define MAC_DATA REGISTER(ETHERNET + 0xa8u)
#define MAC_BUSY 0x80000000u
#define MAC_READ 0x40000000u
#define MAC_CONTROL 1u
#define MAC_ADDRESS_HIGH 2u
#define MAC_ADDRESS_LOW 3u
#define MAC_MII_ACCESS 6u
#define MAC_MII_DATA 7u
#define MAC_RECEIVES 0x04u
#define MAC_SENDS 0x08u
#define SENDING_ON 2u
#define PHY_STATUS 1u
#define PHY_LINKED 4u
#define FIRST_AND_LAST 0x3000u

static void mac_put(uint32_t index, uint32_t value)
{
    MAC_DATA = value;
    MAC_COMMAND = MAC_BUSY | index;
    while ((MAC_COMMAND & MAC_BUSY) != 0) {
    }
}

static uint32_t mac_get(uint32_t index)
{
    MAC_COMMAND = MAC_BUSY | MAC_READ | index;
    while ((MAC_COMMAND & MAC_BUSY) != 0) {
    }
    return MAC_DATA;
}

void part_ethernet_start(const uint8_t address[6])
{
    mac_put(MAC_ADDRESS_LOW, address[0] | ((uint32_t)address[1] << 8) | ((uint32_t)address[2] << 16) |
                                 ((uint32_t)address[3] << 24));
    mac_put(MAC_ADDRESS_HIGH, address[4] | ((uint32_t)address[5] << 8));
    SEND_CONFIGURATION = SENDING_ON;
    mac_put(MAC_CONTROL, MAC_RECEIVES | MAC_SENDS);
}

bool part_ethernet_linked(void)
{
    mac_put(MAC_MII_ACCESS, (1u << 11) | (PHY_STATUS << 6));
    return (mac_get(MAC_MII_DATA) & PHY_LINKED) != 0;
}

void part_ethernet_send(const uint8_t *frame, uint16_t count)
{
    SEND_DATA = FIRST_AND_LAST | count;
    SEND_DATA = count;
    for (uint16_t at = 0; at < count; at = (uint16_t)(at + 4u)) {
        uint32_t word = 0;
        for (uint16_t i = 0; i < 4u && at + i < count; i++) {
            word |= (uint32_t)frame[at + i] << (8u * i);
        }
        SEND_DATA = word;
    }
    /* What became of it is taken off, so that the part's list of it never fills. */
    while ((SEND_INFORMATION & 0x00ff0000u) != 0) {
        (void)SEND_STATUS;
    }
}

uint16_t part_ethernet_take(uint8_t *frame, uint16_t most)
{
    if ((RECEIVE_INFORMATION & 0x00ff0000u) == 0) {
        return 0;
    }
    uint16_t count = (uint16_t)((RECEIVE_STATUS >> 16) & 0x3fffu);
    for (uint16_t at = 0; at < count; at = (uint16_t)(at + 4u)) {
        uint32_t word = RECEIVE_DATA;
        for (uint16_t i = 0; i < 4u && at + i < count && at + i < most; i++) {
            frame[at + i] = (uint8_t)(word >> (8u * i));
        }
    }
    /* The last four bytes are the check sequence. */
    return count > most || count < 4u ? 0 : (uint16_t)(count - 4u);
}

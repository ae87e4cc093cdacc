/* The serial port of the Nucleo's debugger, USART3 (ST RM0090, section 30), for the probe alone: clocks and pins are
 * left as the simulator has them, a part of the same family at 168 MHz. */
#include "part.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SERIAL 0x40004800u
#define SERIAL_STATE REGISTER(SERIAL)
#define SERIAL_DATA REGISTER(SERIAL + 0x04u)
#define SERIAL_RATE REGISTER(SERIAL + 0x08u)
#define SERIAL_CONTROL REGISTER(SERIAL + 0x0cu)
#define SENDING_EMPTY (1u << 7)
#define RECEIVED_FULL (1u << 5)
/* The port, its sender and its receiver. */
#define SERIAL_ON ((1u << 13) | (1u << 3) | (1u << 2))
/* 42 MHz / 115,200. */
#define SERIAL_115200 365u

const uint32_t part_cycles = 168000u;

void part_start(void)
{
    SERIAL_RATE = SERIAL_115200;
    SERIAL_CONTROL = SERIAL_ON;
}

bool part_serial_take(uint8_t *byte)
{
    if ((SERIAL_STATE & RECEIVED_FULL) == 0) {
        return false;
    }
    *byte = (uint8_t)SERIAL_DATA;
    return true;
}

void part_serial_put(uint8_t byte)
{
    while ((SERIAL_STATE & SENDING_EMPTY) == 0) {
    }
    SERIAL_DATA = byte;
}

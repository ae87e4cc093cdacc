/* What a Cortex-M board's own folder gives: its registers behind a few functions. */
#ifndef CONDOCHARGE_CORTEX_PART_H
#define CONDOCHARGE_CORTEX_PART_H

#include <stdbool.h>
#include <stdint.h>

/* Cycles of the core's clock in a millisecond. */
extern const uint32_t part_cycles;

void part_start(void);

/* The serial port that the bench is on. */
bool part_serial_take(uint8_t *byte);
void part_serial_put(uint8_t byte);
bool part_serial_waiting(void);
/* Its number among the interrupts: it asks for one when a byte has come, until it is told to forget. */
extern const uint32_t part_serial_interrupt;
void part_serial_forget(void);

/* The two-wire bus with the EEPROM on it: a write of `count` bytes behind a start, a read of `count` bytes behind
 * a repeated start; each ends with a stop. */
void part_write(uint8_t address, const uint8_t *bytes, uint8_t count);
void part_read(uint8_t address, const uint8_t *register_address, uint8_t register_bytes, uint8_t *to, uint8_t count);

/* Ethernet: frames of at most 1,514 bytes, without their check sequence. */
void part_ethernet_start(const uint8_t address[6]);
bool part_ethernet_linked(void);
/* Send a frame given as one piece. */
void part_ethernet_send(const uint8_t *frame, uint16_t count);
/* Take a waiting frame; 0 where there is none. */
uint16_t part_ethernet_take(uint8_t *frame, uint16_t most);

#endif

/* The core on a board, asked over its serial port; what a board has to give for it. */
#ifndef CONDOCHARGE_PROBE_H
#define CONDOCHARGE_PROBE_H

#include <stdint.h>

void serial_start(void);
/* Wait for a byte, send a byte. */
uint8_t serial_take(void);
void serial_put(uint8_t byte);

/* The board's own time: cycles on the AVR, ticks of the core's timer on a Cortex-M. */
uint32_t ticks(void);

/* Answer for ever. */
void probe_serve(void);

#endif

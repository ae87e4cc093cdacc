/* Sensors and actuators as frames on a byte stream, for boards whose electrical side is somewhere else: a
 * simulated world, or a process that reads a converter.
 *
 * The world sends (little-endian):
 *   'B' switches u8, erase u8, interval u16   begin; microseconds between conversions
 *   'W' count u16, count x u16                conversions of the current sensor
 *   'V' u16                                   RMS voltage in 0.1 V, 0 where it is not measured
 *   'C' i8, u8                                temperature in degrees Celsius, humidity in percent
 *   'T' count u8, bytes                       a tag is held to the reader
 *   'P' u8                                    control pilot: 0 no vehicle, 1 vehicle, 2 there is none
 *   'F'                                       power is failing
 *   'Q'                                       how far are you?
 * The unit sends:
 *   'H'       it listens; what the world sent before is lost
 *   'R' u8    the relay's coil
 *   'L' u16   current offered on the pilot in 0.1 A
 *   'K' 32    its public key
 *   'A' ms u32, exchange u8, relay u8, energy u64   answers 'Q': its time, the exchange's state, its register
 *
 * Conversions are the unit's clock, as the converter's interrupts are on a microcontroller: time passes as fast
 * as they come. */
#ifndef CONDOCHARGE_BENCH_H
#define CONDOCHARGE_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "unit.h"

/* Send bytes to the world; the board implements it. */
void bench_put(const uint8_t *bytes, uint16_t count);

/* Tell the world that the unit listens. */
void bench_greet(void);

/* Whether 'B' has come. */
bool bench_begun(void);

/* Take a byte from the world; true where so much time has passed that the unit should step. */
bool bench_take(uint8_t byte, struct unit *unit);

/* Milliseconds between the unit's steps. */
#define BENCH_STEP 50u

#endif

/* All that the core asks of the hardware. A board's folder implements every function here and in `network.h`,
 * and sets the sizes in its own `limits.h`; a port is that one folder.
 *
 * limits.h defines: BOARD_NAME (at most 15 characters), UNIT_ED25519 (0 or 1), UNIT_UPDATE (0 or 1: whether the board
 * takes a new firmware, update.h, in answers of UPDATE_CHUNK bytes), ADC_BITS, RING_BYTES, NETWORK_SEND_BYTES. */
#ifndef CONDOCHARGE_BOARD_H
#define CONDOCHARGE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct window;

/* Milliseconds since the start; wraps after 49 days. */
uint32_t board_milliseconds(void);

/* Tell the watchdog that the main loop still turns. */
void board_watchdog(void);

/* Persistent memory, byte by byte. A write that power interrupts may leave any bytes where it was writing. */
uint16_t storage_bytes(void);
void storage_read(uint16_t offset, uint8_t *to, uint16_t count);
void storage_write(uint16_t offset, const uint8_t *from, uint16_t count);

/* The relay's coil; false opens. */
void board_relay(bool closed);

/* Tell the vehicle how much it may draw, in tenths of an ampere, where there is a control pilot
 * (IEC 61851-1); 0 signals that no energy is offered. Boards without a pilot do nothing. */
void board_pilot(uint16_t deciamperes);

/* Whether the control pilot knows if a vehicle is plugged in; `connected` is set where it does. */
bool board_connected(bool *connected);

/* Copy the oldest finished window of the current sensor's samples to `window`; false where none is finished.
 * Windows follow each other without gaps and last about a second. */
bool board_window(struct window *window);

/* Where the sensor's rest lies, in counts: what the board subtracts from each sample of coming windows. */
void board_centre(uint16_t counts);

/* RMS voltage in tenths of a volt, where the board measures it. */
bool board_voltage(uint16_t *decivolts);

/* Temperature in degrees Celsius and relative humidity in percent, where a new reading is there. */
bool board_climate(int8_t *temperature, uint8_t *humidity);

/* Copy the id of a tag that was held to the reader since the last call; the result is its length, 0 for none. */
#define TAG_ID_BYTES_MAX 16u
uint8_t board_tag(uint8_t id[TAG_ID_BYTES_MAX]);

/* The six address switches, 0 to 63. */
uint8_t board_switches(void);

/* Whether the erase button is held; asked once, at power-up. */
bool board_erase_held(void);

/* Fill `to` from the board's source of entropy; false where it has none. Only asked for keys. */
bool board_entropy(uint8_t *to, uint8_t count);

/* Tell whoever listens on the board's console the unit's public key, for enrolment. */
void board_show_key(const uint8_t key[32]);

#endif

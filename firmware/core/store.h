/* What must survive a power cut at any instant: the energy register, the boot count, the numbers of batches,
 * the session under way, and the configuration.
 *
 * Behind the identity, persistent memory holds
 *   the configuration (128 bytes, CRC-32),
 *   STATE_SLOTS state records, written in turn: sequence 4, boot 4, reserved number 4, session 16, flags 1,
 *     zeros 3, CRC-32,
 *   energy records in all the rest, written in turn: register 6, CRC-32.
 * The CRC-32 counts one byte more, a mark that is not stored, so that no erased memory looks like a record.
 *
 * A record is written only over the oldest one, so the newest whole record is never the one that a cut tears.
 * The register never falls, so the newest energy record is the one with the highest register. A record that
 * does not read back as written lies on a worn cell: the next slot takes it. */
#ifndef CONDOCHARGE_STORE_H
#define CONDOCHARGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "configuration.h"

#define STATE_SLOTS 4u
#define NUMBER_RESERVE 64u

struct store {
    /* mWh, as last written. */
    uint64_t energy;
    uint16_t energy_slot;
    uint16_t energy_slots;
    uint8_t state_slot;
    uint32_t sequence;
    uint32_t boot;
    /* Batches below this number may have been sent. */
    uint32_t reserved;
    /* The session that was under way, zeros for none, and whether the gateway has its first batch. */
    uint8_t session[SESSION_BYTES];
    bool begun;
};

/* Find the newest whole records; zeros where there are none. */
void store_load(struct store *store);

/* Write the register where it rose; false where no slot holds it any more. */
bool store_energy(struct store *store, uint64_t energy);

/* Write boot, reserved, session and begun as they stand; false where no slot holds them any more. */
bool store_state(struct store *store);

/* Read the configuration's body; false where none is whole. */
bool store_configuration(uint8_t body[CONFIGURATION_BODY_BYTES]);
void store_put_configuration(const uint8_t body[CONFIGURATION_BODY_BYTES]);
void store_erase_configuration(void);

/* A record of at most 32 bytes with its CRC-32 behind it, read, and written and read back; false where it is torn. */
bool store_read_record(uint16_t offset, uint8_t *record, uint8_t count);
bool store_write_record(uint16_t offset, const uint8_t *record, uint8_t count);

/* One of the configuration's host names, by its offset in the body. */
void store_host(uint8_t offset, char name[HOST_BYTES]);

#endif

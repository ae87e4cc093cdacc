/* Two slots for images, and the journal that says which of them runs (docs/protocol.md, "Firmware").
 *
 * A slot holds an envelope (firmware.h) and its image. One slot is active: it runs, and nothing writes to it. An
 * update is fetched into the other, checked whole as it lies there, tried, and made active by the new image itself
 * once a gateway answered it. So power may fail at any write: what is active is whole, or the trial goes on.
 *
 * Behind the persistent memory that is the store's (storage_bytes) lie UPDATE_BYTES more, little-endian:
 *
 * offset bytes field
 * 0      2     "CF"
 * 2      2     version 1, zero
 * 4      32    the condominium's firmware key
 * 36     4     CRC-32 of the above; provisioning writes all of this
 * 40     32    UPDATE_RECORDS journal records, written in turn: sequence 4, phase 1, active slot 1, attempts 1,
 *              zero 1, floor 4, failed 4, pending 4, falls 2, zeros 2, progress 4, CRC-32 as the store's
 */
#ifndef CONDOCHARGE_UPDATE_H
#define CONDOCHARGE_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "blake2b.h"
#include "firmware.h"

#if UNIT_UPDATE

#define UPDATE_BYTES 192u
#define UPDATE_RECORDS 4u
#define NO_SLOT 0xffu
/* Starts that a new image gets to reach its gateway: a power cut is no fault of its. */
#define UPDATE_ATTEMPTS 3u
/* How long one start may try, ms. */
#define UPDATE_TRIAL 600000u
/* How much is fetched again after a power cut at most, bytes. */
#define UPDATE_KEEP 16384u

enum update_phase { UPDATE_NONE, UPDATE_FETCHING, UPDATE_PENDING, UPDATE_TRYING };

struct update {
    /* This unit runs out of a slot and knows its condominium's firmware key. */
    bool able;
    /* An image that was offered in this start is being fetched, or its bytes are being checked. */
    bool fetching;
    bool checking;
    uint8_t phase;
    uint8_t active;
    uint8_t attempts;
    uint8_t record;
    uint16_t falls;
    uint32_t sequence;
    /* The highest version that ever reached its gateway: none at or below it is taken. */
    uint32_t floor;
    uint32_t failed;
    uint32_t pending;
    /* Bytes of the image that are in the slot, and how many of them the journal knows of. */
    uint32_t progress;
    uint32_t kept;
    uint32_t length;
    uint32_t checked;
    /* The hash of the image that is being fetched, as the offer said. */
    uint8_t image[HASH_BYTES];
    struct blake2b hash;
    uint8_t key[KEY_BYTES];
};

/* --- what a board gives ------------------------------------------------------------------------------------ */

/* Whether there are UPDATE_BYTES behind the store's memory. */
bool board_updates(void);
/* Bytes of one slot. */
uint32_t slot_bytes(void);
/* Make a slot empty; false where it can't be written. */
bool slot_erase(uint8_t slot);
/* Write behind what was written; false where it did not last. After a power cut bytes come again that are there
 * already. */
bool slot_write(uint8_t slot, uint32_t offset, const uint8_t *from, uint16_t count);
/* False where the slot does not hold so much. */
bool slot_read(uint8_t slot, uint32_t offset, uint8_t *to, uint16_t count);
/* Start anew, by way of whatever calls update_boot. */
void board_restart(void);

/* --- update.c: before an image runs, and what becomes of it ------------------------------------------------- */

/* Read key and journal; false where provisioning wrote no key. */
bool update_load(struct update *update);

/* Which slot to run, NO_SLOT for none. The image is checked as it lies there, each time. */
uint8_t update_boot(struct update *update);

/* Take up what update_boot decided, in the image that it started: sets `able`. */
void update_start(struct update *update);

/* The gateway answered: this image is good. */
void update_confirm(struct update *update);

/* Check a slot whole. */
enum firmware_refusal update_verify(const struct update *update, uint8_t slot, struct firmware *firmware);

/* Write the journal as it stands; false where it did not last. */
bool update_keep(struct update *update);

/* --- fetch.c: from an offer to a checked slot ---------------------------------------------------------------- */

/* Begin with the image of an authentic offer, or go on with it; false where it is not one to take. */
bool fetch_begin(struct update *update, const uint8_t envelope[ENVELOPE_BYTES]);

/* How many bytes to ask for next, 0 for none. */
uint16_t fetch_wants(const struct update *update);

/* Take what was asked for; false where it can't be kept. */
bool fetch_take(struct update *update, const uint8_t *bytes, uint16_t count);

/* Check another piece; true once the whole image was found sound and is to be tried at the next start. */
bool fetch_check(struct update *update);

#endif

#endif

#include "update.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "store.h"

#if UNIT_UPDATE

#define KEY_RECORD_BYTES 36u
#define JOURNAL_OFFSET 40u
#define RECORD_BODY_BYTES 28u
#define RECORD_BYTES (RECORD_BODY_BYTES + 4u)
#define PIECE_BYTES 256u

static uint16_t place(uint16_t offset)
{
    return (uint16_t)(storage_bytes() + offset);
}

static bool load_key(struct update *update)
{
    uint8_t record[KEY_RECORD_BYTES];
    uint8_t crc[4];
    if (!board_updates()) {
        return false;
    }
    storage_read(place(0), record, sizeof record);
    storage_read(place(KEY_RECORD_BYTES), crc, sizeof crc);
    memcpy(update->key, record + 4, KEY_BYTES);
    return record[0] == 'C' && record[1] == 'F' && record[2] == 1 &&
           crc32_end(crc32_add(CRC32_BEGIN, record, sizeof record)) == get_u32(crc);
}

static void take_record(struct update *update, const uint8_t *record)
{
    update->sequence = get_u32(record);
    update->phase = record[4];
    update->active = record[5] & 1u;
    update->attempts = record[6];
    update->floor = get_u32(record + 8);
    update->failed = get_u32(record + 12);
    update->pending = get_u32(record + 16);
    update->falls = get_u16(record + 20);
    update->progress = get_u32(record + 24);
    update->kept = update->progress;
}

static uint16_t record_place(uint8_t record)
{
    return place((uint16_t)(JOURNAL_OFFSET + record * RECORD_BYTES));
}

bool update_load(struct update *update)
{
    memset(update, 0, sizeof *update);
    if (!load_key(update)) {
        return false;
    }
    for (uint8_t number = 0; number < UPDATE_RECORDS; number++) {
        uint8_t record[RECORD_BODY_BYTES];
        if (store_read_record(record_place(number), record, sizeof record) && get_u32(record) > update->sequence) {
            take_record(update, record);
            update->record = number;
        }
    }
    return true;
}

bool update_keep(struct update *update)
{
    uint8_t record[RECORD_BODY_BYTES];
    memset(record, 0, sizeof record);
    put_u32(record, update->sequence + 1u);
    record[4] = update->phase;
    record[5] = update->active;
    record[6] = update->attempts;
    put_u32(record + 8, update->floor);
    put_u32(record + 12, update->failed);
    put_u32(record + 16, update->pending);
    put_u16(record + 20, update->falls);
    put_u32(record + 24, update->progress);
    /* Never over the newest one: a cut leaves it. */
    for (uint8_t tried = 1; tried < UPDATE_RECORDS; tried++) {
        uint8_t number = (uint8_t)((update->record + tried) % UPDATE_RECORDS);
        if (store_write_record(record_place(number), record, sizeof record)) {
            update->sequence++;
            update->record = number;
            update->kept = update->progress;
            return true;
        }
    }
    return false;
}

static bool hash_holds(uint8_t slot, const struct firmware *firmware)
{
    struct blake2b blake2b;
    uint8_t piece[PIECE_BYTES];
    uint8_t digest[HASH_BYTES];
    blake2b_start(&blake2b, HASH_BYTES, NULL, 0);
    for (uint32_t at = 0; at < firmware->length; at += PIECE_BYTES) {
        uint32_t left = firmware->length - at;
        uint16_t count = (uint16_t)(left < PIECE_BYTES ? left : PIECE_BYTES);
        if (!slot_read(slot, ENVELOPE_BYTES + at, piece, count)) {
            return false;
        }
        blake2b_add(&blake2b, piece, count);
        board_watchdog();
    }
    blake2b_end(&blake2b, digest);
    return memcmp(digest, firmware->hash, HASH_BYTES) == 0;
}

enum firmware_refusal update_verify(const struct update *update, uint8_t slot, struct firmware *firmware)
{
    uint8_t envelope[ENVELOPE_BYTES];
    if (!slot_read(slot, 0, envelope, ENVELOPE_BYTES)) {
        return FIRMWARE_LENGTH;
    }
    enum firmware_refusal refusal =
        firmware_judge(update->key, envelope, ENVELOPE_BYTES, slot_bytes() - ENVELOPE_BYTES, firmware);
    if (refusal == FIRMWARE_SOUND && !hash_holds(slot, firmware)) {
        refusal = FIRMWARE_HASH;
    }
    /* The envelope is this function's own. */
    firmware->hash = NULL;
    return refusal;
}

static uint8_t other(const struct update *update)
{
    return (uint8_t)(1u - update->active);
}

/* The image on trial has had its chances, or is not what was checked. */
static void fall_back(struct update *update)
{
    update->phase = UPDATE_NONE;
    update->failed = update->pending;
    update->falls++;
    update->attempts = 0;
    /* A journal that can't be written says the same at the next start, and the old image runs either way. */
    update_keep(update);
}

static bool try_other(struct update *update)
{
    struct firmware firmware;
    if (update->phase != UPDATE_PENDING && update->phase != UPDATE_TRYING) {
        return false;
    }
    if (update->attempts >= UPDATE_ATTEMPTS || update_verify(update, other(update), &firmware) != FIRMWARE_SOUND ||
        firmware.version != update->pending || firmware.version <= update->floor) {
        fall_back(update);
        return false;
    }
    update->phase = UPDATE_TRYING;
    update->attempts++;
    if (!update_keep(update)) {
        /* A trial that nobody counts could last for ever. */
        update->phase = UPDATE_NONE;
        return false;
    }
    return true;
}

static bool runs(const struct update *update, uint8_t slot)
{
    struct firmware firmware;
    return update_verify(update, slot, &firmware) == FIRMWARE_SOUND && firmware.version >= update->floor;
}

uint8_t update_boot(struct update *update)
{
    if (try_other(update)) {
        return other(update);
    }
    if (runs(update, update->active)) {
        return update->active;
    }
    /* A board whose first image was put into the second slot. */
    if (runs(update, other(update))) {
        update->active = other(update);
        return update_keep(update) ? update->active : NO_SLOT;
    }
    return NO_SLOT;
}

void update_start(struct update *update)
{
    uint8_t envelope[ENVELOPE_BYTES];
    struct firmware firmware;
    if (!update_load(update)) {
        return;
    }
    if (update->phase == UPDATE_PENDING) {
        /* A journal that takes nothing any more kept the image from being tried: starting anew would not end. */
        update->phase = UPDATE_NONE;
    }
    uint8_t running = update->phase == UPDATE_TRYING ? other(update) : update->active;
    /* Without whatever calls update_boot another image could confirm what never ran. */
    update->able = slot_read(running, 0, envelope, ENVELOPE_BYTES) &&
                   firmware_judge(update->key, envelope, ENVELOPE_BYTES, slot_bytes() - ENVELOPE_BYTES, &firmware) ==
                       FIRMWARE_SOUND &&
                   firmware.version == firmware_version();
}

void update_confirm(struct update *update)
{
    uint32_t version = firmware_version();
    if (!update->able || (update->phase != UPDATE_TRYING && version <= update->floor)) {
        return;
    }
    struct update before = *update;
    if (update->phase == UPDATE_TRYING) {
        update->active = other(update);
        update->phase = UPDATE_NONE;
        update->attempts = 0;
        update->pending = 0;
        update->progress = 0;
    }
    if (version > update->floor) {
        update->floor = version;
    }
    if (!update_keep(update)) {
        *update = before;
    }
}
#endif

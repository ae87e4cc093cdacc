#include <string.h>

#include "board.h"
#include "update.h"

#if UNIT_UPDATE

#define PIECE_BYTES 512u

static uint8_t target(const struct update *update)
{
    return (uint8_t)(1u - update->active);
}

static bool is_newer(const struct update *update, uint32_t version)
{
    return version > update->floor && version > firmware_version();
}

/* Whether the slot already has the beginning of this very image. */
static bool goes_on(const struct update *update, const uint8_t envelope[ENVELOPE_BYTES],
                    const struct firmware *firmware)
{
    uint8_t there[ENVELOPE_BYTES];
    return update->phase == UPDATE_FETCHING && update->progress <= firmware->length &&
           slot_read(target(update), 0, there, ENVELOPE_BYTES) && memcmp(there, envelope, ENVELOPE_BYTES) == 0;
}

static void begin_check(struct update *update)
{
    update->fetching = false;
    update->checking = true;
    update->checked = 0;
    blake2b_start(&update->hash, HASH_BYTES, NULL, 0);
}

bool fetch_begin(struct update *update, const uint8_t envelope[ENVELOPE_BYTES])
{
    struct firmware firmware;
    if (!update->able || (update->phase != UPDATE_NONE && update->phase != UPDATE_FETCHING) ||
        firmware_judge(update->key, envelope, ENVELOPE_BYTES, slot_bytes() - ENVELOPE_BYTES, &firmware) !=
            FIRMWARE_SOUND ||
        !is_newer(update, firmware.version)) {
        return false;
    }
    update->fetching = false;
    update->checking = false;
    if (!goes_on(update, envelope, &firmware)) {
        update->phase = UPDATE_FETCHING;
        update->pending = firmware.version;
        update->progress = 0;
        /* First what the journal says of the slot, then the slot. */
        if (!update_keep(update) || !slot_erase(target(update)) ||
            !slot_write(target(update), 0, envelope, ENVELOPE_BYTES)) {
            return false;
        }
    }
    update->length = firmware.length;
    memcpy(update->image, firmware.hash, HASH_BYTES);
    update->fetching = update->progress < update->length;
    if (!update->fetching) {
        begin_check(update);
    }
    return true;
}

uint16_t fetch_wants(const struct update *update)
{
    if (!update->fetching) {
        return 0;
    }
    uint32_t left = update->length - update->progress;
    return (uint16_t)(left < UPDATE_CHUNK ? left : UPDATE_CHUNK);
}

bool fetch_take(struct update *update, const uint8_t *bytes, uint16_t count)
{
    if (!update->fetching || count == 0 || count != fetch_wants(update) ||
        !slot_write(target(update), ENVELOPE_BYTES + update->progress, bytes, count)) {
        return false;
    }
    update->progress += count;
    if (update->progress == update->length) {
        begin_check(update);
    } else if (update->progress - update->kept >= UPDATE_KEEP) {
        update_keep(update);
    }
    return true;
}

/* Nothing of what was fetched counts. */
static bool give_up(struct update *update)
{
    update->checking = false;
    update->phase = UPDATE_NONE;
    update->pending = 0;
    update->progress = 0;
    update_keep(update);
    return false;
}

static bool finish(struct update *update)
{
    uint8_t envelope[ENVELOPE_BYTES];
    uint8_t digest[HASH_BYTES];
    struct firmware firmware;
    blake2b_end(&update->hash, digest);
    if (!slot_read(target(update), 0, envelope, ENVELOPE_BYTES) ||
        firmware_judge(update->key, envelope, ENVELOPE_BYTES, slot_bytes() - ENVELOPE_BYTES, &firmware) !=
            FIRMWARE_SOUND ||
        firmware.length != update->length || !is_newer(update, firmware.version) ||
        memcmp(digest, firmware.hash, HASH_BYTES) != 0) {
        return give_up(update);
    }
    update->checking = false;
    update->phase = UPDATE_PENDING;
    update->pending = firmware.version;
    update->attempts = 0;
    if (!update_keep(update)) {
        return give_up(update);
    }
    return true;
}

bool fetch_check(struct update *update)
{
    uint8_t piece[PIECE_BYTES];
    uint32_t left = update->length - update->checked;
    uint16_t count = (uint16_t)(left < PIECE_BYTES ? left : PIECE_BYTES);
    if (!update->checking) {
        return false;
    }
    if (!slot_read(target(update), ENVELOPE_BYTES + update->checked, piece, count)) {
        return give_up(update);
    }
    blake2b_add(&update->hash, piece, count);
    update->checked += count;
    return update->checked == update->length && finish(update);
}
#endif

#include "identity.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "outline.h"

#define SALT_OFFSET 14u
#define KEY_OFFSET 46u
#define SERVER_NAME_OFFSET 128u
#define PIECE_BYTES 28u

/* The CRC-32 of the stored body, read in pieces to spare the stack. */
static uint32_t stored_crc(void)
{
    uint32_t crc = CRC32_BEGIN;
    for (uint16_t at = 0; at < IDENTITY_BODY_BYTES; at = (uint16_t)(at + PIECE_BYTES)) {
        uint8_t piece[PIECE_BYTES];
        storage_read(at, piece, PIECE_BYTES);
        crc = crc32_add(crc, piece, PIECE_BYTES);
    }
    return crc32_end(crc);
}

static bool is_whole(void)
{
    uint8_t head[4];
    uint8_t crc[4];
    storage_read(0, head, 4);
    storage_read(IDENTITY_BODY_BYTES, crc, 4);
    return head[0] == 'C' && head[1] == 'U' && head[2] == 1 && stored_crc() == get_u32(crc);
}

#if UNIT_ED25519
static bool is_blank(const uint8_t seed[SEED_BYTES])
{
    uint8_t any = 0;
    for (uint8_t i = 0; i < SEED_BYTES; i++) {
        any |= seed[i];
    }
    return any == 0;
}

static bool make_seed(uint8_t seed[SEED_BYTES])
{
    if (!board_entropy(seed, SEED_BYTES) || is_blank(seed)) {
        return false;
    }
    uint8_t crc[4];
    storage_write(KEY_OFFSET, seed, SEED_BYTES);
    put_u32(crc, stored_crc());
    storage_write(IDENTITY_BODY_BYTES, crc, 4);
    return is_whole();
}

static bool load_ed25519(struct keys *keys)
{
    uint8_t seed[SEED_BYTES];
    storage_read(KEY_OFFSET, seed, SEED_BYTES);
    if (is_blank(seed) && !make_seed(seed)) {
        return false;
    }
    authentication_derive(keys, seed);
    storage_read(KEY_OFFSET + SEED_BYTES, keys->signing, KEY_BYTES);
    board_show_key(keys->public_key);
    return true;
}
#endif

OUTLINE bool identity_load(struct identity *identity)
{
    if (!is_whole()) {
        return false;
    }
    uint8_t head[SALT_OFFSET];
    storage_read(0, head, SALT_OFFSET);
    identity->keys.unit_class = head[3];
    uint16_t unit = get_u16(head + 4);
    identity->unit = unit == UNIT_FROM_SWITCHES ? board_switches() : unit;
    memcpy(identity->network, head + 6, NETWORK_BYTES);
    uint8_t tail[18];
    storage_read(110, tail, sizeof tail);
    identity->hold = tail[1];
    identity->gain = get_u32(tail + 2);
    identity->noise = get_u16(tail + 6);
    identity->starting = get_u16(tail + 8);
    memcpy(identity->ethernet, tail + 10, 6);
    identity->port = get_u16(tail + 16);
    if (head[3] == CLASS_MAC) {
        storage_read(KEY_OFFSET, identity->keys.mac, MAC_KEY_BYTES);
        return true;
    }
#if UNIT_ED25519
    return head[3] == CLASS_ED25519 && load_ed25519(&identity->keys);
#else
    return false;
#endif
}

void identity_server(char name[HOST_BYTES])
{
    storage_read(SERVER_NAME_OFFSET, (uint8_t *)name, HOST_BYTES);
    name[HOST_BYTES - 1] = '\0';
}

void identity_salt(uint8_t salt[SALT_BYTES])
{
    storage_read(SALT_OFFSET, salt, SALT_BYTES);
}

#include "firmware.h"

#include <string.h>

#include "board.h"
#include "bytes.h"

#if UNIT_UPDATE
#include "monocypher-ed25519.h"

static const char LINE[] = "condocharge/firmware/1\n";
#define LINE_BYTES (sizeof LINE - 1u)

static bool is_signed(const uint8_t key[KEY_BYTES], const uint8_t *envelope)
{
    uint8_t message[LINE_BYTES + FIRMWARE_HEADER_BYTES];
    memcpy(message, LINE, LINE_BYTES);
    memcpy(message + LINE_BYTES, envelope, FIRMWARE_HEADER_BYTES);
    return crypto_ed25519_check(envelope + FIRMWARE_HEADER_BYTES, key, message, sizeof message) == 0;
}

enum firmware_refusal firmware_judge(const uint8_t key[KEY_BYTES], const uint8_t *envelope, uint16_t count,
                                     uint32_t most, struct firmware *firmware)
{
    uint8_t board[BOARD_BYTES];
    if (count != ENVELOPE_BYTES) {
        return FIRMWARE_LENGTH;
    }
    if (!is_signed(key, envelope)) {
        return FIRMWARE_SIGNATURE;
    }
    if (memcmp(envelope, "CCFW", 4) != 0) {
        return FIRMWARE_MAGIC;
    }
    if (envelope[4] != FIRMWARE_FORMAT) {
        return FIRMWARE_VERSION;
    }
    if (envelope[5] != 0 || envelope[6] != 0 || envelope[7] != 0) {
        return FIRMWARE_RESERVED;
    }
    firmware_board(board);
    if (memcmp(envelope + 8, board, BOARD_BYTES) != 0) {
        return FIRMWARE_BOARD;
    }
    firmware->version = get_u32(envelope + 24);
    firmware->length = get_u32(envelope + 28);
    firmware->hash = envelope + 32;
    return firmware->length == 0 || firmware->length > most ? FIRMWARE_SIZE : FIRMWARE_SOUND;
}
#endif

#include "version.h"

#include "board.h"
#include "bytes.h"
#include "flash.h"

#define MARK_BYTES 24u

/* What whoever signs an image finds in it by its first bytes (firmware/provisioning/firmware.py): nobody has to type, and
 * mistype, which board and version a file is. Volatile, so that what is told is what is found. */
struct marker {
    uint8_t mark[MARK_BYTES];
    uint8_t board[BOARD_BYTES];
    uint8_t version[4];
};

static const volatile FLASH struct marker MARKER = {
    "Condocharge firmware is",
    BOARD_NAME,
    {FIRMWARE_PATCH & 0xffu, FIRMWARE_PATCH >> 8, FIRMWARE_MINOR, FIRMWARE_MAJOR},
};

uint32_t firmware_version(void)
{
    uint8_t version[4];
    for (uint8_t i = 0; i < sizeof version; i++) {
        version[i] = MARKER.version[i];
    }
    return get_u32(version);
}

void firmware_board(uint8_t board[BOARD_BYTES])
{
    for (uint8_t i = 0; i < BOARD_BYTES; i++) {
        board[i] = MARKER.board[i];
    }
}

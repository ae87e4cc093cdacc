/* Which firmware this is. */
#ifndef CONDOCHARGE_VERSION_H
#define CONDOCHARGE_VERSION_H

#include <stdint.h>

#define FIRMWARE_MAJOR 1u
#define FIRMWARE_MINOR 0u
#define FIRMWARE_PATCH 0u

#define BOARD_BYTES 16u

/* Of two versions the later one is the greater number: major 8 bits, minor 8 bits, patch 16 bits. */
uint32_t firmware_version(void);

/* The board that this image is for, NUL-padded. */
void firmware_board(uint8_t board[BOARD_BYTES]);

#endif

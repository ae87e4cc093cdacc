/* Images and the envelope that goes before each: chaincode/signing/firmware.py. */
#ifndef CONDOCHARGE_FIRMWARE_H
#define CONDOCHARGE_FIRMWARE_H

#include <stdint.h>

#include "authentication.h"
#include "version.h"

#define FIRMWARE_FORMAT 1u
#define FIRMWARE_HEADER_BYTES 64u
#define ENVELOPE_BYTES (FIRMWARE_HEADER_BYTES + SIGNATURE_BYTES)

/* Why an image is not taken. */
enum firmware_refusal {
    FIRMWARE_SOUND = 0,
    FIRMWARE_LENGTH,
    FIRMWARE_SIGNATURE,
    FIRMWARE_MAGIC,
    FIRMWARE_VERSION,
    FIRMWARE_RESERVED,
    FIRMWARE_BOARD,
    FIRMWARE_SIZE,
    FIRMWARE_HASH
};

/* What an envelope says; `hash` points into it. */
struct firmware {
    uint32_t version;
    uint32_t length;
    const uint8_t *hash;
};

#if UNIT_UPDATE
/* Judge an envelope of `count` bytes by the condominium's firmware key, for this board and an image of at most
 * `most` bytes; `firmware` is filled where the result is FIRMWARE_SOUND. */
enum firmware_refusal firmware_judge(const uint8_t key[KEY_BYTES], const uint8_t *envelope, uint16_t count,
                                     uint32_t most, struct firmware *firmware);
#endif

#endif

/* BLAKE2b (RFC 7693), keyed or not, with digests of up to 64 bytes.
 *
 * Of our own, and used on all boards: the unrolled forms that libraries have take 12 KB of flash and 256 bytes of
 * RAM for their tables on an 8-bit part, this one takes a tenth of that. */
#ifndef CONDOCHARGE_BLAKE2B_H
#define CONDOCHARGE_BLAKE2B_H

#include <stdint.h>

#define BLAKE2B_BLOCK 128u

struct blake2b {
    uint64_t chain[8];
    uint8_t block[BLAKE2B_BLOCK];
    /* Bytes compressed before this block, and bytes in it. */
    uint32_t total;
    uint8_t used;
    uint8_t digest;
};

/* Begin a digest of `digest` bytes (1 to 64), keyed with `count` bytes (0 to 64). Less than 4 GiB follow. */
void blake2b_start(struct blake2b *blake2b, uint8_t digest, const uint8_t *key, uint8_t count);
void blake2b_add(struct blake2b *blake2b, const uint8_t *bytes, uint16_t count);
void blake2b_end(struct blake2b *blake2b, uint8_t *digest);

#endif

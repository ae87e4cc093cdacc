#include "blake2b.h"

#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "flash.h"
#include "outline.h"

#define ROUNDS 12u

static const FLASH uint64_t INITIAL[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

/* RFC 7693, section 2.7; two indexes in a byte, the first one high. */
static const FLASH uint8_t SCHEDULE[10][8] = {
    {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}, {0xea, 0x48, 0x9f, 0xd6, 0x1c, 0x02, 0xb7, 0x53},
    {0xb8, 0xc0, 0x52, 0xfd, 0xae, 0x36, 0x71, 0x94}, {0x79, 0x31, 0xdc, 0xbe, 0x26, 0x5a, 0x40, 0xf8},
    {0x90, 0x57, 0x24, 0xaf, 0xe1, 0xbc, 0x68, 0x3d}, {0x2c, 0x6a, 0x0b, 0x83, 0x4d, 0x75, 0xfe, 0x19},
    {0xc5, 0x1f, 0xed, 0x4a, 0x07, 0x63, 0x92, 0x8b}, {0xdb, 0x7e, 0xc1, 0x39, 0x50, 0xf4, 0x86, 0x2a},
    {0x6f, 0xe9, 0xb3, 0x08, 0xc2, 0xd7, 0x14, 0xa5}, {0xa2, 0x84, 0x76, 0x15, 0xfb, 0x9e, 0x3c, 0xd0},
};

/* Which words a mixing step takes: columns, then diagonals (section 3.2). */
static const FLASH uint8_t COLUMNS[8][4] = {
    {0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15},
    {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14},
};

static uint64_t rotate(uint64_t word, uint8_t bits)
{
    return (word >> bits) | (word << (64u - bits));
}

/* The mixing function G (section 3.1). */
static void mix(uint64_t words[16], const FLASH uint8_t at[4], uint64_t x, uint64_t y)
{
    uint64_t *a = words + at[0];
    uint64_t *b = words + at[1];
    uint64_t *c = words + at[2];
    uint64_t *d = words + at[3];
    *a = *a + *b + x;
    *d = rotate(*d ^ *a, 32);
    *c = *c + *d;
    *b = rotate(*b ^ *c, 24);
    *a = *a + *b + y;
    *d = rotate(*d ^ *a, 16);
    *c = *c + *d;
    *b = rotate(*b ^ *c, 63);
}

OUTLINE static void compress(struct blake2b *blake2b, uint8_t last)
{
    uint64_t words[16];
    blake2b->total += blake2b->used;
    for (uint8_t i = 0; i < 8; i++) {
        words[i] = blake2b->chain[i];
        words[i + 8] = INITIAL[i];
    }
    words[12] ^= blake2b->total;
    if (last != 0) {
        words[14] = ~words[14];
    }
    for (uint8_t round = 0; round < ROUNDS; round++) {
        const FLASH uint8_t *schedule = SCHEDULE[round % 10u];
        for (uint8_t i = 0; i < 8; i++) {
            uint8_t pair = schedule[i];
            mix(words, COLUMNS[i], get_u64(blake2b->block + 8u * (pair >> 4)),
                get_u64(blake2b->block + 8u * (pair & 15u)));
        }
    }
    for (uint8_t i = 0; i < 8; i++) {
        blake2b->chain[i] ^= words[i] ^ words[i + 8];
    }
    blake2b->used = 0;
}

void blake2b_start(struct blake2b *blake2b, uint8_t digest, const uint8_t *key, uint8_t count)
{
    memset(blake2b, 0, sizeof *blake2b);
    for (uint8_t i = 0; i < 8; i++) {
        blake2b->chain[i] = INITIAL[i];
    }
    blake2b->chain[0] ^= 0x01010000u ^ ((uint32_t)count << 8) ^ digest;
    blake2b->digest = digest;
    if (count > 0) {
        memcpy(blake2b->block, key, count);
        blake2b->used = BLAKE2B_BLOCK;
    }
}

void blake2b_add(struct blake2b *blake2b, const uint8_t *bytes, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        /* A full block waits until it is known not to be the last. */
        if (blake2b->used == BLAKE2B_BLOCK) {
            compress(blake2b, 0);
        }
        blake2b->block[blake2b->used++] = bytes[i];
    }
}

void blake2b_end(struct blake2b *blake2b, uint8_t *digest)
{
    memset(blake2b->block + blake2b->used, 0, (size_t)(BLAKE2B_BLOCK - blake2b->used));
    compress(blake2b, 1);
    for (uint8_t i = 0; i < blake2b->digest; i++) {
        digest[i] = (uint8_t)(blake2b->chain[i / 8u] >> (8u * (i % 8u)));
    }
}

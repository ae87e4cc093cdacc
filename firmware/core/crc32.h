/* CRC-32 (IEEE 802.3): tells a whole record in persistent memory from a torn one. No authentication. */
#ifndef CONDOCHARGE_CRC32_H
#define CONDOCHARGE_CRC32_H

#include <stdint.h>

/* Begin with CRC32_BEGIN, add every piece, end with crc32_end. */
#define CRC32_BEGIN 0xffffffffu
uint32_t crc32_add(uint32_t state, const uint8_t *bytes, uint16_t count);
uint32_t crc32_end(uint32_t state);

#endif

#include "crc32.h"

uint32_t crc32_add(uint32_t state, const uint8_t *bytes, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        state ^= bytes[i];
        for (uint8_t bit = 0; bit < 8; bit++) {
            state = (state >> 1) ^ ((state & 1u) != 0 ? 0xedb88320u : 0u);
        }
    }
    return state;
}

uint32_t crc32_end(uint32_t state)
{
    return ~state;
}

#include "batch.h"

#include <string.h>

#include "bytes.h"

void batch_put(const struct batch *batch, uint8_t to[BATCH_HEADER_BYTES])
{
    to[0] = BATCH_VERSION;
    to[1] = batch->flags;
    put_u16(to + 2, batch->unit);
    memcpy(to + 4, batch->network, NETWORK_BYTES);
    put_u32(to + 12, batch->boot);
    put_u32(to + 16, batch->number);
    put_u32(to + 20, batch->time);
    put_u64(to + 24, batch->energy);
    memcpy(to + 32, batch->session, SESSION_BYTES);
    memcpy(to + 48, batch->previous, 32);
    put_u16(to + 80, batch->period);
    to[82] = (uint8_t)batch->temperature;
    to[83] = batch->humidity;
    to[84] = batch->count;
    to[85] = batch->reason;
    put_u16(to + 86, 0);
}

void batch_put_sample(uint8_t *batch, uint8_t index, uint16_t current, uint16_t voltage)
{
    uint8_t *sample = batch + BATCH_HEADER_BYTES + (uint16_t)(SAMPLE_BYTES * index);
    put_u16(sample, current);
    put_u16(sample + 2, voltage);
}

uint16_t batch_body_bytes(const uint8_t *batch)
{
    return (uint16_t)(BATCH_HEADER_BYTES + SAMPLE_BYTES * batch[84]);
}

uint8_t batch_flags(const uint8_t *batch)
{
    return batch[1];
}

uint32_t batch_number(const uint8_t *batch)
{
    return get_u32(batch + 16);
}

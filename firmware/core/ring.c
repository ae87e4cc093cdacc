#include "ring.h"

#include <stddef.h>
#include <string.h>

static uint16_t message_bytes(const struct ring *ring, const uint8_t *message)
{
    return (uint16_t)(batch_body_bytes(message) + ring->tag);
}

/* What the growing batch takes with `count` samples, header and authentication included. */
static uint16_t growing_bytes(const struct ring *ring, uint8_t count)
{
    return (uint16_t)(BATCH_HEADER_BYTES + SAMPLE_BYTES * count + ring->tag);
}

/* Bytes in use once the growing batch, which has no header yet, counts `count` samples. */
static bool fits(const struct ring *ring, uint8_t count)
{
    return (uint32_t)ring->whole + growing_bytes(ring, count) <= RING_BYTES;
}

static void remove_message(struct ring *ring, uint16_t at)
{
    uint16_t length = message_bytes(ring, ring->bytes + at);
    uint16_t samples_end = ring->whole;
    if (ring->count > 0) {
        samples_end = (uint16_t)(ring->whole + BATCH_HEADER_BYTES + SAMPLE_BYTES * ring->count);
    }
    memmove(ring->bytes + at, ring->bytes + at + length, (size_t)(samples_end - at - length));
    ring->whole = (uint16_t)(ring->whole - length);
}

/* Drop the oldest message that is not held, without BEGIN or END; false where there is none. */
static bool drop_detail(struct ring *ring)
{
    for (uint16_t at = ring->held; at < ring->whole; at = (uint16_t)(at + message_bytes(ring, ring->bytes + at))) {
        if ((batch_flags(ring->bytes + at) & (FLAG_BEGIN | FLAG_END)) == 0) {
            remove_message(ring, at);
            return true;
        }
    }
    return false;
}

static void drop_oldest_sample(struct ring *ring)
{
    uint8_t *samples = ring->bytes + ring->whole + BATCH_HEADER_BYTES;
    ring->count--;
    memmove(samples, samples + SAMPLE_BYTES, (size_t)(SAMPLE_BYTES * ring->count));
}

void ring_start(struct ring *ring, uint8_t tag)
{
    ring->whole = 0;
    ring->held = 0;
    ring->count = 0;
    ring->tag = tag;
}

void ring_sample(struct ring *ring, uint16_t current, uint16_t voltage)
{
    while (ring->count >= BATCH_SAMPLES_MAX || !fits(ring, (uint8_t)(ring->count + 1))) {
        if (ring->count < BATCH_SAMPLES_MAX && drop_detail(ring)) {
            continue;
        }
        if (ring->count == 0) {
            return;
        }
        drop_oldest_sample(ring);
    }
    batch_put_sample(ring->bytes + ring->whole, ring->count, current, voltage);
    ring->count++;
}

void ring_forget(struct ring *ring)
{
    ring->count = 0;
}

uint8_t *ring_growing(struct ring *ring)
{
    while (!fits(ring, ring->count)) {
        if (!drop_detail(ring)) {
            return NULL;
        }
    }
    return ring->bytes + ring->whole;
}

void ring_finish(struct ring *ring)
{
    ring->whole = (uint16_t)(ring->whole + message_bytes(ring, ring->bytes + ring->whole));
    ring->count = 0;
}

void ring_acknowledge(struct ring *ring, uint32_t number)
{
    while (ring->whole > 0 && batch_number(ring->bytes) <= number) {
        remove_message(ring, 0);
    }
}

uint16_t ring_hold(struct ring *ring, uint16_t room)
{
    uint16_t bytes = 0;
    while (bytes < ring->whole) {
        uint16_t next = message_bytes(ring, ring->bytes + bytes);
        if ((uint32_t)bytes + next > room) {
            break;
        }
        bytes = (uint16_t)(bytes + next);
    }
    ring->held = bytes;
    return bytes;
}

void ring_release(struct ring *ring)
{
    ring->held = 0;
}

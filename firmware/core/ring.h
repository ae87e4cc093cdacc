/* Batches that the gateway has not stored yet, oldest first, and the one that is growing, in one piece of memory.
 *
 * When it is full the oldest batch without BEGIN or END goes, and after those the oldest sample of the growing
 * batch: detail is lost, energy is not, because each batch carries the register. */
#ifndef CONDOCHARGE_RING_H
#define CONDOCHARGE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "authentication.h"
#include "batch.h"

struct ring {
    /* Bytes of whole messages; the growing batch's samples follow, behind room for its header. */
    uint16_t whole;
    /* The first bytes of these, which are on their way out and stay where they are. */
    uint16_t held;
    /* Samples of the growing batch. */
    uint8_t count;
    /* Bytes of authentication of each message. */
    uint8_t tag;
    uint8_t bytes[RING_BYTES];
};

void ring_start(struct ring *ring, uint8_t tag);

/* Add a sample to the growing batch: mA and tenths of a volt. */
void ring_sample(struct ring *ring, uint16_t current, uint16_t voltage);

/* Forget the growing batch's samples. */
void ring_forget(struct ring *ring);

/* Make room for the growing batch to be finished; the result is where it stands, NULL where batches with BEGIN
 * or END fill the ring. The caller writes header and authentication there and then calls ring_finish. */
uint8_t *ring_growing(struct ring *ring);
void ring_finish(struct ring *ring);

/* Drop the messages up to and including `number`. */
void ring_acknowledge(struct ring *ring, uint32_t number);

/* Hold as many whole messages, from the oldest on, as fit in `room` bytes; the result is how many bytes. */
uint16_t ring_hold(struct ring *ring, uint16_t room);
void ring_release(struct ring *ring);

#endif

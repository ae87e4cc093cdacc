/* What a unit tells of its firmware, and what it is offered: chaincode/signing/status.py and offer.py. */
#ifndef CONDOCHARGE_STATUS_H
#define CONDOCHARGE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "authentication.h"
#include "batch.h"
#include "command.h"
#include "version.h"

#define STATUS_VERSION 1u
#define STATUS_BODY_BYTES 48u
#define STATUS_BYTES_MAX (STATUS_BODY_BYTES + TAG_BYTES_MAX)
#define OFFER_VERSION 1u
#define OFFER_HEAD_BYTES 20u

enum status_flag {
    /* It takes an image that is offered. */
    STATUS_UPDATES = 1
};

enum offer_kind { OFFER_NOTHING = 0, OFFER_IMAGE = 1 };

struct status {
    uint8_t flags;
    uint16_t unit;
    const uint8_t *network;
    uint32_t boot;
    uint32_t number;
    /* The version that an update last fell back from, 0 for none, and how often one ever did. */
    uint32_t failed;
    uint16_t falls;
};

/* Write the status with its authentication to `to`; the result is its length. */
uint8_t status_put(const struct status *status, const struct keys *keys, uint8_t to[STATUS_BYTES_MAX]);

/* Judge the answer to `status`, `count` bytes; `kind` is set where the result is REFUSAL_NONE. An envelope
 * follows the first OFFER_HEAD_BYTES of an OFFER_IMAGE. */
enum refusal offer_judge(const struct status *status, const struct keys *keys, const uint8_t *message,
                         uint16_t count, uint8_t *kind);

#endif

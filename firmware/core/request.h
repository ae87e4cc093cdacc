/* Start requests in bytes: chaincode/signing/request.py. */
#ifndef CONDOCHARGE_REQUEST_H
#define CONDOCHARGE_REQUEST_H

#include <stdint.h>

#include "authentication.h"

#define REQUEST_VERSION 1u
#define REQUEST_BODY_BYTES 40u
#define REQUEST_BYTES_MAX (REQUEST_BODY_BYTES + TAG_BYTES_MAX)

enum request_kind { REQUEST_TAG = 1, REQUEST_PLUGGED_IN = 2 };

/* A start request; `tag` is the tag's hash, zeros where a vehicle was plugged in. */
struct request {
    uint8_t kind;
    uint16_t unit;
    const uint8_t *network;
    uint32_t boot;
    uint32_t number;
    uint32_t time;
    const uint8_t *tag;
};

/* Write the request with its authentication to `to`; the result is its length. */
uint8_t request_put(const struct request *request, const struct keys *keys, uint8_t to[REQUEST_BYTES_MAX]);

#endif

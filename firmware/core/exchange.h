/* One question to the gateway and its answer, over HTTP (docs/protocol.md, "REST", the rows for units). */
#ifndef CONDOCHARGE_EXCHANGE_H
#define CONDOCHARGE_EXCHANGE_H

#include <stdint.h>

#include "http.h"
#include "request.h"
#include "ring.h"
#include "status.h"

/* The gateway may hold an answer for `wait` seconds; this much more and the exchange has failed, ms. */
#define EXCHANGE_PATIENCE 15000u

enum exchange_kind {
    EXCHANGE_CONFIGURATION,
    EXCHANGE_READINGS,
    EXCHANGE_REQUEST,
    EXCHANGE_STATUS,
    EXCHANGE_IMAGE
};

enum exchange_result { EXCHANGE_PENDING, EXCHANGE_ANSWERED, EXCHANGE_FAILED };

enum exchange_state { EXCHANGE_IDLE, EXCHANGE_OPENING, EXCHANGE_PLACING, EXCHANGE_ANSWERING };

struct exchange {
    uint8_t state;
    uint8_t kind;
    uint8_t wait;
    /* Bytes of the start request or status below. */
    uint8_t request_bytes;
    uint16_t unit;
    uint32_t boot;
    uint32_t since;
    struct http http;
    uint8_t request[STATUS_BYTES_MAX];
#if UNIT_UPDATE
    /* The piece of which image is asked for: its hash. */
    const uint8_t *image;
    uint32_t from;
    uint16_t count;
#endif
};

/* Begin to ask `host`. `wait` is in seconds, for readings and requests. */
void exchange_begin(struct exchange *exchange, enum exchange_kind kind, const char *host, uint16_t port,
                    uint8_t wait, uint32_t now);

/* Move it on; `host` names the server in the question, `ring` gives readings. The stream is closed when the
 * result is not EXCHANGE_PENDING; the answer is then in `exchange->http.body`. */
enum exchange_result exchange_step(struct exchange *exchange, struct ring *ring, uint16_t port, uint32_t now);

#endif

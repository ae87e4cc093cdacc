/* The answer to an HTTP request, read byte by byte in fixed memory.
 *
 * Requests are HTTP/1.0, so that no answer comes in chunks (RFC 9112, section 7.1). An answer counts where its
 * status is 200, its Content-Length is given once and it is no longer than what was asked for can be. Everything else is refused, as is any answer whose head is longer than HTTP_HEAD_MAX. */
#ifndef CONDOCHARGE_HTTP_H
#define CONDOCHARGE_HTTP_H

#include <stdint.h>

#include "authentication.h"
#include "configuration.h"
#include "firmware.h"
#include "status.h"

/* The longest message that answers, a configuration or an offer of an image; and the longest body, which may be a
 * piece of one. */
#if UNIT_UPDATE
#define HTTP_MESSAGE_MAX (OFFER_HEAD_BYTES + ENVELOPE_BYTES + TAG_BYTES_MAX)
#define HTTP_BODY_MAX UPDATE_CHUNK
#else
#define HTTP_MESSAGE_MAX (CONFIGURATION_BODY_BYTES + TAG_BYTES_MAX)
#define HTTP_BODY_MAX HTTP_MESSAGE_MAX
#endif
#define HTTP_HEAD_MAX 2048u

enum http_state { HTTP_HEAD, HTTP_BODY, HTTP_DONE, HTTP_REFUSED };

struct http {
    uint8_t state;
    uint8_t line;
    /* How far the line matches a header name that matters, or HTTP_OTHER. */
    uint8_t at;
    uint8_t header;
    bool length_known;
    bool line_empty;
    uint16_t head;
#if UNIT_UPDATE
    uint16_t most;
#endif
    uint16_t status;
    uint16_t length;
    uint16_t received;
    uint8_t body[HTTP_BODY_MAX];
};

/* Begin with an answer whose body has at most `most` bytes, at most HTTP_BODY_MAX. */
void http_start(struct http *http, uint16_t most);

/* Take in `count` bytes; the result is the state, HTTP_DONE when the body is whole. */
enum http_state http_take(struct http *http, const uint8_t *bytes, uint16_t count);

#endif

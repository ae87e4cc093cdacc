#include "http.h"

#include <string.h>

#include "flash.h"

/* Where in a line of the head the parser is. */
enum line_state { LINE_STATUS_VERSION, LINE_STATUS_CODE, LINE_REST, LINE_NAME, LINE_SPACE, LINE_VALUE };

enum header { HEADER_OTHER, HEADER_LENGTH, HEADER_TRANSFER };

static const FLASH char VERSION[] = "HTTP/1.";
static const FLASH char LENGTH_NAME[] = "content-length";
static const FLASH char TRANSFER_NAME[] = "transfer-encoding";

#define VERSION_BYTES (sizeof VERSION - 1u)
#define LENGTH_NAME_BYTES (sizeof LENGTH_NAME - 1u)
#define TRANSFER_NAME_BYTES (sizeof TRANSFER_NAME - 1u)

void http_start(struct http *http, uint16_t most)
{
    memset(http, 0, sizeof *http);
#if UNIT_UPDATE
    http->most = most;
#else
    (void)most;
#endif
    http->state = HTTP_HEAD;
    http->line = LINE_STATUS_VERSION;
}

static uint16_t most_of(const struct http *http)
{
#if UNIT_UPDATE
    return http->most;
#else
    (void)http;
    return HTTP_MESSAGE_MAX;
#endif
}

static void refuse(struct http *http)
{
    http->state = HTTP_REFUSED;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static void end_head(struct http *http)
{
    if (http->status != 200 || !http->length_known || http->length > most_of(http)) {
        refuse(http);
    } else {
        http->state = http->length == 0 ? HTTP_DONE : HTTP_BODY;
    }
}

static void end_line(struct http *http)
{
    if (http->line == LINE_STATUS_VERSION || (http->line == LINE_STATUS_CODE && http->at != 3)) {
        refuse(http);
        return;
    }
    if (http->line == LINE_NAME) {
        /* A line without a colon is no header; one without anything ends the head. */
        if (http->line_empty) {
            end_head(http);
        } else {
            refuse(http);
        }
        return;
    }
    if (http->header == HEADER_LENGTH && http->line != LINE_REST && !http->length_known) {
        refuse(http);
        return;
    }
    http->line = LINE_NAME;
    http->header = HEADER_OTHER;
    http->at = 0;
    http->line_empty = true;
}

static void take_status(struct http *http, uint8_t byte)
{
    if (http->line == LINE_STATUS_VERSION) {
        if (http->at < VERSION_BYTES && byte != (uint8_t)VERSION[http->at]) {
            refuse(http);
        } else if (http->at > VERSION_BYTES) {
            if (byte != ' ') {
                refuse(http);
            }
            http->line = LINE_STATUS_CODE;
            http->at = 0;
            return;
        }
        http->at++;
        return;
    }
    if (http->at == 3) {
        http->line = LINE_REST;
        if (byte != ' ') {
            refuse(http);
        }
        return;
    }
    if (byte < '0' || byte > '9') {
        refuse(http);
        return;
    }
    http->status = (uint16_t)(http->status * 10u + (uint8_t)(byte - '0'));
    http->at++;
}

/* Follow the name against both that matter: they differ in their first letter. */
static void take_name(struct http *http, uint8_t byte)
{
    http->line_empty = false;
    if (byte == ':') {
        bool whole = (http->header == HEADER_LENGTH && http->at == LENGTH_NAME_BYTES) ||
                     (http->header == HEADER_TRANSFER && http->at == TRANSFER_NAME_BYTES);
        if (whole && http->header == HEADER_TRANSFER) {
            refuse(http);
        } else if (whole && http->length_known) {
            refuse(http);
        }
        http->line = whole ? LINE_SPACE : LINE_REST;
        return;
    }
    byte = lower(byte);
    if (http->at == 0) {
        http->header = byte == 'c' ? HEADER_LENGTH : byte == 't' ? HEADER_TRANSFER : HEADER_OTHER;
        http->at = 1;
        return;
    }
    bool matches = (http->header == HEADER_LENGTH && http->at < LENGTH_NAME_BYTES &&
                    byte == (uint8_t)LENGTH_NAME[http->at]) ||
                   (http->header == HEADER_TRANSFER && http->at < TRANSFER_NAME_BYTES &&
                    byte == (uint8_t)TRANSFER_NAME[http->at]);
    if (matches) {
        http->at++;
    } else {
        http->header = HEADER_OTHER;
    }
}

static void take_length(struct http *http, uint8_t byte)
{
    if (byte == ' ' || byte == '\t') {
        http->line = http->line == LINE_VALUE ? LINE_REST : LINE_SPACE;
        return;
    }
    if (byte < '0' || byte > '9' || http->length > most_of(http)) {
        refuse(http);
        return;
    }
    http->line = LINE_VALUE;
    http->length_known = true;
    http->length = (uint16_t)(http->length * 10u + (uint8_t)(byte - '0'));
}

static void take_head(struct http *http, uint8_t byte)
{
    if (++http->head > HTTP_HEAD_MAX) {
        refuse(http);
        return;
    }
    if (byte == '\n') {
        end_line(http);
        return;
    }
    if (byte == '\r') {
        return;
    }
    switch (http->line) {
    case LINE_STATUS_VERSION:
    case LINE_STATUS_CODE:
        take_status(http, byte);
        break;
    case LINE_NAME:
        take_name(http, byte);
        break;
    case LINE_SPACE:
    case LINE_VALUE:
        take_length(http, byte);
        break;
    default:
        break;
    }
}

enum http_state http_take(struct http *http, const uint8_t *bytes, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (http->state == HTTP_HEAD) {
            take_head(http, bytes[i]);
        } else if (http->state == HTTP_BODY) {
            http->body[http->received++] = bytes[i];
            if (http->received == http->length) {
                http->state = HTTP_DONE;
            }
        } else if (http->state == HTTP_DONE) {
            /* More than was announced: nothing of it is to be trusted. */
            refuse(http);
        }
    }
    return (enum http_state)http->state;
}

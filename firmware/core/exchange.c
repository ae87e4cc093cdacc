#include "exchange.h"

#include "board.h"
#include "flash.h"
#include "identity.h"
#include "network.h"
#include "outline.h"
#include "store.h"

/* The longest head of a question, counted for the largest numbers and a name of 39 characters. */
#define HEAD_BYTES_MAX 184u
#define READ_BYTES 32u

struct text {
    uint8_t count;
    uint8_t bytes[HEAD_BYTES_MAX];
};

static void add(struct text *text, const FLASH char *piece)
{
    while (*piece != '\0' && text->count < HEAD_BYTES_MAX) {
        text->bytes[text->count++] = (uint8_t)*piece++;
    }
}

static void add_number(struct text *text, uint32_t number)
{
    uint8_t digits[10];
    uint8_t count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    while (count > 0 && text->count < HEAD_BYTES_MAX) {
        text->bytes[text->count++] = digits[--count];
    }
}

#if UNIT_UPDATE
/* As much of an image's hash as names it; a version would tell whoever guesses it what runs here. */
#define IMAGE_NAME_BYTES 16u

static void add_image(struct text *text, const uint8_t *hash)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (uint8_t i = 0; i < 2u * IMAGE_NAME_BYTES && text->count < HEAD_BYTES_MAX; i++) {
        uint8_t byte = hash[i / 2u];
        text->bytes[text->count++] = (uint8_t)DIGITS[i % 2u == 0 ? byte >> 4 : byte & 15u];
    }
}
#endif

static void add_host(struct text *text, const char *host)
{
    while (*host != '\0' && text->count < HEAD_BYTES_MAX) {
        text->bytes[text->count++] = (uint8_t)*host++;
    }
}

static const FLASH char GET_UNIT[] = "GET /v1/units/";
static const FLASH char POST_UNIT[] = "POST /v1/units/";
static const FLASH char CONFIGURATION_PATH[] = "/configuration?boot=";
static const FLASH char READINGS_PATH[] = "/readings?wait=";
static const FLASH char REQUESTS_PATH[] = "/requests?wait=";
static const FLASH char STATUS_PATH[] = "/firmware?boot=";
#if UNIT_UPDATE
static const FLASH char IMAGE_PATH[] = "/firmware?image=";
static const FLASH char FROM[] = "&from=";
static const FLASH char COUNT[] = "&count=";
#endif
static const FLASH char HOST_LINE[] = " HTTP/1.0\r\nHost: ";
static const FLASH char COLON[] = ":";
static const FLASH char BODY_LINES[] = "\r\nContent-Type: application/octet-stream\r\nContent-Length: ";
static const FLASH char END_LINES[] = "\r\n\r\n";

static void server_name(const struct exchange *exchange, char name[HOST_BYTES])
{
    if (exchange->kind == EXCHANGE_CONFIGURATION) {
        identity_server(name);
    } else {
        store_host(SERVER_OFFSET, name);
    }
}

/* No switch: on an 8-bit part its table would lie in RAM. */
static const FLASH char *path_of(uint8_t kind)
{
    const FLASH char *path = STATUS_PATH;
    if (kind == EXCHANGE_CONFIGURATION) {
        path = CONFIGURATION_PATH;
    } else if (kind == EXCHANGE_READINGS) {
        path = READINGS_PATH;
    } else if (kind == EXCHANGE_REQUEST) {
        path = REQUESTS_PATH;
    }
#if UNIT_UPDATE
    if (kind == EXCHANGE_IMAGE) {
        path = IMAGE_PATH;
    }
#endif
    return path;
}

/* What the path's question mark is followed by. */
static void add_query(struct text *text, const struct exchange *exchange)
{
#if UNIT_UPDATE
    if (exchange->kind == EXCHANGE_IMAGE) {
        add_image(text, exchange->image);
        add(text, FROM);
        add_number(text, exchange->from);
        add(text, COUNT);
        add_number(text, exchange->count);
        return;
    }
#endif
    bool names_boot = exchange->kind == EXCHANGE_CONFIGURATION || exchange->kind == EXCHANGE_STATUS;
    add_number(text, names_boot ? exchange->boot : exchange->wait);
}

static void write_head(struct text *text, const struct exchange *exchange, uint16_t port, uint16_t body)
{
    char name[HOST_BYTES];
    bool asks = exchange->kind == EXCHANGE_CONFIGURATION || exchange->kind == EXCHANGE_IMAGE;
    text->count = 0;
    add(text, asks ? GET_UNIT : POST_UNIT);
    add_number(text, exchange->unit);
    add(text, path_of(exchange->kind));
    add_query(text, exchange);
    add(text, HOST_LINE);
    server_name(exchange, name);
    add_host(text, name);
    add(text, COLON);
    add_number(text, port);
    if (!asks) {
        add(text, BODY_LINES);
        add_number(text, body);
    }
    add(text, END_LINES);
}

void exchange_begin(struct exchange *exchange, enum exchange_kind kind, const char *host, uint16_t port,
                    uint8_t wait, uint32_t now)
{
    exchange->kind = (uint8_t)kind;
    exchange->state = EXCHANGE_OPENING;
    exchange->wait = wait;
    exchange->since = now;
#if UNIT_UPDATE
    http_start(&exchange->http, kind == EXCHANGE_IMAGE ? exchange->count : HTTP_MESSAGE_MAX);
#else
    http_start(&exchange->http, HTTP_MESSAGE_MAX);
#endif
    network_open(host, port);
}

static uint16_t body_bytes(const struct exchange *exchange, const struct ring *ring)
{
    if (exchange->kind == EXCHANGE_READINGS) {
        return ring->held;
    }
    return exchange->kind == EXCHANGE_REQUEST || exchange->kind == EXCHANGE_STATUS ? exchange->request_bytes : 0;
}

OUTLINE static void place(struct exchange *exchange, struct ring *ring, uint16_t port)
{
    struct text text;
    uint16_t body = body_bytes(exchange, ring);
    write_head(&text, exchange, port, body);
    if (exchange->state == EXCHANGE_OPENING) {
        network_begin((uint16_t)(text.count + body));
        exchange->state = EXCHANGE_PLACING;
        return;
    }
    network_write(text.bytes, text.count);
    if (body > 0) {
        network_write(exchange->kind == EXCHANGE_READINGS ? ring->bytes : exchange->request, body);
    }
    network_end();
    ring_release(ring);
    exchange->state = EXCHANGE_ANSWERING;
}

static enum exchange_result finish(struct exchange *exchange, struct ring *ring, enum exchange_result result)
{
    network_close();
    ring_release(ring);
    exchange->state = EXCHANGE_IDLE;
    return result;
}

static enum exchange_result read_answer(struct exchange *exchange, struct ring *ring)
{
    uint8_t bytes[READ_BYTES];
    uint16_t count = network_read(bytes, READ_BYTES);
    while (count > 0) {
        http_take(&exchange->http, bytes, count);
        count = network_read(bytes, READ_BYTES);
    }
    if (exchange->http.state == HTTP_DONE) {
        return finish(exchange, ring, EXCHANGE_ANSWERED);
    }
    if (exchange->http.state == HTTP_REFUSED || network_finished()) {
        return finish(exchange, ring, EXCHANGE_FAILED);
    }
    return EXCHANGE_PENDING;
}

enum exchange_result exchange_step(struct exchange *exchange, struct ring *ring, uint16_t port, uint32_t now)
{
    enum network_state state = network_state();
    uint32_t patience = EXCHANGE_PATIENCE + exchange->wait * 1000u;
    if (state == NETWORK_FAILED || now - exchange->since > patience) {
        return finish(exchange, ring, EXCHANGE_FAILED);
    }
    if (exchange->state == EXCHANGE_OPENING && state == NETWORK_OPEN) {
        if (exchange->kind == EXCHANGE_READINGS && ring_hold(ring, NETWORK_SEND_BYTES - HEAD_BYTES_MAX) == 0) {
            return finish(exchange, ring, EXCHANGE_FAILED);
        }
        place(exchange, ring, port);
    } else if (exchange->state == EXCHANGE_PLACING && state == NETWORK_READY) {
        place(exchange, ring, port);
    } else if (exchange->state == EXCHANGE_ANSWERING) {
        return read_answer(exchange, ring);
    }
    return EXCHANGE_PENDING;
}

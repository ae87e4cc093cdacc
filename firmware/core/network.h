/* The way to the gateway, as each network part gives it: one TCP stream at a time and a question to a time
 * server. Nothing here blocks; the unit's loop calls network_step and looks at the state.
 *
 * A stream goes OPENING -> OPEN; network_begin asks for room for one whole request, -> READY when it is there;
 * network_write fills it; network_end hands it over, -> SENT. Any state may become FAILED. */
#ifndef CONDOCHARGE_NETWORK_H
#define CONDOCHARGE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "configuration.h"

enum network_state {
    NETWORK_CLOSED,
    NETWORK_OPENING,
    NETWORK_OPEN,
    NETWORK_READY,
    NETWORK_SENT,
    NETWORK_FAILED
};

/* Begin, or begin again: with the addresses of `configuration`, or by DHCP where it is NULL or says so. */
void network_start(const uint8_t ethernet[6], const struct configuration *configuration);

/* Move whatever is under way. */
void network_step(uint32_t now);

/* Whether there is a link and an address. */
bool network_ready(void);

/* Open a stream to a name or dotted address. */
void network_open(const char *host, uint16_t port);
enum network_state network_state(void);

/* Ask for room for `total` bytes, at most NETWORK_SEND_BYTES. */
void network_begin(uint16_t total);
void network_write(const uint8_t *bytes, uint16_t count);
void network_end(void);

/* Copy at most `most` received bytes; the result is how many, 0 where none are there now. */
uint16_t network_read(uint8_t *to, uint16_t most);

/* Whether the other side has closed the stream and all of it was read. */
bool network_finished(void);
void network_close(void);

/* Ask a time server (SNTP, RFC 4330); the answer comes through network_time or not at all. */
void network_ask_time(const char *host);
bool network_time(uint32_t *seconds);

#endif

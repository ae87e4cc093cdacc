/* An ESP8266 on the serial port: bytes out, and what comes back cut into events and the streams' content.
 *
 * The commands are those that Ai-Thinker's AT 1.x and Espressif's AT 2.x share. The line runs at 9,600 baud: what
 * comes while the unit writes its EEPROM or computes a MAC, a quarter of a second at the most, fits in MODEM_BYTES. */
#ifndef CONDOCHARGE_MODEM_H
#define CONDOCHARGE_MODEM_H

#include <stdbool.h>
#include <stdint.h>

#include "flash.h"

/* A power of two, at most 256. */
#define MODEM_BYTES 256u
/* The longest datagram that is taken, and more than any line that matters. */
#define MODEM_LINE_BYTES 48u

#define STREAM_LINK 0u
#define DATAGRAM_LINK 1u

enum modem_event {
    MODEM_NOTHING,
    MODEM_OK,
    MODEM_ERROR,
    MODEM_SENT,
    /* It waits for the bytes that AT+CIPSEND announced. */
    MODEM_PROMPT,
    /* A command came too early and was dropped. */
    MODEM_BUSY,
    MODEM_STREAM_CLOSED,
    /* A datagram lies in modem_line. */
    MODEM_DATAGRAM,
    MODEM_JOINED,
    MODEM_LEFT
};

/* Begin at `divisor`, of the serial port's doubled clock: 16 for 115,200 baud, 207 for 9,600. */
void modem_start(uint8_t divisor);

/* Pull the module's reset. */
void modem_hold(bool held);

/* The next thing that happened; MODEM_NOTHING where nothing did, or where the stream's content is to be read
 * first. */
enum modem_event modem_event(void);

/* At most `most` bytes of the stream's content. */
uint16_t modem_read(uint8_t *to, uint16_t most);

/* Bytes of the stream's content that were announced and not read. */
uint16_t modem_content(void);

/* The last datagram, MODEM_LINE_BYTES at most; the result is its length. */
uint8_t modem_datagram(const uint8_t **from);

/* Whether bytes were lost since the last call, so that nothing that follows can be understood. */
bool modem_lost(void);

void modem_put(uint8_t byte);
void modem_text(const FLASH char *text);
void modem_number(uint16_t number);
/* A quoted argument: the characters that mean something to the module are escaped. */
void modem_quoted(const char *text);
void modem_address(const uint8_t address[4]);
void modem_end(void);

#endif

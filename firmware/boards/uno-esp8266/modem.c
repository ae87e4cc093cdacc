#include "modem.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "board.h"
#include "pins.h"

#define MASK (MODEM_BYTES - 1u)

static struct {
    volatile uint8_t put;
    uint8_t taken;
    volatile bool lost;
    /* The link whose content comes, and how much of it is left. */
    uint8_t link;
    uint16_t left;
    uint8_t count;
    uint8_t line[MODEM_LINE_BYTES];
    uint8_t bytes[MODEM_BYTES];
} modem;

ISR(USART_RX_vect)
{
    uint8_t broken = UCSR0A & (_BV(DOR0) | _BV(FE0));
    uint8_t byte = UDR0;
    uint8_t next = (uint8_t)((modem.put + 1u) & MASK);
    if (next == modem.taken || (broken & _BV(DOR0)) != 0) {
        modem.lost = true;
        return;
    }
    modem.bytes[modem.put] = byte;
    modem.put = next;
}

void modem_start(uint8_t divisor)
{
    UCSR0B = _BV(TXEN0);
    modem.taken = modem.put;
    modem.lost = false;
    modem.left = 0;
    modem.count = 0;
    UBRR0 = divisor;
    UCSR0A |= _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

/* The pin is an open drain: the module pulls its own reset up to 3.3 V. */
void modem_hold(bool held)
{
    PORTD &= (uint8_t)~_BV(MODEM_RESET_BIT);
    if (held) {
        DDRD |= _BV(MODEM_RESET_BIT);
    } else {
        DDRD &= (uint8_t)~_BV(MODEM_RESET_BIT);
    }
}

/* --- what comes -------------------------------------------------------------------------------------------- */

static bool take(uint8_t *byte)
{
    if (modem.taken == modem.put) {
        return false;
    }
    *byte = modem.bytes[modem.taken];
    modem.taken = (uint8_t)((modem.taken + 1u) & MASK);
    return true;
}

/* The length of `text` where the line begins with it, 0 where it does not. */
static uint8_t begins(const FLASH char *text)
{
    uint8_t at = 0;
    while (text[at] != '\0') {
        if (at >= modem.count || modem.line[at] != (uint8_t)text[at]) {
            return 0;
        }
        at++;
    }
    return at;
}

static bool is(const FLASH char *text)
{
    return modem.count > 0 && begins(text) == modem.count;
}

static enum modem_event line_event(void)
{
    static const FLASH char OK[] = "OK";
    static const FLASH char ERROR[] = "ERROR";
    static const FLASH char FAIL[] = "FAIL";
    static const FLASH char SENT[] = "SEND OK";
    static const FLASH char NOT_SENT[] = "SEND FAIL";
    static const FLASH char BUSY[] = "busy ";
    static const FLASH char CLOSED[] = "0,CLOSED";
    static const FLASH char JOINED[] = "WIFI GOT IP";
    static const FLASH char LEFT[] = "WIFI DISCONNECT";
    if (is(OK)) {
        return MODEM_OK;
    }
    if (is(ERROR) || is(FAIL) || is(NOT_SENT)) {
        return MODEM_ERROR;
    }
    if (is(SENT)) {
        return MODEM_SENT;
    }
    if (begins(BUSY) > 0) {
        return MODEM_BUSY;
    }
    if (is(CLOSED)) {
        return MODEM_STREAM_CLOSED;
    }
    if (is(JOINED)) {
        return MODEM_JOINED;
    }
    return is(LEFT) ? MODEM_LEFT : MODEM_NOTHING;
}

/* "+IPD,link,bytes:" announces content. A line that is anything else is read to its end. */
static bool announces(void)
{
    static const FLASH char CONTENT[] = "+IPD,";
    uint16_t bytes = 0;
    if (begins(CONTENT) == 0 || modem.count < 8 || modem.line[6] != ',') {
        return false;
    }
    for (uint8_t at = 7; at < modem.count; at++) {
        uint8_t digit = (uint8_t)(modem.line[at] - '0');
        if (digit > 9 || bytes > 999u) {
            return false;
        }
        bytes = (uint16_t)(bytes * 10u + digit);
    }
    modem.link = (uint8_t)(modem.line[5] - '0');
    modem.left = bytes;
    return true;
}

static enum modem_event take_content(uint8_t byte)
{
    modem.left--;
    if (modem.link != DATAGRAM_LINK) {
        return MODEM_NOTHING;
    }
    if (modem.count < MODEM_LINE_BYTES) {
        modem.line[modem.count++] = byte;
    }
    return modem.left == 0 ? MODEM_DATAGRAM : MODEM_NOTHING;
}

static enum modem_event take_line(uint8_t byte)
{
    if (byte == '>' && modem.count == 0) {
        return MODEM_PROMPT;
    }
    if (byte == '\n') {
        enum modem_event event = line_event();
        modem.count = 0;
        return event;
    }
    if (byte == ':' && announces()) {
        modem.count = 0;
        return MODEM_NOTHING;
    }
    if (byte != '\r' && modem.count < MODEM_LINE_BYTES) {
        modem.line[modem.count++] = byte;
    }
    return MODEM_NOTHING;
}

enum modem_event modem_event(void)
{
    enum modem_event event = MODEM_NOTHING;
    uint8_t byte;
    while (event == MODEM_NOTHING && modem_content() == 0 && take(&byte)) {
        event = modem.left > 0 ? take_content(byte) : take_line(byte);
    }
    return event;
}

uint16_t modem_content(void)
{
    return modem.link == STREAM_LINK ? modem.left : 0;
}

uint16_t modem_read(uint8_t *to, uint16_t most)
{
    uint16_t count = 0;
    while (count < most && modem_content() > 0 && take(to + count)) {
        modem.left--;
        count++;
    }
    return count;
}

uint8_t modem_datagram(const uint8_t **from)
{
    uint8_t count = modem.count;
    *from = modem.line;
    modem.count = 0;
    return count;
}

bool modem_lost(void)
{
    bool lost = modem.lost;
    modem.lost = false;
    return lost;
}

/* --- what goes --------------------------------------------------------------------------------------------- */

void modem_put(uint8_t byte)
{
    while ((UCSR0A & _BV(UDRE0)) == 0) {
    }
    UDR0 = byte;
    board_watchdog();
}

void modem_text(const FLASH char *text)
{
    while (*text != '\0') {
        modem_put((uint8_t)*text++);
    }
}

void modem_number(uint16_t number)
{
    uint8_t digits[5];
    uint8_t count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    while (count > 0) {
        modem_put(digits[--count]);
    }
}

void modem_quoted(const char *text)
{
    modem_put('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == ',' || *text == '\\') {
            modem_put('\\');
        }
        modem_put((uint8_t)*text);
    }
    modem_put('"');
}

void modem_address(const uint8_t address[4])
{
    modem_put('"');
    for (uint8_t i = 0; i < 4; i++) {
        if (i > 0) {
            modem_put('.');
        }
        modem_number(address[i]);
    }
    modem_put('"');
}

void modem_end(void)
{
    modem_put('\r');
    modem_put('\n');
}

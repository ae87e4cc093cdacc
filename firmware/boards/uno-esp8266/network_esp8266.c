/* The way to the gateway over an ESP8266: it has TCP, DHCP and names itself; one command is under way at a time. */
#include <string.h>

#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "modem.h"
#include "network.h"
#include "outline.h"
#include "sntp.h"
#include "wifi.h"

#define FAST 16u
#define SLOW 207u
/* ms. */
#define RESET_HELD 20u
#define STARTS_WITHIN 1500u
#define PROBE_WITHIN 400u
#define ANSWER_WITHIN 5000u
#define JOIN_WITHIN 25000u
#define BUSY_WAIT 200u
#define JOIN_AGAIN 5000u
#define REJOINS_WITHIN 60000u
/* Attempts at a step before the module is reset. */
#define ATTEMPTS 6u

/* From reset to a network, in this order. */
enum step {
    STEP_RESET,
    STEP_START,
    STEP_PROBE,
    STEP_SPEED,
    STEP_ECHO,
    STEP_KEEP,
    STEP_MODE,
    STEP_LINKS,
    STEP_ADDRESS,
    STEP_RESOLVER,
    STEP_JOIN,
    STEP_UP
};

/* What the command that is under way is for. */
enum errand {
    ERRAND_NONE,
    ERRAND_SET_UP,
    ERRAND_OPEN,
    ERRAND_SEND,
    ERRAND_CLOSE,
    ERRAND_TIME_OPEN,
    ERRAND_TIME_SEND,
    ERRAND_TIME_CLOSE
};

static struct {
    const struct configuration *configuration;
    uint8_t step;
    uint8_t errand;
    uint8_t state;
    uint8_t divisor;
    uint8_t attempts;
    bool joined;
    /* The stream is open at the module; it is to be closed; the other side closed it. */
    bool linked;
    bool closing;
    bool finished;
    /* A question to a time server is out. */
    bool timing;
    uint16_t total;
    uint16_t nonce;
    /* When the step or command began, when its answer is overdue, when the time server was asked. */
    uint32_t since;
    uint32_t patience;
    uint32_t asked;
    uint32_t seconds;
} network;

static void begin(uint8_t errand, uint32_t patience)
{
    network.errand = errand;
    network.since = board_milliseconds();
    network.patience = patience;
}

static void reset(void)
{
    network.step = STEP_RESET;
    network.joined = false;
    network.linked = false;
    network.closing = false;
    network.timing = false;
    network.attempts = 0;
    if (network.state != NETWORK_CLOSED) {
        network.state = NETWORK_FAILED;
    }
    modem_hold(true);
    begin(ERRAND_NONE, RESET_HELD);
}

void network_start(const uint8_t ethernet[6], const struct configuration *configuration)
{
    (void)ethernet;
    network.configuration = configuration;
    network.nonce = (uint16_t)(network.nonce + ethernet[5] * 251u + board_milliseconds());
    network.state = NETWORK_CLOSED;
    reset();
}

bool network_ready(void)
{
    return network.joined && network.errand == ERRAND_NONE && !network.closing;
}

/* --- setting up -------------------------------------------------------------------------------------------- */

static bool is_static(void)
{
    return network.configuration != NULL && !network.configuration->dhcp;
}

/* The network's name or passphrase out of the EEPROM, quoted. */
OUTLINE static void put_credential(uint16_t offset, uint8_t count)
{
    char text[WIFI_PASSPHRASE_BYTES + 1u];
    storage_read((uint16_t)(storage_bytes() + offset), (uint8_t *)text, count);
    text[count] = '\0';
    modem_quoted(text);
}

static bool has_credentials(void)
{
    uint32_t crc = CRC32_BEGIN;
    uint8_t piece[4];
    for (uint16_t at = 0; at < WIFI_BYTES - 4u; at = (uint16_t)(at + 4u)) {
        storage_read((uint16_t)(storage_bytes() + at), piece, 4);
        crc = crc32_add(crc, piece, 4);
    }
    storage_read((uint16_t)(storage_bytes() + WIFI_BYTES - 4u), piece, 4);
    return crc32_end(crc) == get_u32(piece);
}

static void put_addresses(void)
{
    static const FLASH char DYNAMIC[] = "AT+CWDHCP=1,1";
    static const FLASH char STATIC[] = "AT+CIPSTA=";
    if (!is_static()) {
        modem_text(DYNAMIC);
        return;
    }
    modem_text(STATIC);
    modem_address(network.configuration->address);
    modem_put(',');
    modem_address(network.configuration->router);
    modem_put(',');
    modem_address(network.configuration->mask);
}

static void put_step(void)
{
    /* What was sent at another speed is a line that has not ended. */
    static const FLASH char PROBE[] = "\r\nAT";
    static const FLASH char SPEED[] = "AT+UART_CUR=9600,8,1,0,0";
    static const FLASH char ECHO[] = "ATE0";
    static const FLASH char KEEP[] = "AT+SYSSTORE=0";
    static const FLASH char MODE[] = "AT+CWMODE=1";
    static const FLASH char LINKS[] = "AT+CIPMUX=1";
    static const FLASH char RESOLVER[] = "AT+CIPDNS=1,";
    static const FLASH char JOIN[] = "AT+CWJAP=";
    switch (network.step) {
    case STEP_PROBE:
        modem_text(PROBE);
        break;
    case STEP_SPEED:
        modem_text(SPEED);
        break;
    case STEP_ECHO:
        modem_text(ECHO);
        break;
    case STEP_KEEP:
        modem_text(KEEP);
        break;
    case STEP_MODE:
        modem_text(MODE);
        break;
    case STEP_LINKS:
        modem_text(LINKS);
        break;
    case STEP_ADDRESS:
        put_addresses();
        break;
    case STEP_RESOLVER:
        modem_text(RESOLVER);
        modem_address(network.configuration->resolver);
        break;
    default:
        modem_text(JOIN);
        put_credential(0, WIFI_NAME_BYTES);
        modem_put(',');
        put_credential(WIFI_NAME_BYTES, WIFI_PASSPHRASE_BYTES);
        break;
    }
    modem_end();
}

static void start_step(void)
{
    bool probing = network.step == STEP_PROBE || network.step == STEP_SPEED;
    if (network.step == STEP_RESOLVER && !is_static()) {
        network.step++;
    }
    /* Without credentials there is nothing to join: the unit measures, and waits for its programmer. */
    if (network.step == STEP_JOIN && !has_credentials()) {
        begin(ERRAND_NONE, JOIN_AGAIN);
        return;
    }
    begin(ERRAND_SET_UP, network.step == STEP_JOIN ? JOIN_WITHIN : probing ? PROBE_WITHIN : ANSWER_WITHIN);
    put_step();
}

static void use_divisor(uint8_t divisor)
{
    network.divisor = divisor;
    modem_start(divisor);
}

/* Again later: the step failed, or was not answered. */
static void repeat_step(uint32_t wait)
{
    if (++network.attempts >= ATTEMPTS) {
        reset();
    } else {
        begin(ERRAND_NONE, wait);
    }
}

static void step_answered(enum modem_event event)
{
    if (network.step == STEP_PROBE) {
        if (event != MODEM_OK) {
            return;
        }
        network.step = network.divisor == FAST ? STEP_SPEED : STEP_ECHO;
    } else if (network.step == STEP_SPEED) {
        /* The module changes after its answer; whatever that was, the next probe tells. */
        use_divisor(SLOW);
        network.step = STEP_PROBE;
        begin(ERRAND_NONE, BUSY_WAIT);
        return;
    } else if (network.step == STEP_JOIN) {
        network.joined = event == MODEM_OK;
        if (!network.joined) {
            repeat_step(JOIN_AGAIN);
            return;
        }
        network.step = STEP_UP;
    } else if (event == MODEM_OK || network.step == STEP_KEEP || network.step == STEP_RESOLVER) {
        /* Older modules know neither of these two; what they would set is then kept, or comes by DHCP. */
        network.step++;
    } else {
        repeat_step(BUSY_WAIT);
        return;
    }
    network.attempts = 0;
    begin(ERRAND_NONE, 0);
}

static void step_timed_out(void)
{
    if (network.step == STEP_PROBE) {
        use_divisor(network.divisor == FAST ? SLOW : FAST);
    }
    if (network.step == STEP_SPEED) {
        step_answered(MODEM_NOTHING);
    } else {
        repeat_step(0);
    }
}

/* Nothing is under way: what the way up asks for next. */
static void step_up(uint32_t now)
{
    if (now - network.since < network.patience) {
        return;
    }
    if (network.step == STEP_RESET) {
        modem_hold(false);
        use_divisor(FAST);
        network.step = STEP_START;
        begin(ERRAND_NONE, STARTS_WITHIN);
    } else if (network.step == STEP_START) {
        network.step = STEP_PROBE;
        start_step();
    } else if (network.step < STEP_UP) {
        start_step();
    } else if (!network.joined && now - network.since > REJOINS_WITHIN) {
        reset();
    }
}

/* --- streams and datagrams --------------------------------------------------------------------------------- */

static void put_open(uint8_t link, const FLASH char *kind, const char *host, uint16_t port)
{
    static const FLASH char OPEN[] = "AT+CIPSTART=";
    modem_text(OPEN);
    modem_number(link);
    modem_text(kind);
    modem_quoted(host);
    modem_put(',');
    modem_number(port);
    modem_end();
}

static void put_send(uint8_t link, uint16_t count)
{
    static const FLASH char SEND[] = "AT+CIPSEND=";
    modem_text(SEND);
    modem_number(link);
    modem_put(',');
    modem_number(count);
    modem_end();
}

static void put_close(uint8_t link)
{
    static const FLASH char CLOSE[] = "AT+CIPCLOSE=";
    modem_text(CLOSE);
    modem_number(link);
    modem_end();
}

void network_open(const char *host, uint16_t port)
{
    static const FLASH char KIND[] = ",\"TCP\",";
    if (!network_ready()) {
        network.state = NETWORK_FAILED;
        return;
    }
    network.state = NETWORK_OPENING;
    network.finished = false;
    begin(ERRAND_OPEN, JOIN_WITHIN);
    put_open(STREAM_LINK, KIND, host, port);
}

enum network_state network_state(void)
{
    return (enum network_state)network.state;
}

void network_begin(uint16_t total)
{
    if (network.errand != ERRAND_NONE || !network.linked) {
        network.state = NETWORK_FAILED;
        return;
    }
    network.total = total;
    begin(ERRAND_SEND, ANSWER_WITHIN);
    put_send(STREAM_LINK, total);
}

void network_write(const uint8_t *bytes, uint16_t count)
{
    while (count-- > 0) {
        modem_put(*bytes++);
        network.total--;
    }
}

void network_end(void)
{
    network.state = NETWORK_SENT;
    begin(ERRAND_SEND, ANSWER_WITHIN);
}

uint16_t network_read(uint8_t *to, uint16_t most)
{
    return network.state == NETWORK_SENT ? modem_read(to, most) : 0;
}

bool network_finished(void)
{
    return network.finished && modem_content() == 0;
}

void network_close(void)
{
    /* A module that waits for announced bytes understands nothing else. */
    if (network.state == NETWORK_READY) {
        reset();
    }
    network.state = NETWORK_CLOSED;
    network.closing = network.linked;
}

void network_ask_time(const char *host)
{
    static const FLASH char KIND[] = ",\"UDP\",";
    if (!network_ready() || network.timing) {
        return;
    }
    network.nonce = (uint16_t)(network.nonce * 25173u + 13849u);
    network.timing = true;
    begin(ERRAND_TIME_OPEN, JOIN_WITHIN);
    put_open(DATAGRAM_LINK, KIND, host, SNTP_PORT);
}

bool network_time(uint32_t *seconds)
{
    *seconds = network.seconds;
    network.seconds = 0;
    return *seconds != 0;
}

OUTLINE static void put_question(void)
{
    uint8_t packet[SNTP_BYTES];
    sntp_ask(packet, network.nonce);
    for (uint8_t i = 0; i < SNTP_BYTES; i++) {
        modem_put(packet[i]);
    }
}

static void end_time(void)
{
    network.timing = false;
    begin(ERRAND_TIME_CLOSE, ANSWER_WITHIN);
    put_close(DATAGRAM_LINK);
}

static void take_datagram(void)
{
    const uint8_t *packet;
    uint8_t count = modem_datagram(&packet);
    if (network.timing && sntp_answer(packet, count, network.nonce, &network.seconds)) {
        /* The link is closed when the line is free. */
        network.asked = board_milliseconds() - ANSWER_WITHIN;
    }
}

/* --- what the module says ---------------------------------------------------------------------------------- */

static void fail(void)
{
    if (network.state != NETWORK_CLOSED) {
        network.state = NETWORK_FAILED;
    }
}

static void opened(bool well)
{
    network.linked = true;
    if (!well) {
        /* It may be open all the same (“ALREADY CONNECTED”). */
        network.closing = true;
        fail();
    } else if (network.state == NETWORK_OPENING) {
        network.state = NETWORK_OPEN;
    } else {
        network.closing = true;
    }
}

static void prompted(void)
{
    if (network.errand == ERRAND_TIME_SEND) {
        put_question();
    } else if (network.errand != ERRAND_SEND) {
        return;
    } else if (network.state == NETWORK_OPEN) {
        network.state = NETWORK_READY;
        begin(ERRAND_SEND, ANSWER_WITHIN);
    } else {
        reset();
    }
}

static void answered(enum modem_event event)
{
    uint8_t errand = network.errand;
    bool well = event == MODEM_OK;
    if (errand == ERRAND_SET_UP) {
        step_answered(event);
        return;
    }
    if ((errand == ERRAND_SEND || errand == ERRAND_TIME_SEND) && well) {
        /* The command was understood; the prompt follows. */
        return;
    }
    network.errand = ERRAND_NONE;
    if (errand == ERRAND_OPEN) {
        opened(well);
    } else if (errand == ERRAND_SEND && event != MODEM_SENT) {
        fail();
    } else if (errand == ERRAND_CLOSE) {
        network.closing = false;
        network.linked = false;
    } else if (errand == ERRAND_TIME_OPEN && well) {
        begin(ERRAND_TIME_SEND, ANSWER_WITHIN);
        put_send(DATAGRAM_LINK, SNTP_BYTES);
    } else if (errand == ERRAND_TIME_SEND && event == MODEM_SENT) {
        network.asked = board_milliseconds();
    } else if (errand == ERRAND_TIME_OPEN || errand == ERRAND_TIME_SEND) {
        end_time();
    }
}

static void timed_out(void)
{
    if (network.errand == ERRAND_SET_UP) {
        step_timed_out();
    } else {
        /* A module that does not answer its commands has lost its place, or its power. */
        reset();
    }
}

static void closed_by_peer(void)
{
    network.linked = false;
    network.closing = false;
    network.finished = true;
    if (network.state != NETWORK_SENT) {
        fail();
    }
}

static void left(void)
{
    if (network.step == STEP_UP && network.joined) {
        /* The module joins again by itself. */
        network.joined = false;
        network.linked = false;
        network.closing = false;
        fail();
        if (network.errand == ERRAND_NONE) {
            begin(ERRAND_NONE, 0);
        }
    }
}

static void take_event(enum modem_event event)
{
    switch (event) {
    case MODEM_OK:
    case MODEM_ERROR:
    case MODEM_SENT:
        if (network.errand != ERRAND_NONE) {
            answered(event);
        }
        break;
    case MODEM_PROMPT:
        prompted();
        break;
    case MODEM_BUSY:
        /* What was dropped is an exchange that fails; a step is made again. */
        if (network.errand == ERRAND_SET_UP) {
            repeat_step(BUSY_WAIT);
        } else if (network.errand != ERRAND_NONE) {
            answered(MODEM_ERROR);
        }
        break;
    case MODEM_STREAM_CLOSED:
        closed_by_peer();
        break;
    case MODEM_DATAGRAM:
        take_datagram();
        break;
    case MODEM_JOINED:
        network.joined = network.joined || network.step == STEP_UP;
        break;
    case MODEM_LEFT:
        left();
        break;
    default:
        break;
    }
}

/* Content that nobody waits for any more. */
static void discard(void)
{
    uint8_t byte;
    while (network.state != NETWORK_SENT && modem_read(&byte, 1) > 0) {
    }
}

static void step_idle(uint32_t now)
{
    if (network.step != STEP_UP || !network.joined) {
        step_up(now);
    } else if (network.closing) {
        begin(ERRAND_CLOSE, ANSWER_WITHIN);
        put_close(STREAM_LINK);
    } else if (network.timing && now - network.asked >= ANSWER_WITHIN) {
        end_time();
    }
}

OUTLINE void network_step(uint32_t now)
{
    enum modem_event event;
    discard();
    while ((event = modem_event()) != MODEM_NOTHING) {
        take_event(event);
        discard();
    }
    if (modem_lost() && network.step == STEP_UP) {
        reset();
    } else if (network.errand == ERRAND_NONE) {
        step_idle(now);
    } else if (now - network.since > network.patience) {
        timed_out();
    }
}

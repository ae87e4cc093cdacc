/* The way to the gateway over an ESP8266: it has TCP, DHCP and names itself. */
#include "board.h"
#include "esp8266.h"
#include "network.h"
#include "outline.h"
#include "sntp.h"

void network_start(const uint8_t ethernet[6], const struct configuration *configuration)
{
    (void)ethernet;
    network.configuration = configuration;
    network.nonce = (uint16_t)(network.nonce + ethernet[5] * 251u + board_milliseconds());
    network.state = NETWORK_CLOSED;
    joining_reset();
}

bool network_ready(void)
{
    return network.joined && network.errand == ERRAND_NONE && !network.closing;
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
    errand_begin(ERRAND_OPEN, JOIN_WITHIN);
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
    errand_begin(ERRAND_SEND, ANSWER_WITHIN);
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
    errand_begin(ERRAND_SEND, ANSWER_WITHIN);
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
        joining_reset();
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
    errand_begin(ERRAND_TIME_OPEN, JOIN_WITHIN);
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
    errand_begin(ERRAND_TIME_CLOSE, ANSWER_WITHIN);
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
        errand_begin(ERRAND_SEND, ANSWER_WITHIN);
    } else {
        joining_reset();
    }
}

static void answered(enum modem_event event)
{
    uint8_t errand = network.errand;
    bool well = event == MODEM_OK;
    if (errand == ERRAND_SET_UP) {
        joining_answered(event);
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
        errand_begin(ERRAND_TIME_SEND, ANSWER_WITHIN);
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
        joining_timed_out();
    } else {
        /* A module that does not answer its commands has lost its place, or its power. */
        joining_reset();
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
            errand_begin(ERRAND_NONE, 0);
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
            joining_repeat(BUSY_WAIT);
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
        joining_step(now);
    } else if (network.closing) {
        errand_begin(ERRAND_CLOSE, ANSWER_WITHIN);
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
        joining_reset();
    } else if (network.errand == ERRAND_NONE) {
        step_idle(now);
    } else if (now - network.since > network.patience) {
        timed_out();
    }
}

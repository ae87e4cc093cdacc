/* The way of an ESP8266 from reset to a network: its speed, its mode, its addresses, the access point. */
#include <stddef.h>

#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "esp8266.h"
#include "network.h"
#include "outline.h"
#include "wifi.h"

#define FAST 16u
#define SLOW 207u
/* ms. */
#define RESET_HELD 20u
#define STARTS_WITHIN 1500u
#define PROBE_WITHIN 400u
#define JOIN_AGAIN 5000u
#define REJOINS_WITHIN 60000u
/* Attempts at a step before the module is reset. */
#define ATTEMPTS 6u

struct esp8266 network;

void errand_begin(uint8_t errand, uint32_t patience)
{
    network.errand = errand;
    network.since = board_milliseconds();
    network.patience = patience;
}

void joining_reset(void)
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
    errand_begin(ERRAND_NONE, RESET_HELD);
}

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
        errand_begin(ERRAND_NONE, JOIN_AGAIN);
        return;
    }
    errand_begin(ERRAND_SET_UP, network.step == STEP_JOIN ? JOIN_WITHIN : probing ? PROBE_WITHIN : ANSWER_WITHIN);
    put_step();
}

static void use_divisor(uint8_t divisor)
{
    network.divisor = divisor;
    modem_start(divisor);
}

void joining_repeat(uint32_t wait)
{
    if (++network.attempts >= ATTEMPTS) {
        joining_reset();
    } else {
        errand_begin(ERRAND_NONE, wait);
    }
}

void joining_answered(enum modem_event event)
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
        errand_begin(ERRAND_NONE, BUSY_WAIT);
        return;
    } else if (network.step == STEP_JOIN) {
        network.joined = event == MODEM_OK;
        if (!network.joined) {
            joining_repeat(JOIN_AGAIN);
            return;
        }
        network.step = STEP_UP;
    } else if (event == MODEM_OK || network.step == STEP_KEEP || network.step == STEP_RESOLVER) {
        /* Older modules know neither of these two; what they would set is then kept, or comes by DHCP. */
        network.step++;
    } else {
        joining_repeat(BUSY_WAIT);
        return;
    }
    network.attempts = 0;
    errand_begin(ERRAND_NONE, 0);
}

void joining_timed_out(void)
{
    if (network.step == STEP_PROBE) {
        use_divisor(network.divisor == FAST ? SLOW : FAST);
    }
    if (network.step == STEP_SPEED) {
        joining_answered(MODEM_NOTHING);
    } else {
        joining_repeat(0);
    }
}

void joining_step(uint32_t now)
{
    if (now - network.since < network.patience) {
        return;
    }
    if (network.step == STEP_RESET) {
        modem_hold(false);
        use_divisor(FAST);
        network.step = STEP_START;
        errand_begin(ERRAND_NONE, STARTS_WITHIN);
    } else if (network.step == STEP_START) {
        network.step = STEP_PROBE;
        start_step();
    } else if (network.step < STEP_UP) {
        start_step();
    } else if (!network.joined && now - network.since > REJOINS_WITHIN) {
        joining_reset();
    }
}

#include "dns.h"

#include <string.h>

#define HEAD_BYTES 12u
#define LABEL_MAX 63u
#define TYPE_A 1u
#define CLASS_IN 1u

static uint16_t get_be16(const uint8_t *from)
{
    return (uint16_t)(((uint16_t)from[0] << 8) | from[1]);
}

bool dotted_address(const char *host, uint8_t address[4])
{
    for (uint8_t part = 0; part < 4; part++) {
        uint16_t value = 0;
        uint8_t digits = 0;
        while (*host >= '0' && *host <= '9' && digits < 3) {
            value = (uint16_t)(value * 10u + (uint16_t)(*host - '0'));
            host++;
            digits++;
        }
        if (digits == 0 || value > 255u || *host != (part < 3 ? '.' : '\0')) {
            return false;
        }
        address[part] = (uint8_t)value;
        host++;
    }
    return true;
}

uint8_t dns_ask(uint8_t packet[DNS_QUESTION_MAX], const char *host, uint16_t id)
{
    memset(packet, 0, HEAD_BYTES);
    packet[0] = (uint8_t)(id >> 8);
    packet[1] = (uint8_t)id;
    packet[2] = 1; /* recursion desired */
    packet[5] = 1; /* one question */
    uint8_t at = HEAD_BYTES + 1u;
    uint8_t label = HEAD_BYTES;
    for (;; host++) {
        if (*host != '.' && *host != '\0') {
            if (at >= DNS_QUESTION_MAX - 5u) {
                return 0;
            }
            packet[at++] = (uint8_t)*host;
            continue;
        }
        uint8_t length = (uint8_t)(at - label - 1);
        if (length == 0 || length > LABEL_MAX) {
            return 0;
        }
        packet[label] = length;
        label = at++;
        if (*host == '\0') {
            break;
        }
    }
    packet[label] = 0;
    packet[at++] = 0;
    packet[at++] = TYPE_A;
    packet[at++] = 0;
    packet[at++] = CLASS_IN;
    return at;
}

/* Step over a name; the result is where it ends, or `count` where it does not. */
static uint16_t skip_name(const uint8_t *packet, uint16_t count, uint16_t at)
{
    while (at < count) {
        uint8_t length = packet[at];
        if (length == 0) {
            return (uint16_t)(at + 1u);
        }
        if (length > LABEL_MAX) {
            return at + 2u <= count ? (uint16_t)(at + 2u) : count;
        }
        at = (uint16_t)(at + 1u + length);
    }
    return count;
}

bool dns_answer(const uint8_t *packet, uint16_t count, uint16_t id, uint8_t address[4])
{
    if (count < HEAD_BYTES || packet[0] != id >> 8 || packet[1] != (id & 0xffu) || (packet[2] & 0x80u) == 0 ||
        (packet[3] & 0x0fu) != 0 || packet[4] != 0 || packet[5] != 1) {
        return false;
    }
    uint16_t answers = get_be16(packet + 6);
    uint16_t at = (uint16_t)(skip_name(packet, count, HEAD_BYTES) + 4u);
    while (answers-- > 0 && at < count) {
        at = skip_name(packet, count, at);
        if ((uint32_t)at + 10u > count) {
            return false;
        }
        uint16_t length = get_be16(packet + at + 8);
        bool is_address = packet[at] == 0 && packet[at + 1] == TYPE_A && packet[at + 3] == CLASS_IN && length == 4;
        at = (uint16_t)(at + 10u);
        if ((uint32_t)at + length > count) {
            return false;
        }
        if (is_address) {
            memcpy(address, packet + at, 4);
            return true;
        }
        at = (uint16_t)(at + length);
    }
    return false;
}

#include "sntp.h"

#include <string.h>

#include "bytes.h"

#define CLIENT_VERSION_4 0x23u
#define SERVER_MODE 4u
#define LEAP_UNKNOWN 3u
#define STRATUM_MAX 15u
#define ORIGINATE_OFFSET 24u
#define TRANSMIT_OFFSET 40u
/* Seconds from 1900, where NTP begins, to 1970. */
#define EPOCH_DISTANCE 2208988800u
/* NTP's seconds wrap in 2036; before this Unix time they have (RFC 4330, section 3). */
#define ERA_BEGIN 1577836800u

static uint32_t get_be32(const uint8_t *from)
{
    return ((uint32_t)from[0] << 24) | ((uint32_t)from[1] << 16) | ((uint32_t)from[2] << 8) | from[3];
}

void sntp_ask(uint8_t packet[SNTP_BYTES], uint32_t nonce)
{
    memset(packet, 0, SNTP_BYTES);
    packet[0] = CLIENT_VERSION_4;
    put_u32(packet + TRANSMIT_OFFSET, nonce);
    put_u32(packet + TRANSMIT_OFFSET + 4, ~nonce);
}

bool sntp_answer(const uint8_t *packet, uint16_t count, uint32_t nonce, uint32_t *seconds)
{
    if (count < SNTP_BYTES || (packet[0] & 7u) != SERVER_MODE || packet[0] >> 6 == LEAP_UNKNOWN) {
        return false;
    }
    if (packet[1] == 0 || packet[1] > STRATUM_MAX) {
        return false;
    }
    if (get_u32(packet + ORIGINATE_OFFSET) != nonce || get_u32(packet + ORIGINATE_OFFSET + 4) != ~nonce) {
        return false;
    }
    uint32_t unix_seconds = get_be32(packet + TRANSMIT_OFFSET) - EPOCH_DISTANCE;
    if (get_be32(packet + TRANSMIT_OFFSET) == 0 || unix_seconds < ERA_BEGIN) {
        return false;
    }
    *seconds = unix_seconds;
    return true;
}

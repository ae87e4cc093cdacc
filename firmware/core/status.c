#include "status.h"

#include <string.h>

#include "bytes.h"
#include "firmware.h"

uint8_t status_put(const struct status *status, const struct keys *keys, uint8_t to[STATUS_BYTES_MAX])
{
    memset(to, 0, STATUS_BODY_BYTES);
    to[0] = STATUS_VERSION;
    to[1] = status->flags;
    put_u16(to + 2, status->unit);
    memcpy(to + 4, status->network, NETWORK_BYTES);
    put_u32(to + 12, status->boot);
    put_u32(to + 16, status->number);
    put_u32(to + 20, firmware_version());
    put_u32(to + 24, status->failed);
    put_u16(to + 28, status->falls);
    firmware_board(to + 32);
    authentication_seal(keys, DOMAIN_STATUS, to, STATUS_BODY_BYTES, to + STATUS_BODY_BYTES);
    return (uint8_t)(STATUS_BODY_BYTES + authentication_bytes(keys));
}

enum refusal offer_judge(const struct status *status, const struct keys *keys, const uint8_t *message,
                         uint16_t count, uint8_t *kind)
{
    uint8_t tag = authentication_bytes(keys);
    uint16_t body = (uint16_t)(count - tag);
    if (count < tag || (body != OFFER_HEAD_BYTES && body != OFFER_HEAD_BYTES + ENVELOPE_BYTES)) {
        return REFUSAL_LENGTH;
    }
    if (!authentication_holds(keys, DOMAIN_OFFER, message, body, message + body)) {
        return REFUSAL_AUTHENTICATION;
    }
    if (message[0] != OFFER_VERSION) {
        return REFUSAL_VERSION;
    }
    if (message[1] != (body == OFFER_HEAD_BYTES ? OFFER_NOTHING : OFFER_IMAGE)) {
        return REFUSAL_KIND;
    }
    if (get_u16(message + 2) != status->unit) {
        return REFUSAL_UNIT;
    }
    if (memcmp(message + 4, status->network, NETWORK_BYTES) != 0) {
        return REFUSAL_NETWORK;
    }
    if (get_u32(message + 12) != status->boot) {
        return REFUSAL_BOOT;
    }
    if (get_u32(message + 16) != status->number) {
        return REFUSAL_COUNTER;
    }
    *kind = message[1];
    return REFUSAL_NONE;
}

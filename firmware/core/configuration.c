#include "configuration.h"

#include <string.h>

#include "bytes.h"

#define OPTION_DHCP 1u
#define OPTION_ALWAYS_ON 2u

/* A name of 1 to 39 characters, NUL-padded to its 40 bytes. */
static bool is_host(const uint8_t *name)
{
    uint8_t length = 0;
    while (length < HOST_BYTES && name[length] > ' ' && name[length] < 0x7f) {
        length++;
    }
    if (length == 0 || length == HOST_BYTES) {
        return false;
    }
    for (uint8_t i = length; i < HOST_BYTES; i++) {
        if (name[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Values that no unit could work with are refused though authentic: a period of zero would stop it for good. */
static bool is_workable(const uint8_t *body)
{
    uint16_t transmission = get_u16(body + 20);
    uint16_t sampling = get_u16(body + 22);
    return transmission > 0 && sampling > 0 && sampling <= transmission && get_u16(body + 24) > 0 &&
           get_u16(body + 28) > 0 && get_u16(body + 30) > 0 && is_host(body + SERVER_OFFSET) &&
           is_host(body + TIME_SERVER_OFFSET);
}

enum refusal configuration_judge(uint16_t unit, const uint8_t network[NETWORK_BYTES], uint32_t boot,
                                 const struct keys *keys, const uint8_t *message, uint16_t count)
{
    if (count != CONFIGURATION_BODY_BYTES + authentication_bytes(keys)) {
        return REFUSAL_LENGTH;
    }
    if (!authentication_holds(keys, DOMAIN_CONFIGURATION, message, CONFIGURATION_BODY_BYTES,
                              message + CONFIGURATION_BODY_BYTES)) {
        return REFUSAL_AUTHENTICATION;
    }
    if (message[0] != CONFIGURATION_VERSION) {
        return REFUSAL_VERSION;
    }
    if ((message[1] & (uint8_t) ~(OPTION_DHCP | OPTION_ALWAYS_ON)) != 0) {
        return REFUSAL_OPTIONS;
    }
    if (get_u16(message + 2) != unit) {
        return REFUSAL_UNIT;
    }
    if (memcmp(message + 4, network, NETWORK_BYTES) != 0) {
        return REFUSAL_NETWORK;
    }
    if (get_u32(message + 12) != boot) {
        return REFUSAL_BOOT;
    }
    return is_workable(message) ? REFUSAL_NONE : REFUSAL_VALUES;
}

void configuration_get(const uint8_t body[CONFIGURATION_BODY_BYTES], struct configuration *configuration)
{
    configuration->dhcp = (body[1] & OPTION_DHCP) != 0;
    configuration->always_on = (body[1] & OPTION_ALWAYS_ON) != 0;
    configuration->transmission = get_u16(body + 20);
    configuration->sampling = get_u16(body + 22);
    configuration->maximum = get_u16(body + 24);
    configuration->fallback = get_u16(body + 26);
    configuration->voltage = get_u16(body + 28);
    configuration->port = get_u16(body + 30);
    memcpy(configuration->address, body + 32, 4);
    memcpy(configuration->mask, body + 36, 4);
    memcpy(configuration->router, body + 40, 4);
    memcpy(configuration->resolver, body + 44, 4);
}

/* The configuration that a unit asks its gateway for: chaincode/signing/configuration.py; paper §4.1.3. */
#ifndef CONDOCHARGE_CONFIGURATION_H
#define CONDOCHARGE_CONFIGURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "authentication.h"
#include "command.h"

#define CONFIGURATION_VERSION 1u
#define CONFIGURATION_BODY_BYTES 128u
#define HOST_BYTES 40u
#define SERVER_OFFSET 48u
#define TIME_SERVER_OFFSET 88u

/* The numbers of a configuration; the two host names stay in persistent memory until they are needed.
 * Periods in seconds, currents in tenths of an ampere, voltage in tenths of a volt. */
struct configuration {
    bool dhcp;
    bool always_on;
    uint16_t transmission;
    uint16_t sampling;
    uint16_t maximum;
    uint16_t fallback;
    uint16_t voltage;
    uint16_t port;
    uint8_t address[4];
    uint8_t mask[4];
    uint8_t router[4];
    uint8_t resolver[4];
};

/* Judge an answer to the question that `unit` asked in its start number `boot`. */
enum refusal configuration_judge(uint16_t unit, const uint8_t network[NETWORK_BYTES], uint32_t boot,
                                 const struct keys *keys, const uint8_t *message, uint16_t count);

/* Read the numbers of a body that was judged before. */
void configuration_get(const uint8_t body[CONFIGURATION_BODY_BYTES], struct configuration *configuration);

#endif

/* Who a unit is: written once by provisioning at the start of persistent memory, read at each start.
 *
 * Little-endian:
 *
 * offset bytes field
 * 0      2     "CU"
 * 2      1     version 1
 * 3      1     class: 0 mac, 1 ed25519
 * 4      2     unit; 65535: as the address switches say
 * 6      8     network
 * 14     32    the condominium's salt for tags
 * 46     32    key: MAC key (16) and zeros, or Ed25519 seed; a seed of zeros asks the unit to make one
 * 78     32    the condominium's signing key; zeros for class mac
 * 110    1     sensor: 1 SCT-013-000, 2 ACS712-20A; which constants below were calibrated
 * 111    1     seconds that the gateway may hold an answer, 0 to 25
 * 112    4     gain: mA per count, in 1/256
 * 116    2     noise: variance of the samples without current, in 1/256 count²
 * 118    2     starting current in mA: less than this reads as none
 * 120    6     Ethernet address
 * 126    2     port of the gateway that is asked for a configuration
 * 128    40    its name or dotted address, NUL-padded
 * 168    4     CRC-32 of the above
 */
#ifndef CONDOCHARGE_IDENTITY_H
#define CONDOCHARGE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "authentication.h"
#include "configuration.h"

#define IDENTITY_BODY_BYTES 168u
#define IDENTITY_BYTES (IDENTITY_BODY_BYTES + 4u)
#define UNIT_FROM_SWITCHES 0xffffu

enum sensor { SENSOR_SCT013 = 1, SENSOR_ACS712 = 2 };

struct identity {
    uint16_t unit;
    uint8_t network[NETWORK_BYTES];
    struct keys keys;
    uint8_t hold;
    uint32_t gain;
    uint16_t noise;
    uint16_t starting;
    uint8_t ethernet[6];
    uint16_t port;
};

/* Read the identity, making a key where it asks for one; false where persistent memory holds none that is
 * whole, or none that this board can serve. */
bool identity_load(struct identity *identity);

/* The name of the gateway that is asked for a configuration. */
void identity_server(char name[HOST_BYTES]);

/* The condominium's salt for tags. */
void identity_salt(uint8_t salt[SALT_BYTES]);

#endif

/* Sizes of the unit that the tests run in their own process: small, so that the ring overflows soon. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

#define BOARD_NAME "host"
#define UNIT_ED25519 1
#define UNIT_UPDATE 1
#define UPDATE_CHUNK 512u
#define ADC_BITS 10
#define RING_BYTES 1200u
#define NETWORK_SEND_BYTES 1400u

#endif

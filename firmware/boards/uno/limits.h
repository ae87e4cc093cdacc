/* Sizes of a unit on an ATmega328P: 2,048 bytes of RAM. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

#define BOARD_NAME "uno"
#define UNIT_ED25519 0
/* Ed25519 does not fit beside the unit: a new firmware comes by cable. */
#define UNIT_UPDATE 0
#define ADC_BITS 10
#define RING_BYTES 512u
#define NETWORK_SEND_BYTES 1024u
/* The end of the EEPROM that is not the core's. */
#define STORAGE_RESERVED 0u

#endif

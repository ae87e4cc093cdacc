/* Sizes of a unit on a Cortex-M with lwIP. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

/* The Makefile names the board: several share this folder. */
#ifndef BOARD_NAME
#error "BOARD_NAME is not set"
#endif
#define UNIT_ED25519 1
/* No board here has a boot loader and slots yet: a new firmware comes by cable. */
#define UNIT_UPDATE 0
#define ADC_BITS 12
#define RING_BYTES 6144u
#define NETWORK_SEND_BYTES 4096u

#endif

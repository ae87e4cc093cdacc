/* Sizes of a unit on a computer. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

#define UNIT_ED25519 1
#define ADC_BITS 12
#define RING_BYTES 16384u
#define NETWORK_SEND_BYTES 8192u

#endif

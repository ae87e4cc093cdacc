/* Sizes of a unit on a Cortex-M with lwIP. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

#define UNIT_ED25519 1
#define ADC_BITS 12
#define RING_BYTES 6144u
#define NETWORK_SEND_BYTES 4096u

#endif

/* Sizes of a unit on a computer. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

/* An image is for one kind of processor. */
#if defined(__x86_64__)
#define BOARD_NAME "posix-x86_64"
#elif defined(__aarch64__)
#define BOARD_NAME "posix-aarch64"
#elif defined(__arm__)
#define BOARD_NAME "posix-arm"
#else
#error "name this processor"
#endif
#define UNIT_ED25519 1
#define UNIT_UPDATE 1
#define UPDATE_CHUNK 4096u
#define ADC_BITS 12
#define RING_BYTES 16384u
#define NETWORK_SEND_BYTES 8192u

#endif

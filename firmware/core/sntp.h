/* Questions to a time server: SNTP version 4 (RFC 4330), one packet each way. */
#ifndef CONDOCHARGE_SNTP_H
#define CONDOCHARGE_SNTP_H

#include <stdbool.h>
#include <stdint.h>

#define SNTP_BYTES 48u
#define SNTP_PORT 123u

/* Write the question; `nonce` goes where the answer must repeat it (the transmit timestamp). */
void sntp_ask(uint8_t packet[SNTP_BYTES], uint32_t nonce);

/* Read the answer to the question with `nonce`; false where it is none, or the server knows no time. */
bool sntp_answer(const uint8_t *packet, uint16_t count, uint32_t nonce, uint32_t *seconds);

#endif

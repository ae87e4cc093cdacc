/* Names into addresses: one question to a resolver (RFC 1035), for network parts that have none of their own. */
#ifndef CONDOCHARGE_DNS_H
#define CONDOCHARGE_DNS_H

#include <stdbool.h>
#include <stdint.h>

#define DNS_PORT 53u
#define DNS_QUESTION_MAX 58u

/* Read a dotted address; false where `host` is a name. */
bool dotted_address(const char *host, uint8_t address[4]);

/* Write the question for the A record of `host` (at most 39 characters); the result is its length, 0 where the
 * name has an empty or over-long label. */
uint8_t dns_ask(uint8_t packet[DNS_QUESTION_MAX], const char *host, uint16_t id);

/* Find the first A record in an answer to question `id`; false where there is none. */
bool dns_answer(const uint8_t *packet, uint16_t count, uint16_t id, uint8_t address[4]);

#endif

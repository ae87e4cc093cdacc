#include "authentication.h"

#include <stddef.h>
#include <string.h>

#include "blake2b.h"
#include "flash.h"
#include "outline.h"
#if UNIT_ED25519
#include "batch.h"
#include "monocypher-ed25519.h"
#endif

#define DOMAIN_BYTES_MAX 28u

static const FLASH char BATCH_LINE[] = "condocharge/batch/1\n";
static const FLASH char REQUEST_LINE[] = "condocharge/request/1\n";
static const FLASH char STATUS_LINE[] = "condocharge/status/1\n";
static const FLASH char COMMAND_LINE[] = "condocharge/command/1\n";
static const FLASH char CONFIGURATION_LINE[] = "condocharge/configuration/1\n";
static const FLASH char OFFER_LINE[] = "condocharge/offer/1\n";

/* Copy the domain's line to `to`; the result is its length. */
static uint8_t domain_line(enum message_domain domain, uint8_t to[DOMAIN_BYTES_MAX])
{
    const FLASH char *line = BATCH_LINE;
    if (domain == DOMAIN_REQUEST) {
        line = REQUEST_LINE;
    } else if (domain == DOMAIN_COMMAND) {
        line = COMMAND_LINE;
    } else if (domain == DOMAIN_CONFIGURATION) {
        line = CONFIGURATION_LINE;
    } else if (domain == DOMAIN_STATUS) {
        line = STATUS_LINE;
    } else if (domain == DOMAIN_OFFER) {
        line = OFFER_LINE;
    }
    uint8_t count = 0;
    while (line[count] != '\0') {
        to[count] = (uint8_t)line[count];
        count++;
    }
    return count;
}

OUTLINE static void keyed_mac(const struct keys *keys, enum message_domain domain, const uint8_t *body, uint16_t count,
                      uint8_t tag[MAC_BYTES])
{
    struct blake2b blake2b;
    uint8_t line[DOMAIN_BYTES_MAX];
    uint8_t length = domain_line(domain, line);
    blake2b_start(&blake2b, MAC_BYTES, keys->mac, MAC_KEY_BYTES);
    blake2b_add(&blake2b, line, length);
    blake2b_add(&blake2b, body, count);
    blake2b_end(&blake2b, tag);
}

#if UNIT_ED25519
/* Monocypher signs one contiguous message, so domain line and body meet here. Units are single-threaded. */
static uint8_t signed_bytes[DOMAIN_BYTES_MAX + BATCH_BODY_BYTES_MAX];

static uint16_t join(enum message_domain domain, const uint8_t *body, uint16_t count)
{
    uint8_t length = domain_line(domain, signed_bytes);
    memcpy(signed_bytes + length, body, count);
    return (uint16_t)(length + count);
}

void authentication_derive(struct keys *keys, const uint8_t seed[SEED_BYTES])
{
    uint8_t wiped[SEED_BYTES];
    memcpy(wiped, seed, SEED_BYTES);
    crypto_ed25519_key_pair(keys->secret, keys->public_key, wiped);
}
#endif

uint8_t authentication_bytes(const struct keys *keys)
{
    return keys->unit_class == CLASS_ED25519 ? SIGNATURE_BYTES : MAC_BYTES;
}

void authentication_seal(const struct keys *keys, enum message_domain domain, const uint8_t *body,
                         uint16_t count, uint8_t *tag)
{
#if UNIT_ED25519
    if (keys->unit_class == CLASS_ED25519) {
        crypto_ed25519_sign(tag, keys->secret, signed_bytes, join(domain, body, count));
        return;
    }
#endif
    keyed_mac(keys, domain, body, count, tag);
}

bool authentication_holds(const struct keys *keys, enum message_domain domain, const uint8_t *body,
                          uint16_t count, const uint8_t *tag)
{
#if UNIT_ED25519
    if (count > BATCH_BODY_BYTES_MAX) {
        return false;
    }
    if (keys->unit_class == CLASS_ED25519) {
        return crypto_ed25519_check(tag, keys->signing, signed_bytes, join(domain, body, count)) == 0;
    }
#endif
    uint8_t expected[MAC_BYTES];
    keyed_mac(keys, domain, body, count, expected);
    uint8_t difference = 0;
    for (uint8_t i = 0; i < MAC_BYTES; i++) {
        difference |= expected[i] ^ tag[i];
    }
    return difference == 0;
}

OUTLINE void message_hash(const uint8_t *message, uint16_t count, uint8_t hash[HASH_BYTES])
{
    struct blake2b blake2b;
    blake2b_start(&blake2b, HASH_BYTES, NULL, 0);
    blake2b_add(&blake2b, message, count);
    blake2b_end(&blake2b, hash);
}

OUTLINE void tag_hash(const uint8_t salt[SALT_BYTES], const uint8_t *id, uint8_t count, uint8_t hash[TAG_HASH_BYTES])
{
    struct blake2b blake2b;
    blake2b_start(&blake2b, TAG_HASH_BYTES, salt, SALT_BYTES);
    blake2b_add(&blake2b, id, count);
    blake2b_end(&blake2b, hash);
}

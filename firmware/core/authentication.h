/* Who wrote a message: keyed BLAKE2b for units of class `mac`, Ed25519 for units of class `ed25519`.
 *
 * Every tag is over an ASCII domain line followed by the exact bytes that travel, so no tag of one kind
 * passes as another (docs/protocol.md, "Rules common to all"). Ed25519 is RFC 8032, BLAKE2b RFC 7693. */
#ifndef CONDOCHARGE_AUTHENTICATION_H
#define CONDOCHARGE_AUTHENTICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

#define MAC_KEY_BYTES 16u
#define MAC_BYTES 16u
#define SEED_BYTES 32u
#define KEY_BYTES 32u
#define SIGNATURE_BYTES 64u
#define HASH_BYTES 32u

#if UNIT_ED25519
#define TAG_BYTES_MAX SIGNATURE_BYTES
#else
#define TAG_BYTES_MAX MAC_BYTES
#endif

enum unit_class { CLASS_MAC = 0, CLASS_ED25519 = 1 };

enum message_domain {
    DOMAIN_BATCH,
    DOMAIN_REQUEST,
    DOMAIN_STATUS,
    DOMAIN_COMMAND,
    DOMAIN_CONFIGURATION,
    DOMAIN_OFFER
};

/* The keys of one unit. `signing` is the condominium's public key, pinned at provisioning. */
struct keys {
    uint8_t unit_class;
    uint8_t mac[MAC_KEY_BYTES];
#if UNIT_ED25519
    uint8_t secret[SEED_BYTES + KEY_BYTES];
    uint8_t public_key[KEY_BYTES];
    uint8_t signing[KEY_BYTES];
#endif
};

/* How many bytes of authentication follow a message: 16 or 64. */
uint8_t authentication_bytes(const struct keys *keys);

/* Write the unit's tag over `domain` and `count` bytes of `body` to `tag`. */
void authentication_seal(const struct keys *keys, enum message_domain domain, const uint8_t *body,
                         uint16_t count, uint8_t *tag);

/* Whether `tag` is the condominium's over `domain` and `body`; in constant time for a MAC. */
bool authentication_holds(const struct keys *keys, enum message_domain domain, const uint8_t *body,
                          uint16_t count, const uint8_t *tag);

#if UNIT_ED25519
/* Fill secret and public key from an RFC 8032 seed. */
void authentication_derive(struct keys *keys, const uint8_t seed[SEED_BYTES]);
#endif

/* BLAKE2b-256 of a whole message: what the next batch names as `previous`. */
void message_hash(const uint8_t *message, uint16_t count, uint8_t hash[HASH_BYTES]);

/* BLAKE2b-128 of a tag's id keyed with the condominium's salt of 32 bytes: all of an NFC id that leaves the reader. */
#define SALT_BYTES 32u
#define TAG_HASH_BYTES 16u
void tag_hash(const uint8_t salt[SALT_BYTES], const uint8_t *id, uint8_t count, uint8_t hash[TAG_HASH_BYTES]);

#endif

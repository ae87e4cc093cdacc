/* Commands in bytes, and whether a unit obeys one: chaincode/signing/command.py; docs/protocol.md, "A unit's
 * life", rule 8. */
#ifndef CONDOCHARGE_COMMAND_H
#define CONDOCHARGE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "authentication.h"
#include "batch.h"

#define COMMAND_VERSION 1u
#define COMMAND_BODY_BYTES 48u
/* Seconds before and after `issued` within which a unit whose clock is set obeys. */
#define COMMAND_VALIDITY 120u

enum command_kind { COMMAND_OFF = 0, COMMAND_ON = 1, COMMAND_ACKNOWLEDGE = 2, COMMAND_END = 3 };

/* A command; `grant` in seconds from receipt, `current` in tenths of an ampere (0: the unit's own maximum). */
struct command {
    uint8_t kind;
    uint32_t counter;
    uint32_t issued;
    const uint8_t *session;
    uint16_t grant;
    uint16_t current;
    uint32_t acknowledged;
};

/* Why a message changes nothing. */
enum refusal {
    REFUSAL_NONE = 0,
    REFUSAL_LENGTH,
    REFUSAL_AUTHENTICATION,
    REFUSAL_VERSION,
    REFUSAL_KIND,
    REFUSAL_UNIT,
    REFUSAL_NETWORK,
    REFUSAL_BOOT,
    REFUSAL_COUNTER,
    REFUSAL_ISSUED,
    REFUSAL_OPTIONS,
    REFUSAL_VALUES
};

/* What a unit knows when a command comes. */
struct command_state {
    uint16_t unit;
    const uint8_t *network;
    uint32_t boot;
    uint32_t last_counter;
    bool clock_set;
    uint32_t clock;
};

/* Judge `count` bytes; `command` is filled where the result is REFUSAL_NONE and points into `message`. */
enum refusal command_judge(const struct command_state *state, const struct keys *keys, const uint8_t *message,
                           uint16_t count, struct command *command);

#endif

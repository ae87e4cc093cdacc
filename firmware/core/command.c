#include "command.h"

#include <string.h>

#include "bytes.h"

static bool fresh(const struct command_state *state, uint32_t issued)
{
    if (!state->clock_set) {
        return true;
    }
    uint32_t distance = issued > state->clock ? issued - state->clock : state->clock - issued;
    return distance <= COMMAND_VALIDITY;
}

enum refusal command_judge(const struct command_state *state, const struct keys *keys, const uint8_t *message,
                           uint16_t count, struct command *command)
{
    if (count != COMMAND_BODY_BYTES + authentication_bytes(keys)) {
        return REFUSAL_LENGTH;
    }
    if (!authentication_holds(keys, DOMAIN_COMMAND, message, COMMAND_BODY_BYTES, message + COMMAND_BODY_BYTES)) {
        return REFUSAL_AUTHENTICATION;
    }
    if (message[0] != COMMAND_VERSION) {
        return REFUSAL_VERSION;
    }
    if (message[1] > COMMAND_END) {
        return REFUSAL_KIND;
    }
    if (get_u16(message + 2) != state->unit) {
        return REFUSAL_UNIT;
    }
    if (memcmp(message + 4, state->network, NETWORK_BYTES) != 0) {
        return REFUSAL_NETWORK;
    }
    if (get_u32(message + 12) != state->boot) {
        return REFUSAL_BOOT;
    }
    command->kind = message[1];
    command->counter = get_u32(message + 16);
    command->issued = get_u32(message + 20);
    command->session = message + 24;
    command->grant = get_u16(message + 40);
    command->current = get_u16(message + 42);
    command->acknowledged = get_u32(message + 44);
    if (command->counter <= state->last_counter) {
        return REFUSAL_COUNTER;
    }
    return fresh(state, command->issued) ? REFUSAL_NONE : REFUSAL_ISSUED;
}

#include "relay.h"

#include "board.h"

static void move(struct relay *relay, bool closed, uint32_t now)
{
    board_relay(closed);
    if (relay->closed != closed) {
        relay->closed = closed;
        relay->changed = now;
    }
}

void relay_start(struct relay *relay, uint32_t now)
{
    relay->closed = false;
    relay->wanted = false;
    relay->fault = false;
    relay->changed = now;
    board_relay(false);
}

void relay_want(struct relay *relay, bool closed)
{
    relay->wanted = closed;
}

void relay_open(struct relay *relay, uint32_t now)
{
    relay->wanted = false;
    move(relay, false, now);
}

bool relay_step(struct relay *relay, uint32_t now)
{
    if (relay->wanted == relay->closed) {
        return false;
    }
    uint32_t least = relay->closed ? RELAY_LEAST_CLOSED : RELAY_LEAST_OPEN;
    if (now - relay->changed < least) {
        return false;
    }
    move(relay, relay->wanted, now);
    return true;
}

void relay_check(struct relay *relay, uint32_t now, uint16_t current)
{
    relay->fault = !relay->closed && current > 0 && now - relay->changed >= RELAY_STOPS_WITHIN;
}

bool relay_settled(const struct relay *relay, uint32_t now)
{
    return !relay->closed && now - relay->changed >= RELAY_STOPS_WITHIN;
}

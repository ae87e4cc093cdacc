#include "dhcp.h"

#include <string.h>

#define DISCOVER 1u
#define OFFER 2u
#define REQUEST 3u
#define ACKNOWLEDGE 5u
#define REFUSE 6u

#define OPTION_MASK 1u
#define OPTION_ROUTER 3u
#define OPTION_RESOLVER 6u
#define OPTION_ADDRESS 50u
#define OPTION_LEASE 51u
#define OPTION_KIND 53u
#define OPTION_SERVER 54u
#define OPTION_END 255u

/* Where fields of a message lie (RFC 2131, section 2). */
#define TRANSACTION_OFFSET 4u
#define ADDRESS_OFFSET 16u
#define COOKIE_OFFSET 236u
#define OPTIONS_OFFSET 240u

#define AGAIN 4000u
#define ATTEMPTS 4u
#define LONGEST_LEASE 2000000u

static const uint8_t NONE[4];

void dhcp_start(struct dhcp *dhcp, uint32_t transaction, uint32_t now)
{
    memset(dhcp, 0, sizeof *dhcp);
    dhcp->transaction = transaction;
    dhcp->since = now;
}

static void turn(struct dhcp *dhcp, enum dhcp_state state, uint32_t now)
{
    dhcp->state = (uint8_t)state;
    dhcp->since = now;
    dhcp->attempts = 0;
}

bool dhcp_due(struct dhcp *dhcp, uint32_t now)
{
    uint32_t passed = now - dhcp->since;
    switch (dhcp->state) {
    case DHCP_INITIAL:
        turn(dhcp, DHCP_SELECTING, now);
        return true;
    case DHCP_BOUND:
        if (passed / 1000u < dhcp->lease / 2u) {
            return false;
        }
        dhcp->state = DHCP_RENEWING;
        dhcp->attempts = 0;
        return true;
    case DHCP_RENEWING:
        /* Half of the lease is left: ask an eighth of it apart, then give the address up. */
        if (passed / 1000u >= dhcp->lease) {
            turn(dhcp, DHCP_SELECTING, now);
            return true;
        }
        if (passed / 1000u < dhcp->lease / 2u + (uint32_t)(dhcp->attempts + 1u) * (dhcp->lease / 8u)) {
            return false;
        }
        dhcp->attempts++;
        return true;
    default:
        if (passed < AGAIN << dhcp->attempts) {
            return false;
        }
        dhcp->since = now;
        if (++dhcp->attempts >= ATTEMPTS) {
            turn(dhcp, DHCP_SELECTING, now);
        }
        return true;
    }
}

static void put_zeros(void (*put)(const uint8_t *bytes, uint16_t count), uint16_t count)
{
    uint8_t zeros[16];
    memset(zeros, 0, sizeof zeros);
    while (count > 0) {
        uint16_t piece = count < sizeof zeros ? count : (uint16_t)sizeof zeros;
        put(zeros, piece);
        count = (uint16_t)(count - piece);
    }
}

void dhcp_message(struct dhcp *dhcp, const uint8_t ethernet[6], void (*put)(const uint8_t *bytes, uint16_t count))
{
    /* A renewal says which address it has; whoever asks anew takes broadcasts (flags 0x8000). */
    bool renews = dhcp->state == DHCP_RENEWING;
    uint8_t head[12] = {1, 1, 6, 0, (uint8_t)(dhcp->transaction >> 24), (uint8_t)(dhcp->transaction >> 16),
                        (uint8_t)(dhcp->transaction >> 8), (uint8_t)dhcp->transaction, 0, 0, 0, 0};
    uint8_t options[30] = {99, 130, 83, 99, OPTION_KIND, 1, DISCOVER, 55, 4, OPTION_MASK, OPTION_ROUTER,
                           OPTION_RESOLVER, OPTION_LEASE};
    uint8_t count = 13;
    head[10] = renews ? 0 : 0x80;
    put(head, sizeof head);
    put(renews ? dhcp->address : NONE, 4);
    put_zeros(put, 12);
    put(ethernet, 6);
    put_zeros(put, (uint16_t)(COOKIE_OFFSET - 34u));
    if (dhcp->state != DHCP_SELECTING) {
        options[6] = REQUEST;
    }
    if (dhcp->state == DHCP_REQUESTING) {
        options[count++] = OPTION_ADDRESS;
        options[count++] = 4;
        memcpy(options + count, dhcp->address, 4);
        count = (uint8_t)(count + 4u);
        options[count++] = OPTION_SERVER;
        options[count++] = 4;
        memcpy(options + count, dhcp->server, 4);
        count = (uint8_t)(count + 4u);
    }
    options[count++] = OPTION_END;
    put(options, count);
    put_zeros(put, (uint16_t)(DHCP_MESSAGE_BYTES - COOKIE_OFFSET - count));
}

void dhcp_answer_begin(struct dhcp *dhcp)
{
    dhcp->at = 0;
    dhcp->kind = 0;
    dhcp->option = 0;
    dhcp->left = 0;
    dhcp->refused = false;
}

/* A byte of the fixed part: only the answer's direction, our transaction, the offer and the cookie matter. */
static void take_fixed(struct dhcp *dhcp, uint8_t byte)
{
    static const uint8_t cookie[4] = {99, 130, 83, 99};
    uint16_t at = dhcp->at;
    if (at == 0) {
        dhcp->refused = byte != 2;
    } else if (at >= TRANSACTION_OFFSET && at < TRANSACTION_OFFSET + 4u) {
        uint8_t shift = (uint8_t)(8u * (TRANSACTION_OFFSET + 3u - at));
        dhcp->refused = dhcp->refused || byte != (uint8_t)(dhcp->transaction >> shift);
    } else if (at >= ADDRESS_OFFSET && at < ADDRESS_OFFSET + 4u) {
        dhcp->offered[at - ADDRESS_OFFSET] = byte;
    } else if (at >= COOKIE_OFFSET) {
        dhcp->refused = dhcp->refused || byte != cookie[at - COOKIE_OFFSET];
    }
}

static void end_option(struct dhcp *dhcp)
{
    switch (dhcp->option) {
    case OPTION_KIND:
        dhcp->kind = dhcp->value[0];
        break;
    case OPTION_MASK:
        memcpy(dhcp->mask, dhcp->value, 4);
        break;
    case OPTION_ROUTER:
        memcpy(dhcp->router, dhcp->value, 4);
        break;
    case OPTION_RESOLVER:
        memcpy(dhcp->resolver, dhcp->value, 4);
        break;
    case OPTION_SERVER:
        memcpy(dhcp->server, dhcp->value, 4);
        break;
    case OPTION_LEASE:
        dhcp->lease = ((uint32_t)dhcp->value[0] << 24) | ((uint32_t)dhcp->value[1] << 16) |
                      ((uint32_t)dhcp->value[2] << 8) | dhcp->value[3];
        break;
    default:
        break;
    }
    dhcp->option = 0;
}

/* Options are kind, length, value; of a value the first four bytes are kept. `left` counts with `value` from the
 * back: 0xff before the length is known. */
static void take_option(struct dhcp *dhcp, uint8_t byte)
{
    static const uint8_t unknown = 0xff;
    if (dhcp->option == OPTION_END) {
        return;
    }
    if (dhcp->option == 0) {
        dhcp->option = byte;
        dhcp->left = unknown;
        dhcp->value[0] = 0;
        return;
    }
    if (dhcp->left == unknown) {
        if (byte >= 64) {
            /* Longer than anything that was asked for: not from a server to be trusted with an address. */
            dhcp->refused = true;
            dhcp->option = OPTION_END;
            return;
        }
        dhcp->left = byte;
        dhcp->at = OPTIONS_OFFSET;
        if (byte == 0) {
            end_option(dhcp);
        }
        return;
    }
    uint16_t index = (uint16_t)(dhcp->at - OPTIONS_OFFSET);
    if (index < 4) {
        dhcp->value[index] = byte;
    }
    dhcp->at++;
    if (--dhcp->left == 0) {
        end_option(dhcp);
    }
}

void dhcp_answer_take(struct dhcp *dhcp, uint8_t byte)
{
    if (dhcp->refused) {
        return;
    }
    if (dhcp->at >= OPTIONS_OFFSET) {
        take_option(dhcp, byte);
        return;
    }
    take_fixed(dhcp, byte);
    dhcp->at++;
}

bool dhcp_answer_end(struct dhcp *dhcp, uint32_t now)
{
    if (dhcp->refused || dhcp->at < OPTIONS_OFFSET) {
        return false;
    }
    if (dhcp->state == DHCP_SELECTING && dhcp->kind == OFFER) {
        memcpy(dhcp->address, dhcp->offered, 4);
        turn(dhcp, DHCP_REQUESTING, now - AGAIN);
        return false;
    }
    bool asked = dhcp->state == DHCP_REQUESTING || dhcp->state == DHCP_RENEWING;
    if (asked && dhcp->kind == REFUSE) {
        turn(dhcp, DHCP_INITIAL, now);
        return false;
    }
    if (!asked || dhcp->kind != ACKNOWLEDGE || dhcp->lease == 0) {
        return false;
    }
    if (dhcp->lease > LONGEST_LEASE) {
        dhcp->lease = LONGEST_LEASE;
    }
    memcpy(dhcp->address, dhcp->offered, 4);
    turn(dhcp, DHCP_BOUND, now);
    return true;
}

bool dhcp_bound(const struct dhcp *dhcp)
{
    return dhcp->state == DHCP_BOUND || dhcp->state == DHCP_RENEWING;
}

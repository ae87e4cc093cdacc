/* An address from the network: DHCP (RFC 2131), for network parts that have no client of their own.
 *
 * Messages are written and read in pieces, so no packet is ever whole in memory. The board moves the bytes. */
#ifndef CONDOCHARGE_DHCP_H
#define CONDOCHARGE_DHCP_H

#include <stdbool.h>
#include <stdint.h>

#define DHCP_SERVER_PORT 67u
#define DHCP_CLIENT_PORT 68u

enum dhcp_state { DHCP_INITIAL, DHCP_SELECTING, DHCP_REQUESTING, DHCP_BOUND, DHCP_RENEWING };

struct dhcp {
    uint8_t state;
    uint8_t attempts;
    uint32_t transaction;
    uint32_t since;
    /* Seconds that the address may be used. */
    uint32_t lease;
    uint8_t address[4];
    uint8_t mask[4];
    uint8_t router[4];
    uint8_t resolver[4];
    uint8_t server[4];
    /* The answer that is being read. */
    uint16_t at;
    uint8_t kind;
    uint8_t option;
    uint8_t left;
    bool refused;
    uint8_t offered[4];
    uint8_t value[4];
};

void dhcp_start(struct dhcp *dhcp, uint32_t transaction, uint32_t now);

/* Whether a message is due now; the caller sends it with dhcp_message. A lease that ran out is given up. */
bool dhcp_due(struct dhcp *dhcp, uint32_t now);

/* Write the due message, 300 bytes, piece by piece to `put`. */
#define DHCP_MESSAGE_BYTES 300u
void dhcp_message(struct dhcp *dhcp, const uint8_t ethernet[6], void (*put)(const uint8_t *bytes, uint16_t count));

/* Read an answer: begin, every byte of it, end. The result of the end is whether the address is new or renewed. */
void dhcp_answer_begin(struct dhcp *dhcp);
void dhcp_answer_take(struct dhcp *dhcp, uint8_t byte);
bool dhcp_answer_end(struct dhcp *dhcp, uint32_t now);

/* Whether `address` may be used. */
bool dhcp_bound(const struct dhcp *dhcp);

#endif

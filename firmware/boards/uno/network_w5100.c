/* The way to the gateway over a W5100: its sockets, and our DHCP, DNS and SNTP over its datagrams. */
#include <stddef.h>
#include <string.h>

#include "board.h"
#include "dhcp.h"
#include "dns.h"
#include "network.h"
#include "outline.h"
#include "sntp.h"
#include "w5100.h"

#define FIRST_PORT 49152u
#define PORTS_MASK 0x3fffu
#define DATAGRAM_HEAD 8u
#define ANSWER_WITHIN 5000u
/* Turns between looks at the part: it is asked over a slow bus. */
#define LOOK_INTERVAL 10u

/* What the one datagram socket is used for. */
enum errand { ERRAND_NONE, ERRAND_DHCP, ERRAND_NAME, ERRAND_TIME_NAME, ERRAND_TIME };

static struct {
    bool dynamic;
    bool ready;
    uint8_t state;
    uint8_t errand;
    uint8_t ethernet[6];
    uint8_t resolver[4];
    uint16_t port;
    uint16_t their_port;
    uint16_t nonce;
    uint32_t since;
    uint32_t looked;
    uint32_t seconds;
    struct dhcp dhcp;
} network;

static uint16_t next_port(void)
{
    network.port = (uint16_t)(FIRST_PORT + ((network.port + 1u) & PORTS_MASK));
    return network.port;
}

static void use_addresses(const uint8_t address[4], const uint8_t mask[4], const uint8_t router[4],
                          const uint8_t resolver[4])
{
    w5100_write(W5100_ADDRESS, address, 4);
    w5100_write(W5100_MASK, mask, 4);
    w5100_write(W5100_ROUTER, router, 4);
    memcpy(network.resolver, resolver, 4);
    network.ready = true;
}

void network_start(const uint8_t ethernet[6], const struct configuration *configuration)
{
    uint32_t now = board_milliseconds();
    uint16_t port = network.port;
    memset(&network, 0, sizeof network);
    memcpy(network.ethernet, ethernet, 6);
    /* After a start the converter's noise decides where ports and questions begin. */
    network.port = port != 0 ? port : (uint16_t)(ethernet[5] * 251u + now);
    w5100_start();
    w5100_write(W5100_ETHERNET, ethernet, 6);
    network.dynamic = configuration == NULL || configuration->dhcp;
    if (network.dynamic) {
        dhcp_start(&network.dhcp, ((uint32_t)ethernet[4] << 24) | ((uint32_t)ethernet[5] << 16) | next_port(), now);
    } else {
        use_addresses(configuration->address, configuration->mask, configuration->router, configuration->resolver);
    }
}

bool network_ready(void)
{
    return network.ready;
}

static void open_datagrams(uint8_t errand, const uint8_t address[4], uint16_t port, uint16_t own_port)
{
    network.errand = errand;
    network.since = board_milliseconds();
    socket_open(DATAGRAM, MODE_UDP, own_port);
    socket_direct(DATAGRAM, address, port);
}

static void end_errand(void)
{
    socket_command(DATAGRAM, COMMAND_CLOSE);
    network.errand = ERRAND_NONE;
}

/* --- datagrams --------------------------------------------------------------------------------------------- */

static void put_datagram(const uint8_t *bytes, uint16_t count)
{
    socket_write(DATAGRAM, bytes, count);
}

static void send_dhcp(void)
{
    static const uint8_t everybody[4] = {255, 255, 255, 255};
    static const uint8_t nobody[4];
    if (network.dhcp.state != DHCP_RENEWING) {
        network.ready = false;
        w5100_write(W5100_ADDRESS, nobody, 4);
    }
    open_datagrams(ERRAND_DHCP, everybody, DHCP_SERVER_PORT, DHCP_CLIENT_PORT);
    dhcp_message(&network.dhcp, network.ethernet, put_datagram);
    socket_send(DATAGRAM);
}

OUTLINE static void ask_name(uint8_t errand, const char *host)
{
    uint8_t packet[DNS_QUESTION_MAX];
    network.nonce = next_port();
    uint8_t count = dns_ask(packet, host, network.nonce);
    open_datagrams(errand, network.resolver, DNS_PORT, network.nonce);
    socket_write(DATAGRAM, packet, count);
    socket_send(DATAGRAM);
}

OUTLINE static void ask_time(const uint8_t address[4])
{
    uint8_t packet[SNTP_BYTES];
    network.nonce = next_port();
    sntp_ask(packet, network.nonce);
    open_datagrams(ERRAND_TIME, address, SNTP_PORT, network.nonce);
    socket_write(DATAGRAM, packet, SNTP_BYTES);
    socket_send(DATAGRAM);
}

static void connect(const uint8_t address[4])
{
    socket_open(STREAM, MODE_TCP, next_port());
    socket_direct(STREAM, address, network.their_port);
    socket_command(STREAM, COMMAND_CONNECT);
}

static void take_dhcp(uint16_t count, uint32_t now)
{
    uint8_t byte;
    dhcp_answer_begin(&network.dhcp);
    while (count-- > 0 && socket_take(DATAGRAM, &byte, 1) == 1) {
        dhcp_answer_take(&network.dhcp, byte);
    }
    if (dhcp_answer_end(&network.dhcp, now)) {
        const struct dhcp *dhcp = &network.dhcp;
        use_addresses(dhcp->address, dhcp->mask, dhcp->router, dhcp->resolver);
        end_errand();
    }
}

/* Answers that are longer than this hold nothing that is asked for; the rest of them is skipped. */
#define PACKET_BYTES 96u

OUTLINE static void take_packet(uint16_t count)
{
    uint8_t packet[PACKET_BYTES];
    uint8_t address[4];
    uint8_t skipped;
    uint16_t kept = socket_take(DATAGRAM, packet, count < PACKET_BYTES ? count : PACKET_BYTES);
    for (uint16_t rest = kept; rest < count && socket_take(DATAGRAM, &skipped, 1) == 1; rest++) {
    }
    if (network.errand == ERRAND_TIME) {
        if (sntp_answer(packet, kept, network.nonce, &network.seconds)) {
            end_errand();
        }
        return;
    }
    uint8_t errand = network.errand;
    if (!dns_answer(packet, kept, network.nonce, address)) {
        return;
    }
    end_errand();
    if (errand == ERRAND_TIME_NAME) {
        ask_time(address);
    } else {
        connect(address);
    }
}

/* A datagram has a head of its own: sender's address 4, port 2, length 2. */
static void take_datagram(uint32_t now)
{
    uint8_t head[DATAGRAM_HEAD];
    if (socket_waiting(DATAGRAM) < DATAGRAM_HEAD || socket_take(DATAGRAM, head, DATAGRAM_HEAD) != DATAGRAM_HEAD) {
        return;
    }
    uint16_t count = (uint16_t)((head[6] << 8) | head[7]);
    if (network.errand == ERRAND_DHCP) {
        take_dhcp(count, now);
    } else {
        take_packet(count);
    }
}

static void step_datagrams(uint32_t now)
{
    bool renews = network.dynamic && (network.errand == ERRAND_NONE || network.errand == ERRAND_DHCP);
    if (renews && dhcp_due(&network.dhcp, now)) {
        send_dhcp();
        return;
    }
    if (network.errand == ERRAND_NONE) {
        return;
    }
    take_datagram(now);
    if (network.errand != ERRAND_NONE && network.errand != ERRAND_DHCP && now - network.since > ANSWER_WITHIN) {
        if (network.errand == ERRAND_NAME) {
            network.state = NETWORK_FAILED;
        }
        end_errand();
    }
}

/* --- the stream -------------------------------------------------------------------------------------------- */

static void step_stream(void)
{
    if (network.state == NETWORK_CLOSED || network.state == NETWORK_FAILED || network.errand == ERRAND_NAME) {
        return;
    }
    uint8_t status = socket_get(STREAM, SOCKET_STATUS);
    if (network.state == NETWORK_OPENING && status == STATUS_ESTABLISHED) {
        network.state = NETWORK_OPEN;
    } else if (status == STATUS_CLOSED && network.state != NETWORK_SENT) {
        network.state = NETWORK_FAILED;
    }
}

OUTLINE void network_step(uint32_t now)
{
    if (now - network.looked < LOOK_INTERVAL) {
        return;
    }
    network.looked = now;
    step_datagrams(now);
    step_stream();
}

void network_open(const char *host, uint16_t port)
{
    uint8_t address[4];
    network.their_port = port;
    network.state = NETWORK_OPENING;
    if (dotted_address(host, address)) {
        connect(address);
    } else if (network.errand != ERRAND_NONE) {
        network.state = NETWORK_FAILED;
    } else {
        ask_name(ERRAND_NAME, host);
    }
}

enum network_state network_state(void)
{
    return (enum network_state)network.state;
}

void network_begin(uint16_t total)
{
    network.state = total <= socket_get16(STREAM, SOCKET_FREE) ? NETWORK_READY : NETWORK_FAILED;
}

void network_write(const uint8_t *bytes, uint16_t count)
{
    socket_write(STREAM, bytes, count);
}

void network_end(void)
{
    socket_send(STREAM);
    network.state = NETWORK_SENT;
}

uint16_t network_read(uint8_t *to, uint16_t most)
{
    return socket_take(STREAM, to, most);
}

bool network_finished(void)
{
    uint8_t status = socket_get(STREAM, SOCKET_STATUS);
    return (status == STATUS_CLOSED || status == STATUS_CLOSE_WAIT) && socket_waiting(STREAM) == 0;
}

void network_close(void)
{
    socket_command(STREAM, COMMAND_CLOSE);
    network.state = NETWORK_CLOSED;
}

void network_ask_time(const char *host)
{
    uint8_t address[4];
    if (network.errand != ERRAND_NONE) {
        return;
    }
    if (dotted_address(host, address)) {
        ask_time(address);
    } else {
        ask_name(ERRAND_TIME_NAME, host);
    }
}

bool network_time(uint32_t *seconds)
{
    *seconds = network.seconds;
    network.seconds = 0;
    return *seconds != 0;
}

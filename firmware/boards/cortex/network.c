/* The way to the gateway over lwIP's raw interface. */
#include "network.h"

#include <string.h>

#include "board.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/ethernet.h"
#include "part.h"
#include "sntp.h"

#define FRAME_BYTES 1520u

static struct netif interface;

static struct {
    bool begun;
    enum network_state state;
    bool finished;
    uint16_t port;
    uint16_t total;
    uint32_t nonce;
    uint32_t seconds;
    struct tcp_pcb *stream;
    struct udp_pcb *datagram;
    struct pbuf *received;
    uint16_t taken;
} network;

static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
    static uint8_t whole[FRAME_BYTES];
    (void)netif;
    uint16_t count = pbuf_copy_partial(frame, whole, FRAME_BYTES, 0);
    part_ethernet_send(whole, count);
    return ERR_OK;
}

static err_t start_interface(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    return ERR_OK;
}

static void take_frame(void)
{
    static uint8_t whole[FRAME_BYTES];
    uint16_t count = part_ethernet_take(whole, FRAME_BYTES);
    if (count == 0) {
        return;
    }
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, count, PBUF_POOL);
    if (frame == NULL) {
        return;
    }
    pbuf_take(frame, whole, count);
    if (interface.input(frame, &interface) != ERR_OK) {
        pbuf_free(frame);
    }
}

static void use_addresses(const struct configuration *configuration)
{
    ip4_addr_t address;
    ip4_addr_t mask;
    ip4_addr_t router;
    ip_addr_t resolver;
    const uint8_t *quad = configuration->address;
    IP4_ADDR(&address, quad[0], quad[1], quad[2], quad[3]);
    quad = configuration->mask;
    IP4_ADDR(&mask, quad[0], quad[1], quad[2], quad[3]);
    quad = configuration->router;
    IP4_ADDR(&router, quad[0], quad[1], quad[2], quad[3]);
    quad = configuration->resolver;
    IP_ADDR4(&resolver, quad[0], quad[1], quad[2], quad[3]);
    netif_set_addr(&interface, &address, &mask, &router);
    dns_setserver(0, &resolver);
}

void network_start(const uint8_t ethernet[6], const struct configuration *configuration)
{
    network_close();
    if (!network.begun) {
        lwip_init();
        part_ethernet_start(ethernet);
        memcpy(interface.hwaddr, ethernet, 6);
        netif_add_noaddr(&interface, NULL, start_interface, ethernet_input);
        netif_set_default(&interface);
        netif_set_up(&interface);
        network.begun = true;
    }
    dhcp_release_and_stop(&interface);
    if (configuration == NULL || configuration->dhcp) {
        dhcp_start(&interface);
    } else {
        use_addresses(configuration);
    }
}

void network_step(uint32_t now)
{
    (void)now;
    take_frame();
    sys_check_timeouts();
}

bool network_ready(void)
{
    return part_ethernet_linked() && !ip4_addr_isany_val(*netif_ip4_addr(&interface));
}

/* --- the stream -------------------------------------------------------------------------------------------- */

static err_t on_connected(void *argument, struct tcp_pcb *stream, err_t error)
{
    (void)argument;
    (void)stream;
    network.state = error == ERR_OK ? NETWORK_OPEN : NETWORK_FAILED;
    return ERR_OK;
}

static err_t on_received(void *argument, struct tcp_pcb *stream, struct pbuf *bytes, err_t error)
{
    (void)argument;
    (void)stream;
    (void)error;
    if (bytes == NULL) {
        network.finished = true;
    } else if (network.received == NULL) {
        network.received = bytes;
    } else {
        pbuf_cat(network.received, bytes);
    }
    return ERR_OK;
}

/* lwIP has freed the stream. */
static void on_error(void *argument, err_t error)
{
    (void)argument;
    (void)error;
    network.stream = NULL;
    network.finished = true;
    if (network.state != NETWORK_SENT) {
        network.state = NETWORK_FAILED;
    }
}

static void connect(const ip_addr_t *address)
{
    network.stream = tcp_new();
    if (network.stream == NULL) {
        network.state = NETWORK_FAILED;
        return;
    }
    tcp_recv(network.stream, on_received);
    tcp_err(network.stream, on_error);
    if (tcp_connect(network.stream, address, network.port, on_connected) != ERR_OK) {
        network.state = NETWORK_FAILED;
    }
}

static void on_resolved(const char *name, const ip_addr_t *address, void *argument)
{
    (void)name;
    (void)argument;
    if (network.state != NETWORK_OPENING || network.stream != NULL) {
        return;
    }
    if (address == NULL) {
        network.state = NETWORK_FAILED;
    } else {
        connect(address);
    }
}

void network_open(const char *host, uint16_t port)
{
    ip_addr_t address;
    network_close();
    network.port = port;
    network.finished = false;
    network.state = NETWORK_OPENING;
    err_t found = dns_gethostbyname(host, &address, on_resolved, NULL);
    if (found == ERR_OK) {
        connect(&address);
    } else if (found != ERR_INPROGRESS) {
        network.state = NETWORK_FAILED;
    }
}

enum network_state network_state(void)
{
    return network.state;
}

void network_begin(uint16_t total)
{
    bool room = network.stream != NULL && total <= tcp_sndbuf(network.stream);
    network.state = room ? NETWORK_READY : NETWORK_FAILED;
}

void network_write(const uint8_t *bytes, uint16_t count)
{
    if (network.stream == NULL || tcp_write(network.stream, bytes, count, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        network.state = NETWORK_FAILED;
    }
}

void network_end(void)
{
    if (network.state == NETWORK_READY && network.stream != NULL) {
        tcp_output(network.stream);
        network.state = NETWORK_SENT;
    }
}

uint16_t network_read(uint8_t *to, uint16_t most)
{
    if (network.received == NULL) {
        return 0;
    }
    uint16_t count = pbuf_copy_partial(network.received, to, most, network.taken);
    network.taken = (uint16_t)(network.taken + count);
    if (network.taken >= network.received->tot_len) {
        if (network.stream != NULL) {
            tcp_recved(network.stream, network.received->tot_len);
        }
        pbuf_free(network.received);
        network.received = NULL;
        network.taken = 0;
    }
    return count;
}

bool network_finished(void)
{
    return network.finished && network.received == NULL;
}

void network_close(void)
{
    if (network.received != NULL) {
        pbuf_free(network.received);
        network.received = NULL;
    }
    network.taken = 0;
    if (network.stream != NULL) {
        struct tcp_pcb *stream = network.stream;
        network.stream = NULL;
        tcp_recv(stream, NULL);
        tcp_err(stream, NULL);
        /* Everything was answered or given up: no wait for a graceful end. */
        tcp_abort(stream);
    }
    network.state = NETWORK_CLOSED;
}

/* --- time -------------------------------------------------------------------------------------------------- */

static void on_datagram(void *argument, struct udp_pcb *from, struct pbuf *bytes, const ip_addr_t *address,
                        u16_t port)
{
    uint8_t packet[SNTP_BYTES];
    (void)argument;
    (void)from;
    (void)address;
    (void)port;
    uint16_t count = pbuf_copy_partial(bytes, packet, SNTP_BYTES, 0);
    pbuf_free(bytes);
    sntp_answer(packet, count, network.nonce, &network.seconds);
}

static void ask_time(const ip_addr_t *address)
{
    struct pbuf *question = pbuf_alloc(PBUF_TRANSPORT, SNTP_BYTES, PBUF_RAM);
    if (question == NULL) {
        return;
    }
    if (network.datagram == NULL) {
        network.datagram = udp_new();
    }
    if (network.datagram != NULL) {
        udp_recv(network.datagram, on_datagram, NULL);
        network.nonce = LWIP_RAND();
        sntp_ask(question->payload, network.nonce);
        udp_sendto(network.datagram, question, address, SNTP_PORT);
    }
    pbuf_free(question);
}

static void on_time_server(const char *name, const ip_addr_t *address, void *argument)
{
    (void)name;
    (void)argument;
    if (address != NULL) {
        ask_time(address);
    }
}

void network_ask_time(const char *host)
{
    ip_addr_t address;
    if (dns_gethostbyname(host, &address, on_time_server, NULL) == ERR_OK) {
        ask_time(&address);
    }
}

bool network_time(uint32_t *seconds)
{
    *seconds = network.seconds;
    network.seconds = 0;
    return *seconds != 0;
}

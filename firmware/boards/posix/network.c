/* The network of the computer that the unit runs on. Addresses are the computer's own affair. */
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board.h"
#include "posix.h"
#include "sntp.h"

static struct {
    int stream;
    int datagram;
    enum network_state state;
    bool finished;
    uint16_t total;
    uint16_t filled;
    uint16_t sent;
    uint32_t nonce;
    uint8_t out[NETWORK_SEND_BYTES];
} network = {.stream = -1, .datagram = -1};

static int resolve_and_connect(const char *host, uint16_t port, int kind)
{
    char service[6];
    struct addrinfo *found = NULL;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = kind};
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return -1;
    }
    int made = socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made >= 0 && connect(made, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        close(made);
        made = -1;
    }
    freeaddrinfo(found);
    return made;
}

void network_start(const uint8_t ethernet[6], const struct configuration *configuration)
{
    (void)ethernet;
    (void)configuration;
    network_close();
}

bool network_ready(void)
{
    return true;
}

void network_open(const char *host, uint16_t port)
{
    network_close();
    network.stream = resolve_and_connect(host, port, SOCK_STREAM);
    network.state = network.stream < 0 ? NETWORK_FAILED : NETWORK_OPENING;
    network.finished = false;
}

static void finish_opening(void)
{
    struct pollfd waiting = {.fd = network.stream, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&waiting, 1, 0) <= 0) {
        return;
    }
    if (getsockopt(network.stream, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        network.state = NETWORK_FAILED;
    } else {
        network.state = NETWORK_OPEN;
    }
}

static void send_more(void)
{
    ssize_t done = send(network.stream, network.out + network.sent, (size_t)(network.total - network.sent),
                        MSG_NOSIGNAL);
    if (done > 0) {
        network.sent = (uint16_t)(network.sent + done);
    } else if (errno != EAGAIN && errno != EINTR) {
        network.state = NETWORK_FAILED;
    }
}

void network_step(uint32_t now)
{
    (void)now;
    if (network.state == NETWORK_OPENING) {
        finish_opening();
    } else if (network.state == NETWORK_SENT && network.sent < network.total) {
        send_more();
    }
}

enum network_state network_state(void)
{
    return network.state;
}

void network_begin(uint16_t total)
{
    network.total = total;
    network.filled = 0;
    network.sent = 0;
    network.state = total <= NETWORK_SEND_BYTES ? NETWORK_READY : NETWORK_FAILED;
}

void network_write(const uint8_t *bytes, uint16_t count)
{
    if (network.filled + count > network.total) {
        network.state = NETWORK_FAILED;
        return;
    }
    memcpy(network.out + network.filled, bytes, count);
    network.filled = (uint16_t)(network.filled + count);
}

void network_end(void)
{
    if (network.state == NETWORK_READY) {
        network.state = NETWORK_SENT;
        send_more();
    }
}

uint16_t network_read(uint8_t *to, uint16_t most)
{
    if (network.stream < 0 || network.finished) {
        return 0;
    }
    ssize_t count = recv(network.stream, to, most, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        network.finished = true;
    }
    return (uint16_t)(count > 0 ? count : 0);
}

bool network_finished(void)
{
    return network.finished;
}

void network_close(void)
{
    if (network.stream >= 0) {
        close(network.stream);
    }
    network.stream = -1;
    network.state = NETWORK_CLOSED;
}

void network_ask_time(const char *host)
{
    uint8_t packet[SNTP_BYTES];
    if (network.datagram >= 0) {
        close(network.datagram);
    }
    network.datagram = resolve_and_connect(host, SNTP_PORT, SOCK_DGRAM);
    if (network.datagram >= 0 && board_entropy((uint8_t *)&network.nonce, sizeof network.nonce)) {
        sntp_ask(packet, network.nonce);
        (void)send(network.datagram, packet, sizeof packet, MSG_NOSIGNAL);
    }
}

bool network_time(uint32_t *seconds)
{
    uint8_t packet[SNTP_BYTES];
    if (network.datagram < 0) {
        return false;
    }
    ssize_t count = recv(network.datagram, packet, sizeof packet, 0);
    if (count <= 0 || !sntp_answer(packet, (uint16_t)count, network.nonce, seconds)) {
        return false;
    }
    close(network.datagram);
    network.datagram = -1;
    return true;
}

int network_descriptor(short *events)
{
    *events = POLLIN;
    if (network.state == NETWORK_OPENING || (network.state == NETWORK_SENT && network.sent < network.total)) {
        *events = POLLOUT;
    }
    return network.stream;
}

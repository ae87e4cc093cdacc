/* The WIZnet W5100 on its serial bus (data sheet, sections 4 and 6.3.2). */
#ifndef CONDOCHARGE_W5100_H
#define CONDOCHARGE_W5100_H

#include <stdbool.h>
#include <stdint.h>

/* Registers, and where they lie within a socket's. */
#define W5100_MODE 0x0000u
#define W5100_ROUTER 0x0001u
#define W5100_MASK 0x0005u
#define W5100_ETHERNET 0x0009u
#define W5100_ADDRESS 0x000fu
#define W5100_RESET 0x80u

#define SOCKET_MODE 0x00u
#define SOCKET_COMMAND 0x01u
#define SOCKET_INTERRUPT 0x02u
#define SOCKET_STATUS 0x03u
#define SOCKET_PORT 0x04u
#define SOCKET_THEIR_ADDRESS 0x0cu
#define SOCKET_THEIR_PORT 0x10u
#define SOCKET_FREE 0x20u
#define SOCKET_WRITE 0x24u
#define SOCKET_RECEIVED 0x26u
#define SOCKET_READ 0x28u

#define MODE_TCP 0x01u
#define MODE_UDP 0x02u

#define COMMAND_OPEN 0x01u
#define COMMAND_CONNECT 0x04u
#define COMMAND_CLOSE 0x10u
#define COMMAND_SEND 0x20u
#define COMMAND_RECEIVE 0x40u

#define STATUS_CLOSED 0x00u
#define STATUS_INITIAL 0x13u
#define STATUS_ESTABLISHED 0x17u
#define STATUS_CLOSE_WAIT 0x1cu
#define STATUS_UDP 0x22u

#define W5100_BUFFER 2048u

/* Socket 0 carries the stream, socket 1 datagrams. */
enum w5100_socket { STREAM = 0, DATAGRAM = 1 };

void w5100_start(void);
void w5100_write(uint16_t at, const uint8_t *bytes, uint8_t count);

uint8_t socket_get(uint8_t socket, uint8_t offset);
uint16_t socket_get16(uint8_t socket, uint8_t offset);
void socket_put(uint8_t socket, uint8_t offset, uint8_t value);
void socket_put16(uint8_t socket, uint8_t offset, uint16_t value);

/* Give a command and wait until the part has taken it, a few µs. */
void socket_command(uint8_t socket, uint8_t command);
void socket_open(uint8_t socket, uint8_t mode, uint16_t port);
void socket_direct(uint8_t socket, const uint8_t address[4], uint16_t port);

/* Append to what is sent with the next socket_send. */
void socket_write(uint8_t socket, const uint8_t *bytes, uint16_t count);
void socket_send(uint8_t socket);

/* How many bytes wait, and take at most `most` of them. */
uint16_t socket_waiting(uint8_t socket);
uint16_t socket_take(uint8_t socket, uint8_t *to, uint16_t most);

#endif

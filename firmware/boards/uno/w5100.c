#include "w5100.h"

#include <avr/io.h>

#include "pins.h"

#define WRITE_OPERATION 0xf0u
#define READ_OPERATION 0x0fu
#define SOCKETS 0x0400u
#define SOCKET_SPAN 0x0100u
#define SEND_MEMORY 0x4000u
#define RECEIVE_MEMORY 0x6000u
#define BUFFER_MASK (W5100_BUFFER - 1u)
/* Turns after which a command that the part does not take is given up. */
#define PATIENCE 1000u

/* Where the next bytes to send go, as the part counts. */
static uint16_t write_at[2];

static uint8_t transfer(uint8_t byte)
{
    SPDR = byte;
    while ((SPSR & _BV(SPIF)) == 0) {
    }
    return SPDR;
}

static uint8_t access(uint8_t operation, uint16_t at, uint8_t byte)
{
    PORTB &= (uint8_t)~_BV(W5100_BIT);
    transfer(operation);
    transfer((uint8_t)(at >> 8));
    transfer((uint8_t)at);
    byte = transfer(byte);
    PORTB |= _BV(W5100_BIT);
    return byte;
}

static void put(uint16_t at, uint8_t byte)
{
    access(WRITE_OPERATION, at, byte);
}

static uint8_t get(uint16_t at)
{
    return access(READ_OPERATION, at, 0);
}

static uint16_t place(uint8_t socket, uint8_t offset)
{
    return (uint16_t)(SOCKETS + socket * SOCKET_SPAN + offset);
}

void w5100_start(void)
{
    /* 4 MHz: the shields of several makers follow that. */
    SPCR = _BV(SPE) | _BV(MSTR);
    SPSR = 0;
    put(W5100_MODE, W5100_RESET);
    for (uint16_t turns = 0; turns < PATIENCE && (get(W5100_MODE) & W5100_RESET) != 0; turns++) {
    }
}

void w5100_write(uint16_t at, const uint8_t *bytes, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        put((uint16_t)(at + i), bytes[i]);
    }
}

uint8_t socket_get(uint8_t socket, uint8_t offset)
{
    return get(place(socket, offset));
}

/* The part changes such a pair of registers as bytes come: read until two readings agree (data sheet, note at
 * Sn_RX_RSR). */
uint16_t socket_get16(uint8_t socket, uint8_t offset)
{
    uint16_t at = place(socket, offset);
    uint16_t last = 0;
    uint16_t value = 0xffff;
    for (uint8_t turns = 0; turns < 8 && last != value; turns++) {
        last = value;
        value = (uint16_t)(get(at) << 8);
        value |= get((uint16_t)(at + 1u));
    }
    return value;
}

void socket_put(uint8_t socket, uint8_t offset, uint8_t value)
{
    put(place(socket, offset), value);
}

void socket_put16(uint8_t socket, uint8_t offset, uint16_t value)
{
    put(place(socket, offset), (uint8_t)(value >> 8));
    put((uint16_t)(place(socket, offset) + 1u), (uint8_t)value);
}

void socket_command(uint8_t socket, uint8_t command)
{
    socket_put(socket, SOCKET_COMMAND, command);
    for (uint16_t turns = 0; turns < PATIENCE && socket_get(socket, SOCKET_COMMAND) != 0; turns++) {
    }
}

void socket_open(uint8_t socket, uint8_t mode, uint16_t port)
{
    socket_command(socket, COMMAND_CLOSE);
    socket_put(socket, SOCKET_INTERRUPT, 0xff);
    socket_put(socket, SOCKET_MODE, mode);
    socket_put16(socket, SOCKET_PORT, port);
    socket_command(socket, COMMAND_OPEN);
    write_at[socket] = socket_get16(socket, SOCKET_WRITE);
}

void socket_direct(uint8_t socket, const uint8_t address[4], uint16_t port)
{
    w5100_write(place(socket, SOCKET_THEIR_ADDRESS), address, 4);
    socket_put16(socket, SOCKET_THEIR_PORT, port);
}

void socket_write(uint8_t socket, const uint8_t *bytes, uint16_t count)
{
    uint16_t memory = (uint16_t)(SEND_MEMORY + socket * W5100_BUFFER);
    for (uint16_t i = 0; i < count; i++) {
        put((uint16_t)(memory + (write_at[socket] & BUFFER_MASK)), bytes[i]);
        write_at[socket]++;
    }
}

void socket_send(uint8_t socket)
{
    socket_put16(socket, SOCKET_WRITE, write_at[socket]);
    socket_command(socket, COMMAND_SEND);
}

uint16_t socket_waiting(uint8_t socket)
{
    return socket_get16(socket, SOCKET_RECEIVED);
}

uint16_t socket_take(uint8_t socket, uint8_t *to, uint16_t most)
{
    uint16_t memory = (uint16_t)(RECEIVE_MEMORY + socket * W5100_BUFFER);
    uint16_t count = socket_waiting(socket);
    if (count > most) {
        count = most;
    }
    if (count == 0) {
        return 0;
    }
    uint16_t from = socket_get16(socket, SOCKET_READ);
    for (uint16_t i = 0; i < count; i++) {
        to[i] = get((uint16_t)(memory + ((uint16_t)(from + i) & BUFFER_MASK)));
    }
    socket_put16(socket, SOCKET_READ, (uint16_t)(from + count));
    socket_command(socket, COMMAND_RECEIVE);
    return count;
}

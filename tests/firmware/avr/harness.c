#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "avr_adc.h"
#include "avr_eeprom.h"
#include "avr_ioport.h"
#include "avr_spi.h"
#include "avr_twi.h"
#include "avr_uart.h"
#include "sim_avr.h"
#include "sim_elf.h"
#include "sim_io.h"
#include "sim_irq.h"
#include "sim_time.h"

#include "harness.h"

#define PAINT 0xc5
#define MEMORY 0x8000
#define SOCKETS 0x0400
#define SENDING 0x4000
#define RECEIVING 0x6000
#define BUFFER 2048
#define TWCR_ADDRESS 0xbc

static avr_t *avr;

/* --- the sensor -------------------------------------------------------------------------------------------- */

static struct {
    double amplitude;
    double centre;
    double noise;
    double hertz;
    uint32_t conversions;
    uint64_t random;
} sensor = {.centre = 511.5, .hertz = 50.0, .random = 88172645463325252u};

static double deviate(void)
{
    sensor.random ^= sensor.random << 13;
    sensor.random ^= sensor.random >> 7;
    sensor.random ^= sensor.random << 17;
    double sum = (double)(sensor.random & 0xffff) + (double)((sensor.random >> 16) & 0xffff) +
                 (double)((sensor.random >> 32) & 0xffff) + (double)(sensor.random >> 48);
    return (sum / 65536.0 - 2.0) * 1.7320508;
}

/* A conversion begins: put on the pin what rounds to the count that the sensor's voltage has now. */
static void on_conversion(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)value;
    (void)parameter;
    double angle = fmod((double)avr->cycle / 16e6 * sensor.hertz, 1.0) * 2.0 * M_PI;
    double shape = sin(angle) + 0.09 * sin(3 * angle + 0.4) + 0.05 * sin(5 * angle + 1.1) +
                   0.025 * sin(7 * angle + 2.0);
    double counts = sensor.centre + sensor.amplitude * shape + sensor.noise * deviate();
    long code = lrint(counts);
    code = code < 0 ? 0 : code > 1023 ? 1023 : code;
    uint32_t millivolts = (uint32_t)((code * 5000 + 1022) / 1023);
    sensor.conversions++;
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0), millivolts);
}

void uno_current(double rms, double centre, double noise, uint32_t millihertz)
{
    sensor.amplitude = rms * sqrt(2.0 / (1.0 + 0.09 * 0.09 + 0.05 * 0.05 + 0.025 * 0.025));
    sensor.centre = centre;
    sensor.noise = noise;
    sensor.hertz = millihertz / 1000.0;
}

uint32_t uno_conversions(void) { return sensor.conversions; }

/* --- relay, switches, DHT11 -------------------------------------------------------------------------------- */

static struct {
    bool closed;
    uint32_t moves;
} relay;

static void on_relay(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)parameter;
    if ((value & 1) != relay.closed) {
        relay.closed = value & 1;
        relay.moves++;
    }
}

uint8_t uno_relay(void) { return relay.closed; }
uint32_t uno_relay_moves(void) { return relay.moves; }

static void set_pin(char port, int bit, int level)
{
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit), (uint32_t)level);
}

/* A closed switch is a wire to ground, stronger than the part's pull-up. */
static void pull(char port, uint8_t mask, uint8_t value)
{
    avr_ioport_external_t wires = {.name = (unsigned long)port, .mask = mask, .value = value};
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &wires);
}

void uno_switches(uint8_t value, uint8_t erase)
{
    pull('C', 7 << 1, (uint8_t)((~value & 7) << 1));
    /* D2 is pulled up as a module's reset is: libsimavr looks at a low INT0 in every cycle. */
    pull('D', 7 << 5 | 1 << 2, (uint8_t)((~value >> 3 & 7) << 5 | 1 << 2));
    pull('B', 1 << 1, (uint8_t)((erase == 0) << 1));
}

static struct {
    uint8_t bytes[5];
    uint8_t count;
    uint8_t edge;
    uint16_t times[86];
    uint8_t edges;
    bool low;
} dht11;

static avr_cycle_count_t next_edge(struct avr_t *mcu, avr_cycle_count_t when, void *parameter)
{
    (void)mcu;
    (void)parameter;
    if (dht11.edge >= dht11.edges) {
        set_pin('D', 3, 1);
        return 0;
    }
    /* Edges go down, up, down … */
    set_pin('D', 3, dht11.edge % 2);
    return when + avr_usec_to_cycles(avr, dht11.times[dht11.edge++]);
}

static void add_time(uint16_t microseconds) { dht11.times[dht11.edges++] = microseconds; }

static bool modem_held;

/* The unit lets the line go: the sensor answers 30 us later. D2 is an open drain: an output pulls it down. */
static void on_direction(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)parameter;
    bool low = (value >> 3 & 1) != 0;
    modem_held = (value >> 2 & 1) != 0;
    if (dht11.low && !low) {
        set_pin('D', 3, 1);
        if (dht11.count == 5) {
            dht11.edges = 0;
            dht11.edge = 0;
            add_time(80);
            add_time(80);
            for (int bit = 0; bit < 40; bit++) {
                add_time(50);
                add_time(dht11.bytes[bit / 8] >> (7 - bit % 8) & 1 ? 70 : 27);
            }
            add_time(50);
            avr_cycle_timer_register_usec(avr, 30, next_edge, NULL);
        }
    }
    dht11.low = low;
}

void uno_dht11(const uint8_t *bytes, uint8_t count)
{
    memcpy(dht11.bytes, bytes, count);
    dht11.count = count;
}

/* --- the W5100 --------------------------------------------------------------------------------------------- */

static struct {
    uint8_t memory[MEMORY];
    bool selected;
    uint8_t phase;
    uint8_t operation;
    uint16_t at;
    uint16_t sent_from[4];
    uint16_t received_to[4];
    void (*command)(int socket, int command, const uint8_t *address, uint16_t port);
} chip;

static uint8_t *registers(int socket) { return chip.memory + SOCKETS + 0x100 * socket; }
static uint16_t get16(const uint8_t *from) { return (uint16_t)(from[0] << 8 | from[1]); }

static void put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static uint16_t waiting(int socket) { return (uint16_t)(chip.received_to[socket] - get16(registers(socket) + 0x28)); }

static void obey(int socket, uint8_t command)
{
    uint8_t *at = registers(socket);
    at[0x01] = 0;
    if (command == 0x01) {
        at[0x03] = at[0x00] == 1 ? 0x13 : 0x22;
        chip.received_to[socket] = get16(at + 0x28);
        chip.sent_from[socket] = get16(at + 0x24);
        put16(at + 0x20, BUFFER);
    } else if (command == 0x10) {
        at[0x03] = 0;
    } else if (command == 0x40) {
        put16(at + 0x26, waiting(socket));
    }
    if (chip.command != NULL) {
        chip.command(socket, command, at + 0x0c, get16(at + 0x10));
    }
}

static void write_chip(uint16_t at, uint8_t value)
{
    if (at >= MEMORY) {
        return;
    }
    chip.memory[at] = value;
    if (at == 0 && (value & 0x80) != 0) {
        memset(chip.memory, 0, SENDING);
        return;
    }
    if (at >= SOCKETS && at < SOCKETS + 0x400 && (at & 0xff) == 0x01) {
        obey((at - SOCKETS) >> 8, value);
    }
}

static void on_spi(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)parameter;
    uint8_t answer = 0;
    if (chip.selected) {
        if (chip.phase == 0) {
            chip.operation = (uint8_t)value;
        } else if (chip.phase == 1) {
            chip.at = (uint16_t)(value << 8);
        } else if (chip.phase == 2) {
            chip.at = (uint16_t)(chip.at | value);
        } else if (chip.operation == 0xf0) {
            write_chip(chip.at, (uint8_t)value);
        } else if (chip.operation == 0x0f && chip.at < MEMORY) {
            answer = chip.memory[chip.at];
        }
        chip.phase = (uint8_t)(chip.phase + 1);
    }
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_INPUT), answer);
}

static void on_select(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)parameter;
    chip.selected = (value & 1) == 0;
    chip.phase = 0;
}

void w5100_on_command(void (*command)(int, int, const uint8_t *, uint16_t)) { chip.command = command; }

void w5100_power(void)
{
    void (*command)(int, int, const uint8_t *, uint16_t) = chip.command;
    memset(&chip, 0, sizeof chip);
    chip.command = command;
}

uint16_t w5100_sent(int socket, uint8_t *to)
{
    uint8_t *at = registers(socket);
    uint16_t end = get16(at + 0x24);
    uint16_t count = (uint16_t)(end - chip.sent_from[socket]);
    if (count > BUFFER) {
        return 0;
    }
    for (uint16_t i = 0; i < count; i++) {
        to[i] = chip.memory[SENDING + socket * BUFFER + ((chip.sent_from[socket] + i) & (BUFFER - 1))];
    }
    chip.sent_from[socket] = end;
    return count;
}

void w5100_established(int socket) { registers(socket)[0x03] = 0x17; }
void w5100_closed(int socket, int by_peer) { registers(socket)[0x03] = by_peer ? 0x1c : 0x00; }

uint16_t w5100_receive(int socket, const uint8_t *bytes, uint16_t count)
{
    uint16_t room = (uint16_t)(BUFFER - waiting(socket));
    if (count > room) {
        count = room;
    }
    for (uint16_t i = 0; i < count; i++) {
        chip.memory[RECEIVING + socket * BUFFER + (chip.received_to[socket]++ & (BUFFER - 1))] = bytes[i];
    }
    put16(registers(socket) + 0x26, waiting(socket));
    return count;
}

uint8_t w5100_register(uint16_t at) { return chip.memory[at]; }

/* --- the two-wire bus and the serial port ------------------------------------------------------------------ */

static struct {
    int (*start)(uint8_t address, int reading);
    void (*byte)(uint8_t value);
    uint8_t (*next)(void);
    bool active;
} bus;

static void on_twi(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)parameter;
    avr_twi_msg_irq_t message = {.u.v = value};
    uint8_t kind = message.u.twi.msg;
    avr_irq_t *input = avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_INPUT);
    /* libsimavr 1.6 leaves TWINT up while the bus works, for a driver that polls it must be down meanwhile. */
    avr->data[TWCR_ADDRESS] &= 0x7f;
    if (kind & TWI_COND_STOP) {
        bus.active = false;
    }
    if (kind & TWI_COND_START) {
        bus.active = bus.start != NULL && bus.start(message.u.twi.addr >> 1, message.u.twi.addr & 1);
        if (bus.active) {
            avr_raise_irq(input, avr_twi_irq_msg(TWI_COND_ACK, message.u.twi.addr, 1));
        }
        return;
    }
    if (!bus.active) {
        return;
    }
    if (kind & TWI_COND_WRITE) {
        avr_raise_irq(input, avr_twi_irq_msg(TWI_COND_ACK, message.u.twi.addr, 1));
        bus.byte(message.u.twi.data);
    }
    if (kind & TWI_COND_READ) {
        avr_raise_irq(input, avr_twi_irq_msg(TWI_COND_READ, message.u.twi.addr, bus.next()));
    }
}

void twi_on(int (*start)(uint8_t, int), void (*byte)(uint8_t), uint8_t (*next)(void))
{
    bus.start = start;
    bus.byte = byte;
    bus.next = next;
}

static void (*serial_byte)(uint8_t value);
static uint8_t serial_queue[8192];
static uint16_t serial_count;
static uint16_t serial_done;
static uint32_t serial_bit_rate = 115200;

static void on_serial(struct avr_irq_t *irq, uint32_t value, void *parameter)
{
    (void)irq;
    (void)parameter;
    if (serial_byte != NULL) {
        serial_byte((uint8_t)value);
    }
}

void serial_on(void (*byte)(uint8_t)) { serial_byte = byte; }

/* Bytes come at the line's speed; eleven bits each, as libsimavr takes no more. */
static uint32_t serial_pace(void) { return 176000000u / serial_bit_rate; }

static avr_cycle_count_t next_serial(struct avr_t *mcu, avr_cycle_count_t when, void *parameter)
{
    (void)mcu;
    (void)parameter;
    if (serial_done >= serial_count) {
        serial_done = 0;
        serial_count = 0;
        return 0;
    }
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), serial_queue[serial_done++]);
    return when + serial_pace();
}

void serial_send(const uint8_t *bytes, uint16_t count)
{
    bool idle = serial_count == 0;
    if (serial_count + count > sizeof serial_queue) {
        return;
    }
    memcpy(serial_queue + serial_count, bytes, count);
    serial_count = (uint16_t)(serial_count + count);
    if (idle) {
        avr_cycle_timer_register(avr, serial_pace(), next_serial, NULL);
    }
}

void serial_rate(uint32_t baud) { serial_bit_rate = baud; }

/* UCSR0A is at 0xc0 of data space, its bit 1 doubles the clock; UBRR0 at 0xc4. */
uint32_t serial_baud(void)
{
    uint32_t divisor = (uint32_t)(avr->data[0xc4] | (avr->data[0xc5] & 15) << 8) + 1;
    return 16000000u / (((avr->data[0xc0] & 2) != 0 ? 8 : 16) * divisor);
}

uint8_t modem_reset(void) { return modem_held; }

/* --- the EEPROM -------------------------------------------------------------------------------------------- */

/* EECR is at 0x3f, EEAR at 0x41 of data space. libsimavr 1.6 writes a byte at once; the part takes 3.4 ms, in which
 * EEPE stays up and the program waits (data sheet, section 8.6.3). */
#define EECR_ADDRESS 0x3f
#define EEAR_ADDRESS 0x41
#define EEPE 2
#define EEMPE 4
#define BYTE_MICROSECONDS 3400

static struct {
    bool busy;
    uint16_t at;
} writing;

static avr_cycle_count_t finish_byte(struct avr_t *mcu, avr_cycle_count_t when, void *parameter)
{
    (void)when;
    (void)parameter;
    writing.busy = false;
    mcu->data[EECR_ADDRESS] &= (uint8_t)~EEPE;
    return 0;
}

/* Called after libsimavr's own handler. */
static void on_eeprom(struct avr_t *mcu, avr_io_addr_t address, uint8_t value, void *parameter)
{
    (void)address;
    (void)parameter;
    if ((value & (EEPE | EEMPE)) != (EEPE | EEMPE)) {
        return;
    }
    writing.busy = true;
    writing.at = (uint16_t)((mcu->data[EEAR_ADDRESS] | mcu->data[EEAR_ADDRESS + 1] << 8) & 1023);
    mcu->data[EECR_ADDRESS] |= EEPE;
    avr_cycle_timer_register_usec(mcu, BYTE_MICROSECONDS, finish_byte, NULL);
}

/* --- the part ---------------------------------------------------------------------------------------------- */

/* libsimavr would sleep in real time: simulated time passes at once. */
static void pass(struct avr_t *mcu, avr_cycle_count_t cycles)
{
    (void)mcu;
    (void)cycles;
}

static void wire(void)
{
    avr->sleep = pass;
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), on_conversion, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 0), on_relay, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 2), on_select, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('D'), IOPORT_IRQ_DIRECTION_ALL),
                            on_direction, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_OUTPUT), on_spi, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_OUTPUT), on_twi, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_serial, NULL);
    writing.busy = false;
    avr_register_io_write(avr, EECR_ADDRESS, on_eeprom, NULL);
    uint32_t flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
}

int uno_load(const char *path, const uint8_t *eeprom)
{
    static elf_firmware_t firmware;
    memset(&firmware, 0, sizeof firmware);
    if (avr != NULL) {
        avr_terminate(avr);
    }
    memset(&relay, 0, sizeof relay);
    memset(&dht11.edge, 0, sizeof dht11.edge);
    serial_count = 0;
    serial_done = 0;
    avr = avr_make_mcu_by_name("atmega328p");
    if (avr == NULL || elf_read_firmware(path, &firmware) != 0) {
        return 0;
    }
    avr_init(avr);
    avr->log = LOG_ERROR;
    firmware.frequency = 16000000;
    avr_load_firmware(avr, &firmware);
    avr->vcc = 5000;
    avr->avcc = 5000;
    avr->aref = 5000;
    avr_eeprom_desc_t content = {.ee = (uint8_t *)(uintptr_t)eeprom, .offset = 0, .size = 1024};
    avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &content);
    wire();
    return 1;
}

int uno_run(uint64_t cycles)
{
    avr_cycle_count_t end = avr->cycle + cycles;
    int state = avr->state;
    while (avr->cycle < end && state != cpu_Done && state != cpu_Crashed) {
        /* Instructions that libsimavr may do at a stretch: it stops by itself for its next timer or interrupt. Left
         * alone it looks for timers after each. */
        avr->run_cycle_limit = end - avr->cycle;
        state = avr_run(avr);
    }
    return state;
}

uint64_t uno_cycles(void) { return avr->cycle; }

void uno_eeprom(uint8_t *to)
{
    avr_eeprom_desc_t content = {.ee = to, .offset = 0, .size = 1024};
    avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &content);
}

int uno_tear(uint8_t *eeprom)
{
    if (!writing.busy) {
        return 0;
    }
    eeprom[writing.at] = (uint8_t)(eeprom[writing.at] | (0x5a ^ (writing.at & 0xff)));
    return 1;
}

void uno_paint(uint16_t from) { memset(avr->data + from, PAINT, (size_t)(avr->ramend + 1 - from)); }

uint16_t uno_unpainted(uint16_t from)
{
    uint16_t count = 0;
    while (from + count <= avr->ramend && avr->data[from + count] == PAINT) {
        count++;
    }
    return count;
}

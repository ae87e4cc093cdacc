/* An Arduino Uno in libsimavr: the microcontroller, what is wired to its pins, a W5100 on its bus. Only
 * declarations that cffi reads.
 *
 * libsimavr is GPL-3: this is linked by tests alone and is no part of what is built for a unit. */

/* Begin anew with the program in `path`; `eeprom` is 1,024 bytes. 0 where it can't be loaded. */
int uno_load(const char *path, const uint8_t *eeprom);
/* Run for `cycles` of 16 MHz; the result is the simulator's state, 2 while it runs. */
int uno_run(uint64_t cycles);
uint64_t uno_cycles(void);
void uno_eeprom(uint8_t *to);
/* Spoil the byte that the EEPROM is busy writing, as a power cut does; 1 where there was one. */
int uno_tear(uint8_t *eeprom);

/* Fill all free RAM; later, the bytes that the stack never reached. */
void uno_paint(uint16_t from);
uint16_t uno_unpainted(uint16_t from);

uint8_t uno_relay(void);
uint32_t uno_relay_moves(void);
/* Address switches 0 to 63, and the erase button. */
void uno_switches(uint8_t value, uint8_t erase);
/* Current sensor: counts of the converter are centre + gain * current + noise, all in counts; `hertz` in 1/1000.
 * The current is a fundamental with 9, 5 and 2.5 % of third, fifth and seventh harmonic; `rms` is of all of it. */
void uno_current(double rms, double centre, double noise, uint32_t millihertz);
uint32_t uno_conversions(void);
/* DHT11: what it answers from now on; its timing is its data sheet's. 0 bytes for a sensor that is not there. */
void uno_dht11(const uint8_t *bytes, uint8_t count);

/* The W5100. `command` is called for CONNECT, SEND, CLOSE, OPEN (of UDP) with socket, command, address, port. */
void w5100_on_command(void (*command)(int socket, int command, const uint8_t *address, uint16_t port));
void w5100_power(void);
/* What a SEND handed over. */
uint16_t w5100_sent(int socket, uint8_t *to);
void w5100_established(int socket);
void w5100_closed(int socket, int by_peer);
/* Bytes for the socket's receive memory; the result is how many fitted. */
uint16_t w5100_receive(int socket, const uint8_t *bytes, uint16_t count);
uint8_t w5100_register(uint16_t at);

/* The two-wire bus: `write` gets all bytes of a write when it stops, `read` fills what is read next. */
void twi_on(int (*start)(uint8_t address, int reading), void (*byte)(uint8_t value), uint8_t (*next)(void));
/* The serial port: `byte` gets what the unit sends; uno_serial queues what it receives. */
void serial_on(void (*byte)(uint8_t value));
void serial_send(const uint8_t *bytes, uint16_t count);
/* The speed at which they come, and the speed that the unit has set. */
void serial_rate(uint32_t baud);
uint32_t serial_baud(void);
/* Whether D2 pulls the reset of a module on the serial port. */
uint8_t modem_reset(void);

/* The ATmega328P's own parts: pins, timers, converter, EEPROM, watchdog. */
#include "board.h"

#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <string.h>
#include <util/atomic.h>

#include "dht11.h"
#include "meter.h"
#include "pins.h"
#include "pn532.h"
#include "uno.h"
#include "unit.h"

#define CONVERSIONS_A_SECOND 2000u
/* Timer 1 counts at 2 MHz. */
#define TIMER1_TOP (2000000u / CONVERSIONS_A_SECOND - 1u)
#define MICROSECONDS_A_TICK 4u
/* Milliseconds that a turn of the main loop rests: nothing is due sooner, and the part stays cool. */
#define TURN 5u

static struct unit unit;
static bool alive;
static struct dht11 dht11;
static struct pn532 pn532;

/* Shared with the converter's interrupt. */
static volatile uint32_t conversions;
static uint16_t centre = 512;
static volatile uint16_t next_centre = 512;
static struct window growing;
static struct window finished;
static volatile bool window_new;

ISR(TIMER1_COMPA_vect)
{
    ADCSRA |= _BV(ADSC);
}

ISR(ADC_vect)
{
    window_add(&growing, ADC, centre);
    conversions++;
    if (growing.count < CONVERSIONS_A_SECOND) {
        return;
    }
    /* A window that nobody took is added to, not lost: energy counts even while the loop is held up. */
    if (window_new && growing.count < WINDOW_SAMPLES_MAX) {
        return;
    }
    finished = growing;
    finished.milliseconds = growing.count / (CONVERSIONS_A_SECOND / 1000u);
    memset(&growing, 0, sizeof growing);
    centre = next_centre;
    window_new = true;
}

uint32_t board_milliseconds(void)
{
    uint32_t count;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        count = conversions;
    }
    return count / (CONVERSIONS_A_SECOND / 1000u);
}

void board_watchdog(void)
{
    wdt_reset();
}

uint16_t storage_bytes(void)
{
    return E2END + 1u - STORAGE_RESERVED;
}

void storage_read(uint16_t offset, uint8_t *to, uint16_t count)
{
    eeprom_read_block(to, (const void *)offset, count);
}

void storage_write(uint16_t offset, const uint8_t *from, uint16_t count)
{
    eeprom_update_block(from, (void *)offset, count);
}

void board_relay(bool closed)
{
    if (closed) {
        PORTB |= _BV(RELAY_BIT);
    } else {
        PORTB &= (uint8_t)~_BV(RELAY_BIT);
    }
}

void board_pilot(uint16_t deciamperes)
{
    (void)deciamperes;
}

bool board_connected(bool *connected)
{
    *connected = false;
    return false;
}

bool board_window(struct window *window)
{
    bool fresh;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        fresh = window_new;
        if (fresh) {
            *window = finished;
            window_new = false;
        }
    }
    return fresh;
}

/* Within a window all samples are less the same centre, so the new one waits for the next window. */
void board_centre(uint16_t counts)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        next_centre = counts;
    }
}

bool board_voltage(uint16_t *decivolts)
{
    (void)decivolts;
    return false;
}

bool board_climate(int8_t *temperature, uint8_t *humidity)
{
    return dht11_step(&dht11, board_milliseconds(), temperature, humidity);
}

uint8_t board_tag(uint8_t id[TAG_ID_BYTES_MAX])
{
    return pn532_step(&pn532, board_milliseconds(), id);
}

uint8_t board_switches(void)
{
    uint8_t low = (uint8_t)(~PINC >> SWITCHES_C_SHIFT) & 7u;
    uint8_t high = (uint8_t)(~PIND >> SWITCHES_D_SHIFT) & 7u;
    return (uint8_t)(low | (high << 3));
}

bool board_erase_held(void)
{
    return (PINB & _BV(ERASE_BIT)) == 0;
}

/* Keys of class mac come from provisioning; this part has nothing to make one from. */
bool board_entropy(uint8_t *to, uint8_t count)
{
    (void)to;
    (void)count;
    return false;
}

void board_show_key(const uint8_t key[32])
{
    (void)key;
}

void dht11_line(bool low)
{
    if (low) {
        DDRD |= _BV(DHT11_BIT);
        PORTD &= (uint8_t)~_BV(DHT11_BIT);
    } else {
        DDRD &= (uint8_t)~_BV(DHT11_BIT);
        PORTD |= _BV(DHT11_BIT);
    }
}

bool dht11_level(void)
{
    return (PIND & _BV(DHT11_BIT)) != 0;
}

/* Timer 2 wraps each millisecond; whoever measures asks more often. */
uint16_t dht11_microseconds(void)
{
    static uint8_t last;
    static uint16_t microseconds;
    uint8_t ticks = TCNT2;
    microseconds = (uint16_t)(microseconds + (uint8_t)(ticks - last) * MICROSECONDS_A_TICK);
    last = ticks;
    return microseconds;
}

/* After a reset by the watchdog it runs on with its shortest time: stop it before anything else is set up. */
__attribute__((naked, used, section(".init3"))) void stop_watchdog(void)
{
    MCUSR = 0;
    wdt_disable();
}

static void start_pins(void)
{
    DDRB = _BV(RELAY_BIT) | _BV(W5100_BIT) | _BV(MOSI_BIT) | _BV(SCK_BIT);
    PORTB = _BV(ERASE_BIT) | _BV(W5100_BIT);
    DDRD |= _BV(SD_BIT);
    PORTD |= _BV(SD_BIT) | (7u << SWITCHES_D_SHIFT) | _BV(DHT11_BIT);
    PORTC |= 7u << SWITCHES_C_SHIFT;
}

/* Timer 1 starts a conversion every half millisecond; the converter's clock is 125 kHz. */
static void start_converter(void)
{
    TCCR1A = 0;
    OCR1A = TIMER1_TOP;
    TCCR1B = _BV(WGM12) | _BV(CS11);
    TIMSK1 = _BV(OCIE1A);
    TCCR2A = 0;
    TCCR2B = _BV(CS22);
    ADMUX = _BV(REFS0) | CURRENT_CHANNEL;
    DIDR0 = _BV(CURRENT_CHANNEL);
    ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
}

void uno_setup(void)
{
    start_pins();
    start_converter();
    twi_start();
    SMCR = _BV(SE);
    sei();
    wdt_enable(WDTO_4S);
    alive = unit_start(&unit);
}

void uno_loop(void)
{
    if (alive) {
        unit_step(&unit);
    } else {
        board_watchdog();
    }
    /* The converter wakes the part every half millisecond. */
    uint32_t begin = board_milliseconds();
    while (board_milliseconds() - begin < TURN) {
        sleep_cpu();
    }
}

/* The unit on a NUCLEO-F429ZI with its sensors and relay on the board's Arduino connectors (docs/hardware.md). */
#include <stddef.h>
#include <string.h>

#include "arch/cc.h"
#include "blake2b.h"
#include "board.h"
#include "dht11.h"
#include "identity.h"
#include "nucleo.h"
#include "pn532.h"
#include "unit.h"

#define SYSTICK_CONTROL REGISTER(0xe000e010u)
#define SYSTICK_RELOAD REGISTER(0xe000e014u)
#define SYSTICK_VALUE REGISTER(0xe000e018u)
#define SYSTICK_RUN 7u

#define RANDOM_CONTROL REGISTER(0x50060800u)
#define RANDOM_STATUS REGISTER(0x50060804u)
#define RANDOM_DATA REGISTER(0x50060808u)
#define RANDOM_ON BIT(2)
#define RANDOM_READY BIT(0)
/* The generator's clock or its noise source is at fault. */
#define RANDOM_FAULTS (BIT(1) | BIT(2) | BIT(5) | BIT(6))
#define RANDOM_WORDS 64u
#define RANDOM_PATIENCE 100000u

#define CONSOLE 0x40004800u
#define CONSOLE_STATUS REGISTER(CONSOLE)
#define CONSOLE_DATA REGISTER(CONSOLE + 0x04u)
#define CONSOLE_RATE REGISTER(CONSOLE + 0x08u)
#define CONSOLE_CONTROL REGISTER(CONSOLE + 0x0cu)
#define CONSOLE_EMPTY BIT(7)
/* 42 MHz / 115,200. */
#define CONSOLE_115200 365u

/* Where the debugger puts the identity that provisioning made, for a board whose EEPROM has none yet. */
#define NEW_IDENTITY ((const uint8_t *)0x081e0000u)

static struct unit unit;
static struct dht11 dht11;
static struct pn532 pn532;
static volatile uint32_t milliseconds;

void tick(void);
uint32_t sys_now(void);

void tick(void)
{
    milliseconds++;
}

uint32_t sys_now(void)
{
    return milliseconds;
}

uint32_t board_milliseconds(void)
{
    return milliseconds;
}

/* --- random numbers ---------------------------------------------------------------------------------------- */

/* A word of the part's generator; false where it reports a fault or repeats itself (RM0090, section 24.3). */
static bool random_word(uint32_t *word)
{
    static uint32_t last;
    for (uint32_t turns = 0; turns < RANDOM_PATIENCE; turns++) {
        if ((RANDOM_STATUS & RANDOM_FAULTS) != 0) {
            return false;
        }
        if ((RANDOM_STATUS & RANDOM_READY) != 0) {
            *word = RANDOM_DATA;
            bool fresh = *word != last;
            last = *word;
            return fresh;
        }
    }
    return false;
}

/* Sixteen times the key's length, hashed: no key hangs on a single word. */
bool board_entropy(uint8_t *to, uint8_t count)
{
    struct blake2b pool;
    uint8_t digest[64];
    uint32_t word;
    if (count > sizeof digest || !random_word(&word)) {
        return false;
    }
    blake2b_start(&pool, sizeof digest, NULL, 0);
    for (uint8_t i = 0; i < RANDOM_WORDS; i++) {
        if (!random_word(&word)) {
            return false;
        }
        blake2b_add(&pool, (const uint8_t *)&word, sizeof word);
    }
    blake2b_end(&pool, digest);
    memcpy(to, digest, count);
    memset(digest, 0, sizeof digest);
    return true;
}

/* Ports and transaction numbers; where the generator fails the clock has to do. */
uint32_t cortex_random(void)
{
    uint32_t word;
    return random_word(&word) ? word : clock_cycles() * 1664525u + 1013904223u;
}

/* --- pins -------------------------------------------------------------------------------------------------- */

static const struct {
    char port;
    uint8_t pin;
} SWITCHES[6] = {{'F', 15}, {'E', 13}, {'F', 14}, {'E', 11}, {'E', 9}, {'D', 15}};

#define RELAY_PORT 'F'
#define RELAY_PIN 13
#define DHT11_PORT 'F'
#define DHT11_PIN 12
#define BUTTON_PORT 'C'
#define BUTTON_PIN 13

void board_relay(bool closed)
{
    pin_put(RELAY_PORT, RELAY_PIN, closed);
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

bool board_voltage(uint16_t *decivolts)
{
    (void)decivolts;
    return false;
}

bool board_climate(int8_t *temperature, uint8_t *humidity)
{
    return dht11_step(&dht11, milliseconds, temperature, humidity);
}

void dht11_line(bool low)
{
    pin_put(DHT11_PORT, DHT11_PIN, !low);
}

bool dht11_level(void)
{
    return pin_get(DHT11_PORT, DHT11_PIN);
}

uint16_t dht11_microseconds(void)
{
    static uint32_t last;
    static uint32_t left;
    static uint16_t microseconds;
    uint32_t now = clock_cycles();
    left += now - last;
    last = now;
    microseconds = (uint16_t)(microseconds + left / CYCLES_MICROSECOND);
    left %= CYCLES_MICROSECOND;
    return microseconds;
}

uint8_t board_tag(uint8_t id[TAG_ID_BYTES_MAX])
{
    return pn532_step(&pn532, milliseconds, id);
}

uint8_t board_switches(void)
{
    uint8_t number = 0;
    for (uint8_t i = 0; i < 6; i++) {
        number = (uint8_t)(number | (pin_get(SWITCHES[i].port, SWITCHES[i].pin) ? 0u : 1u << i));
    }
    return number;
}

bool board_erase_held(void)
{
    return pin_get(BUTTON_PORT, BUTTON_PIN);
}

static void put_console(char byte)
{
    while ((CONSOLE_STATUS & CONSOLE_EMPTY) == 0) {
    }
    CONSOLE_DATA = (uint32_t)byte;
}

void board_show_key(const uint8_t key[32])
{
    static const char digits[] = "0123456789abcdef";
    for (const char *text = "key "; *text != '\0'; text++) {
        put_console(*text);
    }
    for (uint8_t i = 0; i < 32; i++) {
        put_console(digits[key[i] >> 4]);
        put_console(digits[key[i] & 15u]);
    }
    put_console('\r');
    put_console('\n');
}

static void start_pins(void)
{
    RCC_AHB1 |= 0x7fu;
    board_relay(false);
    pin_mode(RELAY_PORT, RELAY_PIN, PIN_OUTPUT, PULL_DOWN);
    pin_open_drain(DHT11_PORT, DHT11_PIN);
    pin_mode(BUTTON_PORT, BUTTON_PIN, PIN_INPUT, PULL_DOWN);
    for (uint8_t i = 0; i < 6; i++) {
        pin_mode(SWITCHES[i].port, SWITCHES[i].pin, PIN_INPUT, PULL_UP);
    }
    pin_function('D', 8, 7);
    RCC_APB1 |= BIT(18);
    CONSOLE_RATE = CONSOLE_115200;
    CONSOLE_CONTROL = BIT(13) | BIT(3);
}

/* --- the unit ---------------------------------------------------------------------------------------------- */

/* A new EEPROM gets the identity from flash. One that holds an identity keeps it: its key may be enrolled. */
static void adopt_identity(void)
{
    uint8_t head[2];
    storage_read(0, head, sizeof head);
    if ((head[0] == 'C' && head[1] == 'U') || NEW_IDENTITY[0] != 'C' || NEW_IDENTITY[1] != 'U') {
        return;
    }
    storage_write(0, NEW_IDENTITY, IDENTITY_BYTES);
}

int main(void)
{
    clock_begin();
    start_pins();
    bus_begin();
    converter_begin();
    RCC_AHB2 |= BIT(6);
    RANDOM_CONTROL = RANDOM_ON;
    SYSTICK_RELOAD = CYCLES_MILLISECOND - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_RUN;
    adopt_identity();
    bool alive = unit_start(&unit);
    bool saved = false;
    for (;;) {
        board_watchdog();
        converter_step();
        if (alive) {
            unit_step(&unit);
            if (clock_power_failing() && !saved) {
                unit_power_failing(&unit);
            }
            saved = clock_power_failing();
        }
        __asm__ volatile("wfi");
    }
}

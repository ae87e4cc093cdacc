/* The unit on a Cortex-M whose sensors and relay are on a bench at its serial port (boards/bench/bench.h). */
#include <stddef.h>
#include <string.h>

#include "arch/cc.h"
#include "bench.h"
#include "blake2b.h"
#include "board.h"
#include "part.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xe000e018u)
#define SYSTICK_RUN 7u
#define INTERRUPTS_ON (*(volatile uint32_t *)0xe000e100u)
#define INTERRUPTS_OFF (*(volatile uint32_t *)0xe000e180u)
#define INTERRUPTS_FORGET (*(volatile uint32_t *)0xe000e280u)
/* Bytes of the bench, with the instant that each came, that a key is made from; and how many of them must differ
 * from the one two before: a sensor without noise gives no key. */
#define ENTROPY_BYTES 4000u
#define ENTROPY_CHANGES 500u
#define IDLE_TURNS 10u
/* Turns of doing nothing between looks at an empty serial port: each look is a turn on the bus, and in a simulator
 * it keeps the other side from bringing the next byte. */
#define PAUSE_TURNS 500u

static struct unit unit;
static volatile uint32_t milliseconds;
static struct blake2b pool;
static uint16_t pooled;
static uint16_t changes;
static uint8_t lately[2];
static uint32_t random_state = 1;

void tick(void);
uint32_t sys_now(void);

void tick(void)
{
    milliseconds++;
}

/* Real time, for the network. The unit's own time is the converter's. */
uint32_t sys_now(void)
{
    return milliseconds;
}

void bench_put(const uint8_t *bytes, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        part_serial_put(bytes[i]);
    }
}

void board_watchdog(void)
{
}

/* Ports and transaction numbers; nothing secret hangs on it. */
uint32_t cortex_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* The noise of the sensor's conversions and the instants at which they came. */
static void collect(uint8_t byte)
{
    if (pooled >= ENTROPY_BYTES) {
        return;
    }
    uint32_t instant = SYSTICK_VALUE;
    uint8_t sample[5] = {byte, (uint8_t)instant, (uint8_t)(instant >> 8), (uint8_t)(instant >> 16), 0};
    blake2b_add(&pool, sample, sizeof sample);
    changes = (uint16_t)(changes + (byte != lately[pooled % 2u] ? 1u : 0u));
    lately[pooled % 2u] = byte;
    pooled++;
    random_state = random_state * 1664525u + instant + byte + 1u;
}

bool board_entropy(uint8_t *to, uint8_t count)
{
    uint8_t digest[64];
    if (changes < ENTROPY_CHANGES || count > sizeof digest) {
        return false;
    }
    blake2b_end(&pool, digest);
    memcpy(to, digest, count);
    memset(digest, 0, sizeof digest);
    return true;
}

/* Sleep until a byte of the bench comes, or the next tick. The byte's interrupt wakes the core and is never taken:
 * all are masked until it is off again (ARMv7-M reference manual, B1.5.17). */
static void rest(void)
{
    uint32_t serial = 1u << part_serial_interrupt;
    __asm__ volatile("cpsid i" ::: "memory");
    INTERRUPTS_ON = serial;
    if (!part_serial_waiting()) {
        __asm__ volatile("wfi" ::: "memory");
    }
    INTERRUPTS_OFF = serial;
    part_serial_forget();
    INTERRUPTS_FORGET = serial;
    __asm__ volatile("cpsie i" ::: "memory");
}

int main(void)
{
    bool started = false;
    bool refused = false;
    part_start();
    SYSTICK_RELOAD = part_cycles - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_RUN;
    blake2b_start(&pool, 64, NULL, 0);
    uint32_t turned = 0;
    bench_greet();
    uint32_t idle = 0;
    for (;;) {
        uint8_t byte;
        bool due = false;
        while (!due && part_serial_take(&byte)) {
            idle = 0;
            collect(byte);
            due = bench_take(byte, &unit);
        }
        if (!started && !refused && bench_begun() && pooled >= ENTROPY_BYTES) {
            started = unit_start(&unit);
            refused = !started;
        }
        if (started && (due || sys_now() != turned)) {
            turned = sys_now();
            unit_step(&unit);
        }
        /* Bytes of the bench come close together; between its bursts the core sleeps. */
        if (++idle > IDLE_TURNS) {
            rest();
        } else if (!due) {
            for (uint32_t turn = 0; turn < PAUSE_TURNS; turn++) {
                __asm__ volatile("nop");
            }
        }
    }
}

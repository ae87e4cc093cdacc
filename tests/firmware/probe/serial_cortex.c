/* The probe's serial port and time on a Cortex-M. */
#include "part.h"
#include "probe.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xe000e018u)
#define SYSTICK_RUN 7u

static volatile uint32_t milliseconds;

void tick(void);

void tick(void)
{
    milliseconds++;
}

void serial_start(void)
{
    part_start();
    SYSTICK_RELOAD = part_cycles - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_RUN;
}

uint8_t serial_take(void)
{
    uint8_t byte;
    while (!part_serial_take(&byte)) {
    }
    return byte;
}

void serial_put(uint8_t byte)
{
    part_serial_put(byte);
}

uint32_t ticks(void)
{
    uint32_t before;
    uint32_t value;
    do {
        before = milliseconds;
        value = SYSTICK_VALUE;
    } while (before != milliseconds);
    return before * part_cycles + (part_cycles - 1u - value);
}

int main(void)
{
    probe_serve();
    return 0;
}

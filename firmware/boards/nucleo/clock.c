/* Clocks, reset and watchdog (RM0090, sections 3, 5, 6 and 21). */
#include "board.h"
#include "nucleo.h"

#define FLASH_CONTROLLER 0x40023c00u
#define FLASH_ACCESS REGISTER(FLASH_CONTROLLER)
#define FLASH_OPTION_KEY REGISTER(FLASH_CONTROLLER + 0x08u)
#define FLASH_STATUS REGISTER(FLASH_CONTROLLER + 0x0cu)
#define FLASH_OPTIONS REGISTER(FLASH_CONTROLLER + 0x14u)
#define FLASH_BUSY BIT(16)
#define OPTION_LOCK BIT(0)
#define OPTION_START BIT(1)
/* 00 is level 3: reset below 2.7 V. */
#define OPTION_BROWN_OUT (BIT(2) | BIT(3))
/* Prefetch, both caches, five wait states: what 168 MHz need at 2.7 V and more. */
#define FLASH_FAST 0x705u

#define CONTROL_OUTSIDE_ON BIT(16)
#define CONTROL_OUTSIDE_READY BIT(17)
#define CONTROL_OUTSIDE_BYPASS BIT(18)
#define CONTROL_PLL_ON BIT(24)
#define CONTROL_PLL_READY BIT(25)
/* 1 MHz times 336, by 2 for the core and by 7 for the random number generator's 48 MHz. */
#define PLL_TIMES(n) ((uint32_t)(n) << 6)
#define PLL_BY_7 (7u << 24)
#define PLL_FROM_OUTSIDE BIT(22)
#define OUTSIDE_MEGAHERTZ 8u
#define INSIDE_MEGAHERTZ 16u
/* APB1 a quarter, APB2 a half of the core's clock; the core on the PLL. */
#define CLOCKS_DIVIDED ((5u << 10) | (4u << 13))
#define CLOCKS_ON_PLL 2u
#define CLOCKS_STATE (3u << 2)
#define OUTSIDE_PATIENCE 100000u

#define POWER_CONTROL REGISTER(0x40007000u)
#define POWER_STATE REGISTER(0x40007004u)
/* The detector at its highest threshold, 2.9 V. */
#define POWER_DETECTOR (BIT(4) | (7u << 5))
#define POWER_LOW BIT(2)

#define WATCHDOG_KEY REGISTER(0x40003000u)
#define WATCHDOG_DIVIDER REGISTER(0x40003004u)
#define WATCHDOG_RELOAD REGISTER(0x40003008u)

#define DEBUG_CONTROL REGISTER(0xe000edfcu)
#define TRACE_ON BIT(24)
#define CYCLE_CONTROL REGISTER(0xe0001000u)
#define CYCLE_COUNT REGISTER(0xe0001004u)

static void start_pll(void)
{
    RCC_CONTROL |= CONTROL_OUTSIDE_BYPASS;
    RCC_CONTROL |= CONTROL_OUTSIDE_ON;
    uint32_t turns = 0;
    while ((RCC_CONTROL & CONTROL_OUTSIDE_READY) == 0 && turns < OUTSIDE_PATIENCE) {
        turns++;
    }
    /* The clock comes from the debugger's half of the board; without it the part's own will do. */
    if ((RCC_CONTROL & CONTROL_OUTSIDE_READY) != 0) {
        RCC_PLL = OUTSIDE_MEGAHERTZ | PLL_TIMES(336) | PLL_FROM_OUTSIDE | PLL_BY_7;
    } else {
        RCC_PLL = INSIDE_MEGAHERTZ | PLL_TIMES(336) | PLL_BY_7;
    }
    RCC_CONTROL |= CONTROL_PLL_ON;
    while ((RCC_CONTROL & CONTROL_PLL_READY) == 0) {
    }
    FLASH_ACCESS = FLASH_FAST;
    RCC_CONFIGURATION = CLOCKS_DIVIDED | CLOCKS_ON_PLL;
    while ((RCC_CONFIGURATION & CLOCKS_STATE) != CLOCKS_ON_PLL << 2) {
    }
}

/* The level is kept with the part's options: written once in its life. */
static void set_brown_out(void)
{
    if ((FLASH_OPTIONS & OPTION_BROWN_OUT) == 0) {
        return;
    }
    FLASH_OPTION_KEY = 0x08192a3bu;
    FLASH_OPTION_KEY = 0x4c5d6e7fu;
    FLASH_OPTIONS &= ~OPTION_BROWN_OUT;
    FLASH_OPTIONS |= OPTION_START;
    while ((FLASH_STATUS & FLASH_BUSY) != 0) {
    }
    FLASH_OPTIONS |= OPTION_LOCK;
}

/* 32 kHz by 64, 2,000 counts. */
static void start_watchdog(void)
{
    WATCHDOG_KEY = 0xcccc;
    WATCHDOG_KEY = 0x5555;
    WATCHDOG_DIVIDER = 4;
    WATCHDOG_RELOAD = 2000;
    WATCHDOG_KEY = 0xaaaa;
}

void board_watchdog(void)
{
    WATCHDOG_KEY = 0xaaaa;
}

void clock_begin(void)
{
    RCC_APB1 |= BIT(28);
    start_pll();
    start_watchdog();
    set_brown_out();
    POWER_CONTROL |= POWER_DETECTOR;
    DEBUG_CONTROL |= TRACE_ON;
    CYCLE_COUNT = 0;
    CYCLE_CONTROL |= 1u;
}

bool clock_power_failing(void)
{
    return (POWER_STATE & POWER_LOW) != 0;
}

uint32_t clock_cycles(void)
{
    return CYCLE_COUNT;
}

void clock_wait(uint32_t microseconds)
{
    uint32_t begin = CYCLE_COUNT;
    while (CYCLE_COUNT - begin < microseconds * CYCLES_MICROSECOND) {
    }
}

/* The STM32F429ZI's registers that the unit uses (ST RM0090), and what the files of this folder give each other.
 * Untested on hardware: written from the manuals, compiled, and run nowhere yet. */
#ifndef CONDOCHARGE_NUCLEO_H
#define CONDOCHARGE_NUCLEO_H

#include <stdbool.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define BIT(number) (1u << (number))

/* RM0090, section 6: reset and clock control. */
#define RCC 0x40023800u
#define RCC_CONTROL REGISTER(RCC)
#define RCC_PLL REGISTER(RCC + 0x04u)
#define RCC_CONFIGURATION REGISTER(RCC + 0x08u)
#define RCC_AHB1 REGISTER(RCC + 0x30u)
#define RCC_AHB2 REGISTER(RCC + 0x34u)
#define RCC_APB1 REGISTER(RCC + 0x40u)
#define RCC_APB2 REGISTER(RCC + 0x44u)

/* RM0090, section 8: a port's registers. */
#define GPIO(port) (0x40020000u + 0x400u * (uint32_t)((port) - 'A'))
#define GPIO_MODE(port) REGISTER(GPIO(port))
#define GPIO_DRAIN(port) REGISTER(GPIO(port) + 0x04u)
#define GPIO_SPEED(port) REGISTER(GPIO(port) + 0x08u)
#define GPIO_PULL(port) REGISTER(GPIO(port) + 0x0cu)
#define GPIO_IN(port) REGISTER(GPIO(port) + 0x10u)
#define GPIO_SET(port) REGISTER(GPIO(port) + 0x18u)
#define GPIO_FUNCTION(port, pin) REGISTER(GPIO(port) + 0x20u + 4u * ((pin) / 8u))

/* Cycles of the core's clock in a millisecond and a microsecond. */
#define CYCLES_MILLISECOND 168000u
#define CYCLES_MICROSECOND 168u

enum pin_mode { PIN_INPUT, PIN_OUTPUT, PIN_FUNCTION, PIN_ANALOG };
enum pin_pull { PULL_NONE, PULL_UP, PULL_DOWN };

void pin_mode(char port, uint8_t pin, enum pin_mode mode, enum pin_pull pull);
/* Give a pin to a peripheral, at the highest speed. */
void pin_function(char port, uint8_t pin, uint8_t function);
void pin_open_drain(char port, uint8_t pin);
void pin_put(char port, uint8_t pin, bool high);
bool pin_get(char port, uint8_t pin);

/* clock.c: 168 MHz, brown-out reset, power-failure detector, watchdog of four seconds. */
void clock_begin(void);
bool clock_power_failing(void);
uint32_t clock_cycles(void);
void clock_wait(uint32_t microseconds);

/* bus.c: the two-wire bus of EEPROM and tag reader. */
void bus_begin(void);

/* converter.c: 2,000 conversions a second into memory, without the core. */
void converter_begin(void);
/* Take in what was converted since. */
void converter_step(void);

#endif

/* Pins, two bits each of mode, pull and speed (RM0090, section 8.4). */
#include "nucleo.h"

#define TWO_BITS(pin, value) ((uint32_t)(value) << (2u * (pin)))

void pin_mode(char port, uint8_t pin, enum pin_mode mode, enum pin_pull pull)
{
    GPIO_PULL(port) = (GPIO_PULL(port) & ~TWO_BITS(pin, 3)) | TWO_BITS(pin, pull);
    GPIO_MODE(port) = (GPIO_MODE(port) & ~TWO_BITS(pin, 3)) | TWO_BITS(pin, mode);
}

void pin_function(char port, uint8_t pin, uint8_t function)
{
    uint32_t shift = 4u * (pin % 8u);
    GPIO_FUNCTION(port, pin) = (GPIO_FUNCTION(port, pin) & ~(15u << shift)) | ((uint32_t)function << shift);
    GPIO_SPEED(port) |= TWO_BITS(pin, 3);
    pin_mode(port, pin, PIN_FUNCTION, PULL_NONE);
}

void pin_open_drain(char port, uint8_t pin)
{
    pin_put(port, pin, true);
    GPIO_DRAIN(port) |= BIT(pin);
    pin_mode(port, pin, PIN_OUTPUT, PULL_UP);
}

void pin_put(char port, uint8_t pin, bool high)
{
    GPIO_SET(port) = high ? BIT(pin) : BIT(pin + 16u);
}

bool pin_get(char port, uint8_t pin)
{
    return (GPIO_IN(port) & BIT(pin)) != 0;
}

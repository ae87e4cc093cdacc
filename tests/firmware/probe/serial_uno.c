/* The probe's serial port and time on an ATmega328P. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "probe.h"

/* 115,200 baud at 16 MHz and double speed. */
#define BAUD_DIVIDER 16

static volatile uint16_t wraps;

ISR(TIMER1_OVF_vect)
{
    wraps++;
}

void serial_start(void)
{
    UBRR0 = BAUD_DIVIDER;
    UCSR0A = _BV(U2X0);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    TCCR1A = 0;
    TCCR1B = _BV(CS10);
    TIMSK1 = _BV(TOIE1);
    sei();
}

uint8_t serial_take(void)
{
    while ((UCSR0A & _BV(RXC0)) == 0) {
    }
    return UDR0;
}

void serial_put(uint8_t byte)
{
    while ((UCSR0A & _BV(UDRE0)) == 0) {
    }
    UDR0 = byte;
}

uint32_t ticks(void)
{
    uint32_t count;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        uint16_t low = TCNT1;
        uint16_t high = wraps;
        /* A wrap whose interrupt still waits. */
        if ((TIFR1 & _BV(TOV1)) != 0 && low < 0x8000u) {
            high++;
        }
        count = ((uint32_t)high << 16) | low;
    }
    return count;
}

int main(void)
{
    probe_serve();
}

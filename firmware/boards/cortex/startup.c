/* Vectors and memory of a Cortex-M before main (ARMv7-M reference manual, B1.5). */
#include <stdint.h>

extern uint32_t stack_end, data_begin, data_end, data_source, bss_begin, bss_end;

int main(void);
void tick(void);
void cortex_halt(void);

/* An error of the program or the part: the watchdog, and without one a person, restarts the unit. The relay's
 * coil is released by the reset that follows. */
void cortex_halt(void)
{
    for (;;) {
    }
}

void reset(void);
void reset(void)
{
    const uint32_t *from = &data_source;
    for (uint32_t *to = &data_begin; to < &data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = &bss_begin; to < &bss_end; to++) {
        *to = 0;
    }
    main();
    cortex_halt();
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)&stack_end, reset, cortex_halt, cortex_halt, cortex_halt, cortex_halt, cortex_halt, 0,
    0, 0, 0, cortex_halt, cortex_halt, 0, cortex_halt, tick,
};

/* The current sensor on A0: timer 2 starts a conversion every half millisecond and DMA carries it to memory, so
 * that none is lost while the core signs or the EEPROM writes (RM0090, sections 10, 13 and 18). */
#include "nucleo.h"

#include <string.h>

#include "board.h"
#include "meter.h"

#define SAMPLES_A_SECOND 2000u
/* Two seconds: the loop never turns as slowly as that. */
#define BUFFER_SAMPLES 4096u

#define DMA2_STREAM_0 0x40026410u
#define DMA_CONTROL REGISTER(DMA2_STREAM_0)
#define DMA_LEFT REGISTER(DMA2_STREAM_0 + 0x04u)
#define DMA_FROM REGISTER(DMA2_STREAM_0 + 0x08u)
#define DMA_TO REGISTER(DMA2_STREAM_0 + 0x0cu)
/* Channel 0, halfwords, memory advances, around and around. */
#define DMA_RING (BIT(13) | BIT(11) | BIT(10) | BIT(8))
#define DMA_ON BIT(0)

#define ADC 0x40012000u
#define ADC_CONTROL_2 REGISTER(ADC + 0x08u)
#define ADC_SAMPLING_LOW REGISTER(ADC + 0x10u)
#define ADC_SEQUENCE_FIRST REGISTER(ADC + 0x34u)
#define ADC_DATA (ADC + 0x4cu)
#define ADC_COMMON REGISTER(0x40012304u)
#define ADC_ON BIT(0)
#define ADC_DMA (BIT(8) | BIT(9))
#define ADC_BY_TIMER_2 ((6u << 24) | BIT(28))
#define ADC_QUARTER_CLOCK BIT(16)
#define CHANNEL 3u
#define SLOWEST_SAMPLING 7u

#define TIMER_2 0x40000000u
#define TIMER_CONTROL REGISTER(TIMER_2)
#define TIMER_CONTROL_2 REGISTER(TIMER_2 + 0x04u)
#define TIMER_DIVIDER REGISTER(TIMER_2 + 0x28u)
#define TIMER_RELOAD REGISTER(TIMER_2 + 0x2cu)
#define TIMER_TELLS_UPDATES (2u << 4)
#define TIMER_MEGAHERTZ 84u

static volatile uint16_t samples[BUFFER_SAMPLES];
static uint16_t taken;
static uint16_t centre = 2048;
static uint16_t next_centre = 2048;
static struct window growing;
static struct window finished;
static bool window_new;

void converter_begin(void)
{
    pin_mode('A', 3, PIN_ANALOG, PULL_NONE);
    RCC_AHB1 |= BIT(22);
    RCC_APB1 |= BIT(0);
    RCC_APB2 |= BIT(8);
    DMA_FROM = ADC_DATA;
    DMA_TO = (uint32_t)(uintptr_t)samples;
    DMA_LEFT = BUFFER_SAMPLES;
    DMA_CONTROL = DMA_RING;
    DMA_CONTROL |= DMA_ON;
    ADC_COMMON = ADC_QUARTER_CLOCK;
    ADC_SAMPLING_LOW = SLOWEST_SAMPLING << (3u * CHANNEL);
    ADC_SEQUENCE_FIRST = CHANNEL;
    ADC_CONTROL_2 = ADC_ON;
    clock_wait(10);
    ADC_CONTROL_2 = ADC_ON | ADC_DMA | ADC_BY_TIMER_2;
    TIMER_DIVIDER = TIMER_MEGAHERTZ - 1u;
    TIMER_RELOAD = 1000000u / SAMPLES_A_SECOND - 1u;
    TIMER_CONTROL_2 = TIMER_TELLS_UPDATES;
    TIMER_CONTROL = 1u;
}

static void finish_window(void)
{
    finished = growing;
    finished.milliseconds = (uint16_t)(growing.count / (SAMPLES_A_SECOND / 1000u));
    memset(&growing, 0, sizeof growing);
    centre = next_centre;
    window_new = true;
}

void converter_step(void)
{
    uint16_t end = (uint16_t)((BUFFER_SAMPLES - DMA_LEFT) % BUFFER_SAMPLES);
    while (taken != end) {
        window_add(&growing, samples[taken], centre);
        taken = (uint16_t)((taken + 1u) % BUFFER_SAMPLES);
        /* A window that nobody took is added to, not lost. */
        if (growing.count >= (window_new ? WINDOW_SAMPLES_MAX : SAMPLES_A_SECOND)) {
            finish_window();
        }
    }
}

bool board_window(struct window *window)
{
    bool fresh = window_new;
    if (fresh) {
        *window = finished;
        window_new = false;
    }
    return fresh;
}

void board_centre(uint16_t counts)
{
    next_centre = counts;
}

#include "bench.h"

#include <string.h>

#include "board.h"
#include "bytes.h"

#define WINDOW_MILLISECONDS 1000u
#define ARGUMENT_MAX (TAG_ID_BYTES_MAX + 1u)

static struct {
    /* The frame that is coming in. */
    uint8_t kind;
    uint8_t have;
    uint8_t need;
    uint16_t conversions;
    uint8_t argument[ARGUMENT_MAX];
    /* What the world said last. */
    bool begun;
    uint8_t switches;
    bool erase;
    uint16_t interval;
    uint16_t voltage;
    uint8_t pilot;
    bool climate_new;
    int8_t temperature;
    uint8_t humidity;
    uint8_t tag_bytes;
    uint8_t tag[TAG_ID_BYTES_MAX];
    /* Time, and the sensor. */
    uint16_t microseconds;
    uint32_t milliseconds;
    uint32_t stepped;
    uint32_t window_from;
    uint16_t centre;
    bool window_new;
    struct window growing;
    struct window finished;
    bool relay;
} bench = {.interval = 500, .pilot = 2, .centre = (ADC_FULL_SCALE + 1u) / 2u};

static void add_conversion(uint16_t counts)
{
    window_add(&bench.growing, counts, bench.centre);
    bench.microseconds = (uint16_t)(bench.microseconds + bench.interval);
    while (bench.microseconds >= 1000u) {
        bench.microseconds = (uint16_t)(bench.microseconds - 1000u);
        bench.milliseconds++;
    }
    if (bench.milliseconds - bench.window_from >= WINDOW_MILLISECONDS) {
        bench.growing.milliseconds = (uint16_t)(bench.milliseconds - bench.window_from);
        bench.window_from = bench.milliseconds;
        bench.finished = bench.growing;
        bench.window_new = true;
        memset(&bench.growing, 0, sizeof bench.growing);
    }
}

static void answer_query(const struct unit *unit)
{
    uint8_t frame[15];
    frame[0] = 'A';
    put_u32(frame + 1, bench.milliseconds);
    frame[5] = unit->exchange.state;
    frame[6] = unit->relay.closed ? 1 : 0;
    put_u64(frame + 7, unit->meter.energy);
    bench_put(frame, sizeof frame);
}

/* Bytes that follow a frame's first; the tag's and the conversions' depend on what they begin with. */
static uint8_t argument_bytes(uint8_t kind)
{
    switch (kind) {
    case 'B':
        return 4;
    case 'W':
    case 'V':
    case 'C':
        return 2;
    case 'T':
    case 'P':
        return 1;
    default:
        return 0;
    }
}

static void take_frame(struct unit *unit)
{
    const uint8_t *argument = bench.argument;
    switch (bench.kind) {
    case 'B':
        bench.switches = argument[0] & 63u;
        bench.erase = argument[1] != 0;
        bench.interval = get_u16(argument + 2);
        bench.begun = true;
        break;
    case 'W':
        bench.conversions = get_u16(argument);
        break;
    case 'V':
        bench.voltage = get_u16(argument);
        break;
    case 'C':
        bench.temperature = (int8_t)argument[0];
        bench.humidity = argument[1];
        bench.climate_new = true;
        break;
    case 'T':
        bench.tag_bytes = argument[0];
        memcpy(bench.tag, argument + 1, TAG_ID_BYTES_MAX);
        break;
    case 'P':
        bench.pilot = argument[0];
        break;
    case 'F':
        unit_power_failing(unit);
        break;
    case 'Q':
        answer_query(unit);
        break;
    default:
        break;
    }
}

/* A byte of a frame's argument, or of a conversion. */
static void take_argument(uint8_t byte, struct unit *unit)
{
    bench.argument[bench.have++] = byte;
    if (bench.kind == 'T' && bench.have == 1) {
        bench.argument[0] = byte > TAG_ID_BYTES_MAX ? TAG_ID_BYTES_MAX : byte;
        bench.need = (uint8_t)(1u + bench.argument[0]);
    }
    if (bench.have < bench.need) {
        return;
    }
    bench.have = 0;
    if (bench.conversions > 0) {
        bench.conversions--;
        add_conversion(get_u16(bench.argument));
        bench.need = bench.conversions > 0 ? 2 : 0;
        return;
    }
    bench.need = 0;
    take_frame(unit);
    if (bench.conversions > 0) {
        bench.need = 2;
    }
}

bool bench_take(uint8_t byte, struct unit *unit)
{
    if (bench.need > 0) {
        take_argument(byte, unit);
    } else {
        bench.kind = byte;
        bench.need = argument_bytes(byte);
        if (bench.need == 0) {
            take_frame(unit);
        }
    }
    if (bench.milliseconds - bench.stepped < BENCH_STEP) {
        return false;
    }
    bench.stepped = bench.milliseconds;
    return true;
}

void bench_greet(void)
{
    static const uint8_t frame[1] = {'H'};
    bench_put(frame, sizeof frame);
}

bool bench_begun(void)
{
    return bench.begun;
}

uint32_t board_milliseconds(void)
{
    return bench.milliseconds;
}

void board_relay(bool closed)
{
    uint8_t frame[2] = {'R', closed ? 1 : 0};
    if (bench.relay != closed) {
        bench.relay = closed;
        bench_put(frame, sizeof frame);
    }
}

void board_pilot(uint16_t deciamperes)
{
    uint8_t frame[3] = {'L', 0, 0};
    put_u16(frame + 1, deciamperes);
    bench_put(frame, sizeof frame);
}

bool board_connected(bool *connected)
{
    *connected = bench.pilot == 1;
    return bench.pilot != 2;
}

bool board_window(struct window *window)
{
    if (!bench.window_new) {
        return false;
    }
    *window = bench.finished;
    bench.window_new = false;
    return true;
}

void board_centre(uint16_t counts)
{
    bench.centre = counts;
}

bool board_voltage(uint16_t *decivolts)
{
    *decivolts = bench.voltage;
    return bench.voltage != 0;
}

bool board_climate(int8_t *temperature, uint8_t *humidity)
{
    if (!bench.climate_new) {
        return false;
    }
    *temperature = bench.temperature;
    *humidity = bench.humidity;
    bench.climate_new = false;
    return true;
}

uint8_t board_tag(uint8_t id[TAG_ID_BYTES_MAX])
{
    uint8_t count = bench.tag_bytes;
    memcpy(id, bench.tag, count);
    bench.tag_bytes = 0;
    return count;
}

uint8_t board_switches(void)
{
    return bench.switches;
}

bool board_erase_held(void)
{
    return bench.erase;
}

void board_show_key(const uint8_t key[32])
{
    uint8_t frame[33];
    frame[0] = 'K';
    memcpy(frame + 1, key, 32);
    bench_put(frame, sizeof frame);
}

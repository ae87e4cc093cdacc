/* Makes and judges messages with the core as it is on this very part, and times it.
 *
 * A question is kind u8, length u16, content; its answer length u16, content; little-endian. Kinds:
 *   'B' class u8, key 32, the batch's header with its samples    -> the message and its hash 32
 *   'R' class u8, key 32, kind u8, unit u16, network 8, boot u32, number u32, time u32, tag 16 -> the message
 *   'T' salt 32, id                                              -> the hash 16
 *   'C' class u8, key 32, unit u16, network 8, boot u32, last counter u32, clock set u8, clock u32, message
 *                                                                -> the refusal u8
 *   'G' class u8, key 32, unit u16, network 8, boot u32, message -> the refusal u8
 *   'S' class u8, key 32, flags u8, unit u16, network 8, boot u32, number u32, version u32, failed u32, falls u16,
 *       board 16                                               -> the message
 *   'O' class u8, key 32, unit u16, network 8, boot u32, number u32, message
 *                                                                -> the refusal u8, and where it is none the kind u8
 *   'F' class u8, key 32, board 16, most u32, envelope           -> the refusal of firmware.h u8, and where it is none
 *                                                                   version u32, length u32, hash 32
 *   'Z' operation u8, class u8, key 32, times u16                -> ticks u32 that so many took
 *
 * 'F' is answered where UNIT_UPDATE is 1 (cortex/limits.h): no image for an AVR takes a new firmware.
 */
#include "probe.h"

#include <string.h>

#include "authentication.h"
#include "batch.h"
#include "board.h"
#include "bytes.h"
#include "command.h"
#include "configuration.h"
#include "firmware.h"
#include "meter.h"
#include "request.h"
#include "status.h"

#define KEY_AT 1u
#define FIELDS_AT 33u
#define QUESTION_MAX (FIELDS_AT + BATCH_BODY_BYTES_MAX + TAG_BYTES_MAX)

enum operation { NOTHING, SEAL, HASH, BATCH, CHECK, CONVERSIONS, WINDOW };

static uint8_t question[QUESTION_MAX];
static uint16_t length;

/* Which firmware this is, as the question says: the vectors are of one board, and the core's own version.c is left out. */
static uint32_t version;
static uint8_t board[BOARD_BYTES];

uint32_t firmware_version(void)
{
    return version;
}

void firmware_board(uint8_t to[BOARD_BYTES])
{
    memcpy(to, board, BOARD_BYTES);
}

static uint16_t take_u16(void)
{
    uint8_t low = serial_take();
    return (uint16_t)(low | (uint16_t)(serial_take() << 8));
}

static void answer(const uint8_t *bytes, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        serial_put(bytes[i]);
    }
}

static void begin_answer(uint16_t count)
{
    uint8_t head[2];
    put_u16(head, count);
    answer(head, 2);
}

/* The keys that a question begins with: for a unit's messages its own, for a gateway's the gateway's. */
static void load_keys(struct keys *keys)
{
    memset(keys, 0, sizeof *keys);
    keys->unit_class = question[0];
    memcpy(keys->mac, question + KEY_AT, MAC_KEY_BYTES);
#if UNIT_ED25519
    memcpy(keys->signing, question + KEY_AT, KEY_BYTES);
    if (keys->unit_class == CLASS_ED25519) {
        authentication_derive(keys, question + KEY_AT);
    }
#endif
}

/* From the fields of a header to the header that the core makes of them, in the same place. */
static uint16_t make_batch(const struct keys *keys, uint8_t *message)
{
    uint8_t fields[BATCH_HEADER_BYTES];
    memcpy(fields, message, sizeof fields);
    memset(message, 0, BATCH_HEADER_BYTES);
    struct batch batch = {
        .flags = fields[1], .reason = fields[85], .unit = get_u16(fields + 2), .network = fields + 4,
        .boot = get_u32(fields + 12), .number = get_u32(fields + 16), .time = get_u32(fields + 20),
        .energy = get_u64(fields + 24), .session = fields + 32, .previous = fields + 48,
        .period = get_u16(fields + 80), .temperature = (int8_t)fields[82], .humidity = fields[83],
        .count = fields[84],
    };
    uint8_t *samples = message + BATCH_HEADER_BYTES;
    for (uint8_t i = 0; i < batch.count; i++, samples += SAMPLE_BYTES) {
        batch_put_sample(message, i, get_u16(samples), get_u16(samples + 2));
    }
    batch_put(&batch, message);
    uint16_t body = batch_body_bytes(message);
    authentication_seal(keys, DOMAIN_BATCH, message, body, message + body);
    return (uint16_t)(body + authentication_bytes(keys));
}

static void answer_batch(const struct keys *keys)
{
    uint8_t hash[HASH_BYTES];
    uint8_t *message = question + FIELDS_AT;
    uint16_t count = make_batch(keys, message);
    message_hash(message, count, hash);
    begin_answer((uint16_t)(count + HASH_BYTES));
    answer(message, count);
    answer(hash, HASH_BYTES);
}

static void answer_request(const struct keys *keys)
{
    uint8_t message[REQUEST_BYTES_MAX];
    const uint8_t *fields = question + FIELDS_AT;
    struct request request = {
        .kind = fields[0], .unit = get_u16(fields + 1), .network = fields + 3, .boot = get_u32(fields + 11),
        .number = get_u32(fields + 15), .time = get_u32(fields + 19), .tag = fields + 23,
    };
    uint8_t count = request_put(&request, keys, message);
    begin_answer(count);
    answer(message, count);
}

static void answer_status(const struct keys *keys)
{
    uint8_t message[STATUS_BYTES_MAX];
    const uint8_t *fields = question + FIELDS_AT;
    struct status status = {
        .flags = fields[0], .unit = get_u16(fields + 1), .network = fields + 3, .boot = get_u32(fields + 11),
        .number = get_u32(fields + 15), .failed = get_u32(fields + 23), .falls = get_u16(fields + 27),
    };
    version = get_u32(fields + 19);
    memcpy(board, fields + 29, BOARD_BYTES);
    uint8_t count = status_put(&status, keys, message);
    begin_answer(count);
    answer(message, count);
}

static void answer_tag(void)
{
    uint8_t hash[TAG_HASH_BYTES];
    tag_hash(question, question + SALT_BYTES, (uint8_t)(length - SALT_BYTES), hash);
    begin_answer(TAG_HASH_BYTES);
    answer(hash, TAG_HASH_BYTES);
}

static enum refusal judge_command(const struct keys *keys)
{
    const uint8_t *fields = question + FIELDS_AT;
    struct command command;
    struct command_state state = {
        .unit = get_u16(fields), .network = fields + 2, .boot = get_u32(fields + 10),
        .last_counter = get_u32(fields + 14), .clock_set = fields[18] != 0, .clock = get_u32(fields + 19),
    };
    return command_judge(&state, keys, fields + 23, (uint16_t)(length - FIELDS_AT - 23u), &command);
}

static enum refusal judge_configuration(const struct keys *keys)
{
    const uint8_t *fields = question + FIELDS_AT;
    return configuration_judge(get_u16(fields), fields + 2, get_u32(fields + 10), keys, fields + 14,
                               (uint16_t)(length - FIELDS_AT - 14u));
}

static void answer_refusal(enum refusal refusal)
{
    begin_answer(1);
    serial_put((uint8_t)refusal);
}

static void answer_offer(const struct keys *keys)
{
    const uint8_t *fields = question + FIELDS_AT;
    struct status status = {
        .unit = get_u16(fields), .network = fields + 2, .boot = get_u32(fields + 10), .number = get_u32(fields + 14),
    };
    uint8_t judged[2];
    judged[0] = (uint8_t)offer_judge(&status, keys, fields + 18, (uint16_t)(length - FIELDS_AT - 18u), judged + 1);
    uint16_t count = judged[0] == REFUSAL_NONE ? 2 : 1;
    begin_answer(count);
    answer(judged, count);
}

#if UNIT_UPDATE
static void answer_firmware(void)
{
    const uint8_t *fields = question + FIELDS_AT;
    struct firmware firmware;
    uint8_t judged[9];
    memcpy(board, fields, BOARD_BYTES);
    judged[0] = (uint8_t)firmware_judge(question + KEY_AT, fields + BOARD_BYTES + 4,
                                        (uint16_t)(length - FIELDS_AT - BOARD_BYTES - 4u),
                                        get_u32(fields + BOARD_BYTES), &firmware);
    if (judged[0] != FIRMWARE_SOUND) {
        begin_answer(1);
        answer(judged, 1);
        return;
    }
    put_u32(judged + 1, firmware.version);
    put_u32(judged + 5, firmware.length);
    begin_answer(sizeof judged + HASH_BYTES);
    answer(judged, sizeof judged);
    answer(firmware.hash, HASH_BYTES);
}
#endif

/* One of what is timed: messages of a minute's samples, the window of a second. */
static void operate(uint8_t operation, const struct keys *keys)
{
    static struct meter meter;
    static struct window window;
    uint8_t *message = question + FIELDS_AT;
    uint8_t hash[HASH_BYTES];
    uint16_t body = BATCH_HEADER_BYTES + 6u * SAMPLE_BYTES;
    switch (operation) {
    case SEAL:
        authentication_seal(keys, DOMAIN_BATCH, message, body, message + body);
        break;
    case HASH:
        message_hash(message, (uint16_t)(body + authentication_bytes(keys)), hash);
        break;
    case BATCH:
        message[84] = 6;
        message_hash(message, make_batch(keys, message), hash);
        break;
    case CHECK:
        (void)authentication_holds(keys, DOMAIN_COMMAND, message, COMMAND_BODY_BYTES, message + COMMAND_BODY_BYTES);
        break;
    case CONVERSIONS:
        memset(&window, 0, sizeof window);
        for (uint16_t i = 0; i < 2000; i++) {
            window_add(&window, (uint16_t)(480u + (i & 63u)), 512);
        }
        break;
    case WINDOW:
        meter.gain = 75753;
        window.milliseconds = 1000;
        meter_window(&meter, &window, 2300);
        break;
    default:
        break;
    }
}

static void answer_time(void)
{
    struct keys keys;
    uint8_t operation = question[0];
    memmove(question, question + 1, FIELDS_AT);
    uint16_t times = get_u16(question + 1u + FIELDS_AT);
    uint8_t passed[4];
    load_keys(&keys);
    if (operation == WINDOW) {
        operate(CONVERSIONS, &keys);
    }
    uint32_t begin = ticks();
    for (uint16_t i = 0; i < times; i++) {
        operate(operation, &keys);
    }
    put_u32(passed, ticks() - begin);
    begin_answer(4);
    answer(passed, 4);
}

static void answer_question(uint8_t kind)
{
    struct keys keys;
    if (kind == 'T') {
        answer_tag();
        return;
    }
    if (kind == 'Z') {
        answer_time();
        return;
    }
#if UNIT_UPDATE
    if (kind == 'F') {
        answer_firmware();
        return;
    }
#endif
    load_keys(&keys);
    if (kind == 'B') {
        answer_batch(&keys);
    } else if (kind == 'R') {
        answer_request(&keys);
    } else if (kind == 'C') {
        answer_refusal(judge_command(&keys));
    } else if (kind == 'S') {
        answer_status(&keys);
    } else if (kind == 'O') {
        answer_offer(&keys);
    } else {
        answer_refusal(judge_configuration(&keys));
    }
}

void probe_serve(void)
{
    serial_start();
    serial_put('!');
    for (;;) {
        uint8_t kind = serial_take();
        length = take_u16();
        for (uint16_t i = 0; i < length; i++) {
            uint8_t byte = serial_take();
            if (i < sizeof question) {
                question[i] = byte;
            }
        }
        answer_question(kind);
    }
}

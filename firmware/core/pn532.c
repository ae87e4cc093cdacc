#include "pn532.h"

#include <stddef.h>
#include <string.h>

#include "flash.h"
#include "outline.h"

#define STATE_ABSENT 0
#define STATE_CONFIGURING 1
#define STATE_LISTING 2
#define STATE_SELECTING 3
#define STATE_RESTING 4

#define FROM_HOST 0xd4u
#define TO_HOST 0xd5u
#define SAM_CONFIGURATION 0x14u
#define LIST_PASSIVE_TARGET 0x4au
#define DATA_EXCHANGE 0x40u
#define ACK_BYTES 6u
/* Bytes of a frame before its data, and after. */
#define FRAME_HEAD 7u
#define FRAME_BYTES_MAX 40u

#define LOOK_INTERVAL 50u
#define ABSENT_INTERVAL 10000u
#define REST 2000u
#define ANSWER_WITHIN 500u
/* The target speaks ISO/IEC 14443-4 (SEL_RES, bit 6). */
#define SPEAKS_14443_4 0x20u

static const FLASH uint8_t CONFIGURE[] = {SAM_CONFIGURATION, 1, 0x14, 1};
static const FLASH uint8_t LIST[] = {LIST_PASSIVE_TARGET, 1, 0};
/* SELECT of the application F0 "CONDO" (ISO/IEC 7816-4, section 11.2.2). */
static const FLASH uint8_t SELECT[] = {DATA_EXCHANGE, 1, 0x00, 0xa4, 0x04, 0x00, 6, 0xf0, 'C', 'O', 'N', 'D', 'O', 0};

/* Send a command in a normal information frame (UM0701-02, section 6.2.1.1). */
OUTLINE static bool send(struct pn532 *pn532, const FLASH uint8_t *command, uint8_t count, uint32_t now)
{
    uint8_t frame[FRAME_BYTES_MAX] = {0x00, 0x00, 0xff, (uint8_t)(count + 1u), (uint8_t)-(count + 1u), FROM_HOST};
    uint8_t sum = FROM_HOST;
    for (uint8_t i = 0; i < count; i++) {
        frame[6 + i] = command[i];
        sum = (uint8_t)(sum + command[i]);
    }
    frame[6 + count] = (uint8_t)-sum;
    frame[7 + count] = 0;
    pn532->since = now;
    pn532->acknowledged = false;
    return pn532_write(frame, (uint8_t)(count + 8u));
}

/* Check a frame and give its data behind the response code; NULL where it is none. */
static const uint8_t *data_of(const uint8_t *frame, uint8_t command, uint8_t *count)
{
    if (frame[0] != 0 || frame[1] != 0 || frame[2] != 0xff || (uint8_t)(frame[3] + frame[4]) != 0 ||
        frame[3] < 2 || frame[3] > FRAME_BYTES_MAX - FRAME_HEAD) {
        return NULL;
    }
    uint8_t sum = 0;
    for (uint8_t i = 0; i <= frame[3]; i++) {
        sum = (uint8_t)(sum + frame[5 + i]);
    }
    if (sum != 0 || frame[5] != TO_HOST || frame[6] != command + 1u) {
        return NULL;
    }
    *count = (uint8_t)(frame[3] - 2u);
    return frame + FRAME_HEAD;
}

/* One target: 1, its number, SENS_RES 2, SEL_RES 1, length of the id, the id (UM0701-02, section 7.3.5). */
static uint8_t tag_of(const uint8_t *data, uint8_t count, uint8_t id[TAG_ID_BYTES_MAX], bool *phone)
{
    if (count < 6 || data[0] != 1 || data[5] == 0 || data[5] > 10 || data[5] + 6u > count) {
        return 0;
    }
    *phone = (data[4] & SPEAKS_14443_4) != 0;
    memcpy(id, data + 6, data[5]);
    return data[5];
}

/* The application's answer: status 0, the id, 90 00. */
static uint8_t phone_of(const uint8_t *data, uint8_t count, uint8_t id[TAG_ID_BYTES_MAX])
{
    if (count < 4 || count > TAG_ID_BYTES_MAX + 3u || data[0] != 0 || data[count - 2] != 0x90 ||
        data[count - 1] != 0) {
        return 0;
    }
    memcpy(id, data + 1, (uint8_t)(count - 3u));
    return (uint8_t)(count - 3u);
}

static void turn(struct pn532 *pn532, uint8_t state, uint32_t now)
{
    pn532->state = state;
    pn532->since = now;
}

static void list(struct pn532 *pn532, uint32_t now)
{
    pn532->state = send(pn532, LIST, sizeof LIST, now) ? STATE_LISTING : STATE_ABSENT;
}

static uint8_t take_answer(struct pn532 *pn532, uint32_t now, const uint8_t *frame, uint8_t id[TAG_ID_BYTES_MAX])
{
    uint8_t count = 0;
    bool phone = false;
    uint8_t command = pn532->state == STATE_CONFIGURING ? SAM_CONFIGURATION
                      : pn532->state == STATE_LISTING   ? LIST_PASSIVE_TARGET
                                                        : DATA_EXCHANGE;
    const uint8_t *data = data_of(frame, command, &count);
    if (data == NULL) {
        turn(pn532, STATE_RESTING, now);
        return 0;
    }
    if (pn532->state == STATE_CONFIGURING) {
        list(pn532, now);
        return 0;
    }
    if (pn532->state == STATE_SELECTING) {
        turn(pn532, STATE_RESTING, now);
        return phone_of(data, count, id);
    }
    uint8_t length = tag_of(data, count, id, &phone);
    turn(pn532, STATE_RESTING, now);
    if (phone && send(pn532, SELECT, sizeof SELECT, now)) {
        pn532->state = STATE_SELECTING;
        return 0;
    }
    return length;
}

OUTLINE uint8_t pn532_step(struct pn532 *pn532, uint32_t now, uint8_t id[TAG_ID_BYTES_MAX])
{
    uint8_t frame[FRAME_BYTES_MAX];
    uint32_t passed = now - pn532->since;
    if (pn532->state == STATE_ABSENT) {
        if (passed >= ABSENT_INTERVAL) {
            pn532->since = now;
            pn532->state = send(pn532, CONFIGURE, sizeof CONFIGURE, now) ? STATE_CONFIGURING : STATE_ABSENT;
        }
        return 0;
    }
    if (pn532->state == STATE_RESTING) {
        if (passed >= REST) {
            list(pn532, now);
        }
        return 0;
    }
    if (now - pn532->looked < LOOK_INTERVAL) {
        return 0;
    }
    pn532->looked = now;
    if (!pn532->acknowledged) {
        pn532->acknowledged = pn532_read(frame, ACK_BYTES);
        if (!pn532->acknowledged && passed > ANSWER_WITHIN) {
            turn(pn532, STATE_ABSENT, now);
        }
        return 0;
    }
    if (pn532_read(frame, FRAME_BYTES_MAX)) {
        return take_answer(pn532, now, frame, id);
    }
    /* Listing waits for a tag for as long as it takes; the rest answers soon or not at all. */
    if (pn532->state != STATE_LISTING && passed > ANSWER_WITHIN) {
        turn(pn532, STATE_ABSENT, now);
    }
    return 0;
}

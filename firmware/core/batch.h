/* Reading batches in bytes: the table at the head of chaincode/signing/batch.py. */
#ifndef CONDOCHARGE_BATCH_H
#define CONDOCHARGE_BATCH_H

#include <stdint.h>

#define BATCH_VERSION 1u
#define BATCH_HEADER_BYTES 88u
#define BATCH_SAMPLES_MAX 120u
#define SAMPLE_BYTES 4u
#define BATCH_BODY_BYTES_MAX (BATCH_HEADER_BYTES + SAMPLE_BYTES * BATCH_SAMPLES_MAX)
#define NETWORK_BYTES 8u
#define SESSION_BYTES 16u
#define NO_TEMPERATURE (-128)
#define NO_HUMIDITY 255u

/* What was so at the end of a batch. */
enum batch_flag {
    FLAG_BEGIN = 1,
    FLAG_END = 2,
    FLAG_CLOSED = 4,
    FLAG_CONNECTED = 8,
    FLAG_COMPLETE = 16,
    FLAG_MEASURED_VOLTAGE = 32,
    FLAG_CLOCK_UNSET = 64,
    FLAG_FAULT = 128
};

/* Why the unit itself ended a session. */
enum batch_reason {
    REASON_NONE = 0,
    REASON_COMMAND = 1,
    REASON_GRANT_EXPIRED = 2,
    REASON_POWER_LOST = 3,
    REASON_OVER_CURRENT = 4,
    REASON_OVER_TEMPERATURE = 5,
    REASON_NO_CURRENT = 6
};

/* A batch's header; times in Unix seconds, `energy` (the register) in mWh, `period` in seconds. */
struct batch {
    uint8_t flags;
    uint8_t reason;
    uint16_t unit;
    const uint8_t *network;
    uint32_t boot;
    uint32_t number;
    uint32_t time;
    uint64_t energy;
    const uint8_t *session;
    const uint8_t *previous;
    uint16_t period;
    int8_t temperature;
    uint8_t humidity;
    uint8_t count;
};

/* Write the header of `batch` to `to`; its samples stand behind it already. */
void batch_put(const struct batch *batch, uint8_t to[BATCH_HEADER_BYTES]);

/* Write sample `index` (from 0): current in mA, voltage in tenths of a volt. */
void batch_put_sample(uint8_t *batch, uint8_t index, uint16_t current, uint16_t voltage);

/* How many bytes the batch at `batch` has without authentication; its header is complete. */
uint16_t batch_body_bytes(const uint8_t *batch);

uint8_t batch_flags(const uint8_t *batch);
uint32_t batch_number(const uint8_t *batch);

#endif

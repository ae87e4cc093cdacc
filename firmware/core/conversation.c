/* Talking to the gateway: what to ask next, and what its answers change (docs/protocol.md, "A unit's life"). */
#include "unit.h"

#include <string.h>

#include "board.h"
#include "network.h"
#include "outline.h"

/* A gateway may hold an answer no longer than this, s. */
#define HOLD_MAX 25u
/* Where a gateway answers at once although it might have held the answer, ask again no sooner, ms. */
#define ASK_AGAIN 10000u
/* A vehicle on an always-on socket may draw on; then END goes out with FAULT, ms. */
#define ALWAYS_ON_PATIENCE 10000u
/* How often an unanswered time server is asked, s. */
#define TIME_AGAIN 64u
/* After so many failures in a row the network is begun anew: another lease, another address of the server. */
#define FAILURES_BEFORE_RESTART 6u

static uint16_t server_port(const struct unit *unit)
{
    return unit->configured ? unit->configuration.port : unit->identity.port;
}

/* Keep in persistent memory which session goes on after a power cut, once the gateway has its beginning. */
static void remember_session(struct unit *unit, bool ongoing, bool begun)
{
    if (ongoing) {
        memcpy(unit->store.session, unit->session.id, SESSION_BYTES);
    } else {
        memset(unit->store.session, 0, SESSION_BYTES);
    }
    unit->store.begun = begun;
    store_state(&unit->store);
}

static void acknowledge(struct unit *unit, uint32_t number)
{
    struct session *session = &unit->session;
    ring_acknowledge(&unit->ring, number);
    if (session->begin_number != 0 && number >= session->begin_number) {
        session->begin_number = 0;
        remember_session(unit, true, true);
    }
    if (session->end_number != 0 && number >= session->end_number) {
        session->end_number = 0;
        if (!session_counts(session)) {
            remember_session(unit, false, false);
        }
    }
}

/* The last batch of a session. Readings since the batch before are in it. */
static bool finish_session(struct unit *unit)
{
    if (!readings_batch(unit, FLAG_END)) {
        return false;
    }
    memcpy(unit->session.ended, unit->session.id, SESSION_BYTES);
    unit->session.phase = SESSION_NONE;
    unit->session.begin_due = false;
    unit->session.complete = false;
    return true;
}

static bool current_stopped(const struct unit *unit, uint32_t now)
{
    if (unit->configuration.always_on) {
        return unit->meter.current == 0 || now - unit->session.ending_from >= ALWAYS_ON_PATIENCE;
    }
    return relay_settled(&unit->relay, now) && unit->meter.current == 0;
}

/* Send BEGIN when the relay has closed, END when no current flows. */
static void mark_session(struct unit *unit, uint32_t now)
{
    struct session *session = &unit->session;
    bool closed = unit->relay.closed || unit->configuration.always_on;
    if (session->phase == SESSION_ACTIVE && session->begin_due && closed) {
        /* Readings from before the session have a batch of their own; BEGIN has no samples. */
        if (unit->ring.count > 0 && !readings_batch(unit, 0)) {
            ring_forget(&unit->ring);
        }
        if (readings_batch(unit, FLAG_BEGIN)) {
            remember_session(unit, true, false);
        }
    }
    if (session->phase == SESSION_ENDING && current_stopped(unit, now)) {
        finish_session(unit);
    }
}

OUTLINE static bool obey(struct unit *unit, uint32_t now)
{
    struct command command;
    struct command_state state = {
        .unit = unit->identity.unit,
        .network = unit->identity.network,
        .boot = unit->store.boot,
        .last_counter = unit->last_counter,
        .clock_set = unit->clock.source == CLOCK_GATEWAY,
        .clock = unit->clock.seconds,
    };
    struct http *answer = &unit->exchange.http;
    if (command_judge(&state, &unit->identity.keys, answer->body, answer->received, &command) != REFUSAL_NONE) {
        return false;
    }
    uint16_t waiting = unit->ring.whole;
    unit->last_counter = command.counter;
    maintenance_heard(unit);
    acknowledge(unit, command.acknowledged);
    if (!session_counts(&unit->session)) {
        clock_set(&unit->clock, command.issued, now, CLOCK_GATEWAY);
    }
    if (session_obey(&unit->session, &command, now)) {
        /* The old session ends with what the register says now; the relay is open or opens with it. */
        relay_open(&unit->relay, now);
        if (finish_session(unit)) {
            session_obey(&unit->session, &command, now);
        }
    }
    /* A gateway that stores nothing of what it was sent is asked again later, not at once. */
    return unit->exchange.kind != EXCHANGE_READINGS || unit->ring.whole != waiting || waiting == 0;
}

static bool configure(struct unit *unit)
{
    struct http *answer = &unit->exchange.http;
    if (configuration_judge(unit->identity.unit, unit->identity.network, unit->store.boot, &unit->identity.keys,
                            answer->body, answer->received) != REFUSAL_NONE) {
        return false;
    }
    store_put_configuration(answer->body);
    configuration_get(answer->body, &unit->configuration);
    unit->configured = true;
    network_start(unit->identity.ethernet, &unit->configuration);
    return true;
}

/* Whether an exchange was about firmware, which says nothing of whether readings get through. */
static bool is_maintenance(const struct unit *unit)
{
    return unit->exchange.kind == EXCHANGE_STATUS || unit->exchange.kind == EXCHANGE_IMAGE;
}

static void answered(struct unit *unit, uint32_t now)
{
    if (is_maintenance(unit)) {
        if (!maintenance_answered(unit)) {
            maintenance_failed(unit);
        }
        return;
    }
    bool accepted = unit->exchange.kind == EXCHANGE_CONFIGURATION ? configure(unit) : obey(unit, now);
    if (accepted) {
        backoff_succeeded(&unit->backoff);
        if (unit->exchange.kind == EXCHANGE_REQUEST) {
            unit->request_due = false;
        }
    } else {
        backoff_failed(&unit->backoff, now);
    }
}

static void failed(struct unit *unit, uint32_t now)
{
    if (is_maintenance(unit)) {
        maintenance_failed(unit);
        return;
    }
    backoff_failed(&unit->backoff, now);
    if (unit->backoff.failures >= FAILURES_BEFORE_RESTART) {
        network_start(unit->identity.ethernet, unit->configured ? &unit->configuration : NULL);
    }
}

/* How long the gateway may hold this answer: until the next batch is due. */
static uint8_t hold(const struct unit *unit)
{
    if (unit->clock.source != CLOCK_GATEWAY || unit->batch_due <= unit->clock.seconds) {
        return 0;
    }
    uint32_t wait = unit->batch_due - unit->clock.seconds;
    uint32_t most = unit->identity.hold < HOLD_MAX ? unit->identity.hold : HOLD_MAX;
    return (uint8_t)(wait < most ? wait : most);
}

OUTLINE void conversation_ask(struct unit *unit, enum exchange_kind kind, uint32_t now)
{
    char host[HOST_BYTES];
    if (kind == EXCHANGE_CONFIGURATION) {
        identity_server(host);
    } else {
        store_host(SERVER_OFFSET, host);
    }
    unit->asked = now;
    unit->exchange.unit = unit->identity.unit;
    unit->exchange.boot = unit->store.boot;
    uint8_t wait = kind == EXCHANGE_STATUS || kind == EXCHANGE_IMAGE ? 0 : hold(unit);
    exchange_begin(&unit->exchange, kind, host, server_port(unit), wait, now);
}

/* A tag that was held to the reader becomes a start request (chaincode/signing/request.py). */
OUTLINE static void read_tag(struct unit *unit)
{
    uint8_t id[TAG_ID_BYTES_MAX];
    if (unit->exchange.state != EXCHANGE_IDLE && unit->exchange.kind == EXCHANGE_STATUS) {
        /* The status lies where the request would; the reader keeps the tag for this moment. */
        return;
    }
    uint8_t count = board_tag(id);
    bool asking = unit->exchange.state != EXCHANGE_IDLE && unit->exchange.kind == EXCHANGE_REQUEST;
    if (count == 0 || asking || unit->clock.source != CLOCK_GATEWAY) {
        return;
    }
    uint8_t salt[SALT_BYTES];
    uint8_t hash[TAG_HASH_BYTES];
    identity_salt(salt);
    tag_hash(salt, id, count, hash);
    struct request request = {
        .kind = REQUEST_TAG,
        .unit = unit->identity.unit,
        .network = unit->identity.network,
        .boot = unit->store.boot,
        .number = ++unit->requests,
        .time = unit->clock.seconds,
        .tag = hash,
    };
    unit->exchange.request_bytes = request_put(&request, &unit->identity.keys, unit->exchange.request);
    unit->request_due = true;
}

static void ask_next(struct unit *unit, uint32_t now)
{
    if (!network_ready() || !backoff_over(&unit->backoff, now)) {
        return;
    }
    if (!unit->configured) {
        conversation_ask(unit, EXCHANGE_CONFIGURATION, now);
    } else if (unit->request_due) {
        conversation_ask(unit, EXCHANGE_REQUEST, now);
    } else if (unit->ring.whole > 0) {
        conversation_ask(unit, EXCHANGE_READINGS, now);
    } else if (maintenance_ask(unit, now)) {
        return;
    } else if (now - unit->asked >= ASK_AGAIN && hold(unit) > 0) {
        /* Nothing to tell, but a command may wait: a batch asks for it. */
        readings_batch(unit, 0);
    }
}

void conversation_step(struct unit *unit, uint32_t now)
{
    if (unit->configured) {
        if (!unit->announced) {
            unit->announced = readings_batch(unit, 0);
        }
        mark_session(unit, now);
        read_tag(unit);
    }
    if (unit->exchange.state == EXCHANGE_IDLE) {
        ask_next(unit, now);
        return;
    }
    enum exchange_result result = exchange_step(&unit->exchange, &unit->ring, server_port(unit), now);
    if (result == EXCHANGE_ANSWERED) {
        answered(unit, now);
    } else if (result == EXCHANGE_FAILED) {
        failed(unit, now);
    }
}

void conversation_second(struct unit *unit)
{
    uint32_t seconds;
    if (network_time(&seconds) && !session_counts(&unit->session)) {
        clock_set(&unit->clock, seconds, board_milliseconds(), CLOCK_SNTP);
    }
    if (unit->clock.source != CLOCK_NONE || !network_ready()) {
        return;
    }
    if (unit->time_wait > 0) {
        unit->time_wait--;
        return;
    }
    char host[HOST_BYTES];
    store_host(TIME_SERVER_OFFSET, host);
    network_ask_time(host);
    unit->time_wait = TIME_AGAIN;
}

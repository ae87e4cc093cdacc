#include "session.h"

#include <string.h>

#define MILLISECONDS 1000u

static bool is_none(const uint8_t id[SESSION_BYTES])
{
    uint8_t any = 0;
    for (uint8_t i = 0; i < SESSION_BYTES; i++) {
        any |= id[i];
    }
    return any == 0;
}

static bool is_same(const uint8_t *one, const uint8_t *other)
{
    return memcmp(one, other, SESSION_BYTES) == 0;
}

void session_start(struct session *session, const struct store *store)
{
    memset(session, 0, sizeof *session);
    if (!is_none(store->session)) {
        memcpy(session->id, store->session, SESSION_BYTES);
        session->phase = SESSION_SUSPENDED;
        session->begin_due = !store->begun;
    }
}

static void begin(struct session *session, const uint8_t *id)
{
    bool resumed = session->phase == SESSION_SUSPENDED && is_same(session->id, id);
    if (!resumed) {
        memcpy(session->id, id, SESSION_BYTES);
        session->begin_due = true;
    }
    session->phase = SESSION_ACTIVE;
    session->reason = REASON_NONE;
    session->drawn = false;
    session->complete = false;
    session->begin_number = 0;
}

static void grant(struct session *session, const struct command *command, uint32_t now)
{
    session->granted = true;
    session->expired = false;
    session->grant_from = now;
    session->grant = (uint32_t)command->grant * MILLISECONDS;
    session->limit = command->current;
}

void session_end(struct session *session, enum batch_reason reason, uint32_t now)
{
    if (session->phase != SESSION_ENDING) {
        session->phase = SESSION_ENDING;
        session->reason = (uint8_t)reason;
        session->ending_from = now;
    }
    session->granted = false;
}

/* Another session is named while this one has not ended. */
static bool displaces(struct session *session, const uint8_t *id, uint32_t now)
{
    if (session->phase == SESSION_NONE || is_same(session->id, id)) {
        return false;
    }
    bool suspended = session->phase == SESSION_SUSPENDED;
    session_end(session, suspended ? REASON_POWER_LOST : REASON_COMMAND, now);
    return true;
}

static bool obey_on(struct session *session, const struct command *command, uint32_t now)
{
    if (is_none(command->session) || command->grant == 0 || is_same(command->session, session->ended)) {
        return false;
    }
    if (displaces(session, command->session, now)) {
        return true;
    }
    if (session->phase == SESSION_ENDING) {
        return false;
    }
    if (session->phase != SESSION_ACTIVE) {
        begin(session, command->session);
    }
    grant(session, command, now);
    return false;
}

bool session_obey(struct session *session, const struct command *command, uint32_t now)
{
    if (command->kind == COMMAND_ON) {
        return obey_on(session, command, now);
    }
    if (command->kind == COMMAND_OFF) {
        session->granted = false;
        session->expired = false;
    } else if (command->kind == COMMAND_END && !is_none(command->session) &&
               !is_same(command->session, session->ended)) {
        if (displaces(session, command->session, now)) {
            return true;
        }
        if (session->phase == SESSION_NONE) {
            memcpy(session->id, command->session, SESSION_BYTES);
        }
        session_end(session, REASON_COMMAND, now);
    }
    return false;
}

void session_step(struct session *session, uint32_t now)
{
    if (session->granted && now - session->grant_from >= session->grant) {
        session->granted = false;
        session->expired = true;
    }
}

void session_window(struct session *session, bool closed, uint16_t current, uint32_t now)
{
    if (session->phase != SESSION_ACTIVE || !closed) {
        session->idle_from = now;
        return;
    }
    if (current >= COMPLETE_BELOW) {
        session->drawn = true;
        session->complete = false;
        session->idle_from = now;
    } else if (session->drawn && now - session->idle_from >= COMPLETE_AFTER) {
        session->complete = true;
    }
}

uint16_t session_allows(const struct session *session, const struct configuration *configuration)
{
    if (session->phase != SESSION_ACTIVE) {
        return 0;
    }
    if (session->granted) {
        bool limited = session->limit > 0 && session->limit < configuration->maximum;
        return limited ? session->limit : configuration->maximum;
    }
    bool safe = session->expired && configuration->fallback < configuration->maximum;
    return session->expired ? (safe ? configuration->fallback : configuration->maximum) : 0;
}

bool session_counts(const struct session *session)
{
    return session->phase == SESSION_ACTIVE || session->phase == SESSION_ENDING;
}

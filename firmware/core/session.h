/* The session under way and the grant that keeps the relay closed: docs/protocol.md, "A unit's life". */
#ifndef CONDOCHARGE_SESSION_H
#define CONDOCHARGE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "command.h"
#include "configuration.h"
#include "store.h"

/* Less current than this, once more was drawn, for so long, means that the vehicle is full (rule 6). */
#define COMPLETE_BELOW 500u
#define COMPLETE_AFTER 180000u

enum session_phase {
    SESSION_NONE,
    /* It was under way when power was lost; a command that names it takes it up again. */
    SESSION_SUSPENDED,
    SESSION_ACTIVE,
    /* The relay opens and the last batch follows when no current flows. */
    SESSION_ENDING
};

struct session {
    uint8_t phase;
    uint8_t reason;
    uint8_t id[SESSION_BYTES];
    /* The session that ended last in this start; a late ON does not begin it again, a repeated END does
     * not end it twice. */
    uint8_t ended[SESSION_BYTES];
    bool granted;
    bool expired;
    bool begin_due;
    bool drawn;
    bool complete;
    uint32_t grant_from;
    uint32_t grant;
    uint32_t idle_from;
    uint32_t ending_from;
    /* Limit in tenths of an ampere that the last command set, 0 for none. */
    uint16_t limit;
    /* Numbers of the batches with BEGIN and END until the gateway has them, 0 for none. */
    uint32_t begin_number;
    uint32_t end_number;
};

/* Take up what persistent memory holds. */
void session_start(struct session *session, const struct store *store);

/* What `command` asks for; `now` in milliseconds. True where the session under way has to be finished with a
 * batch of END before another can begin: the caller sends it and calls again. */
bool session_obey(struct session *session, const struct command *command, uint32_t now);

/* Watch the grant. */
void session_step(struct session *session, uint32_t now);

/* Watch the vehicle through one window's current in mA. */
void session_window(struct session *session, bool closed, uint16_t current, uint32_t now);

/* End it by the unit's own reason. */
void session_end(struct session *session, enum batch_reason reason, uint32_t now);

/* The current in tenths of an ampere that is allowed now: 0 where the relay has to be open. */
uint16_t session_allows(const struct session *session, const struct configuration *configuration);

/* A session has a number in batches while it is active or ending. */
bool session_counts(const struct session *session);

#endif

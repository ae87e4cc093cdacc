/* An ESP8266 on its way to the network and there: one command is under way at a time. */
#ifndef CONDOCHARGE_ESP8266_H
#define CONDOCHARGE_ESP8266_H

#include <stdbool.h>
#include <stdint.h>

#include "configuration.h"
#include "modem.h"

/* ms. */
#define ANSWER_WITHIN 5000u
#define JOIN_WITHIN 25000u
#define BUSY_WAIT 200u

/* From reset to a network, in this order. */
enum step {
    STEP_RESET,
    STEP_START,
    STEP_PROBE,
    STEP_SPEED,
    STEP_ECHO,
    STEP_KEEP,
    STEP_MODE,
    STEP_LINKS,
    STEP_ADDRESS,
    STEP_RESOLVER,
    STEP_JOIN,
    STEP_UP
};

/* What the command that is under way is for. */
enum errand {
    ERRAND_NONE,
    ERRAND_SET_UP,
    ERRAND_OPEN,
    ERRAND_SEND,
    ERRAND_CLOSE,
    ERRAND_TIME_OPEN,
    ERRAND_TIME_SEND,
    ERRAND_TIME_CLOSE
};

/* The one module there is. */
struct esp8266 {
    const struct configuration *configuration;
    uint8_t step;
    uint8_t errand;
    uint8_t state;
    uint8_t divisor;
    uint8_t attempts;
    bool joined;
    /* The stream is open at the module; it is to be closed; the other side closed it. */
    bool linked;
    bool closing;
    bool finished;
    /* A question to a time server is out. */
    bool timing;
    uint16_t total;
    uint16_t nonce;
    /* When the step or command began, when its answer is overdue, when the time server was asked. */
    uint32_t since;
    uint32_t patience;
    uint32_t asked;
    uint32_t seconds;
};

extern struct esp8266 network;

/* A command for `errand` goes out now; its answer is overdue after `patience` ms. ERRAND_NONE: nothing for so long. */
void errand_begin(uint8_t errand, uint32_t patience);

/* joining.c: the way from reset to a network. */
void joining_reset(void);
/* The step's command was answered. */
void joining_answered(enum modem_event event);
void joining_timed_out(void);
/* Again after `wait` ms: the step failed, or was not answered. Too often, and the module is reset. */
void joining_repeat(uint32_t wait);
/* Nothing is under way: what the way up asks for next. */
void joining_step(uint32_t now);

#endif

/* libFuzzer: a whole unit that is told anything at all keeps its relay open.
 *
 * The unit starts from the memory in the file that CONDOCHARGE_FUZZ_MEMORY names, provisioned and configured, with a
 * key that the fuzzer does not know. An input is answers to its questions one after another: length u16, bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define MEMORY_BYTES 1024u
#define STEP_MILLISECONDS 1000u
#define QUESTION_MAX 4096u
/* Steps in which a unit that backs off asks again. */
#define PATIENCE 150u
#define ANSWERS_MAX 4u

static uint8_t pristine[MEMORY_BYTES];
static uint8_t memory[MEMORY_BYTES];

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    const char *path = getenv("CONDOCHARGE_FUZZ_MEMORY");
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    (void)count;
    (void)arguments;
    if (file == NULL || fread(pristine, 1, MEMORY_BYTES, file) != MEMORY_BYTES) {
        fprintf(stderr, "CONDOCHARGE_FUZZ_MEMORY names no memory of a unit\n");
        exit(EXIT_FAILURE);
    }
    fclose(file);
    harness_memory(memory, MEMORY_BYTES);
    harness_cut(-1, 0);
    harness_link(1, 1);
    harness_pilot(2);
    return 0;
}

/* Let time pass until the unit asks; false where it does not for minutes. */
static int asks(void)
{
    static uint8_t question[QUESTION_MAX];
    for (unsigned turn = 0; turn < PATIENCE; turn++) {
        if (harness_question(question, QUESTION_MAX) > 0) {
            return 1;
        }
        harness_step(STEP_MILLISECONDS);
    }
    return 0;
}

static void stay_open(void)
{
    if (harness_relay() != 0 || harness_phase() != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;
    memcpy(memory, pristine, MEMORY_BYTES);
    if (harness_start() != 1) {
        abort();
    }
    for (unsigned answers = 0; answers < ANSWERS_MAX && at + 2 <= size; answers++) {
        size_t length = (size_t)(data[at] | data[at + 1] << 8);
        at += 2;
        length = length > size - at ? size - at : length;
        if (!asks()) {
            break;
        }
        harness_answer(data + at, (uint16_t)length);
        harness_hang_up();
        at += length;
        for (unsigned turn = 0; turn < 4; turn++) {
            harness_step(0);
            stay_open();
        }
    }
    harness_step(STEP_MILLISECONDS);
    stay_open();
    return 0;
}

/* What a boot loader is on a microcontroller: chooses the slot by the core's rules and runs what is in it.
 *
 *   condocharge-launcher STORAGE SLOTS BENCH_SOCKET [STALL_SECONDS]
 *
 * It reads a slot once, into memory of its own, checks signature and hash of those bytes, and runs those bytes: a
 * file that is exchanged in between changes nothing. It starts the unit anew where that asks for it, or where an image
 * on trial ends or hangs. Anything else ends the launcher with the unit's own code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "elapsed.h"
#include "slots.h"
#include "storage.h"
#include "update.h"

/* An image on trial restarts itself after UPDATE_TRIAL of its own time; one that hangs is ended after this, s. */
#define HANGS_AFTER 900
#define LOOK_NANOSECONDS 100000000L

static const char *folder;
static struct {
    uint8_t *bytes;
    size_t count;
} slots[2];
static volatile sig_atomic_t stopping;
static volatile sig_atomic_t child;

/* --- the board, as far as a boot loader needs one ----------------------------------------------------------- */

void board_relay(bool closed)
{
    /* Whoever holds the relay has nobody to obey while no unit runs: it is open. */
    (void)closed;
}

void board_watchdog(void)
{
}

uint32_t slot_bytes(void)
{
    return SLOT_BYTES;
}

bool slot_read(uint8_t slot, uint32_t offset, uint8_t *to, uint16_t count)
{
    if (slot > 1 || offset > slots[slot].count || count > slots[slot].count - offset) {
        return false;
    }
    memcpy(to, slots[slot].bytes + offset, count);
    return true;
}

/* --- slots ------------------------------------------------------------------------------------------------- */

static bool read_all(int file, uint8_t *to, size_t count)
{
    for (size_t at = 0; at < count;) {
        ssize_t done = read(file, to + at, count - at);
        if (done <= 0) {
            if (done < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        at += (size_t)done;
    }
    return true;
}

static void load_slot(uint8_t slot)
{
    char path[SLOT_PATH_BYTES];
    struct stat status;
    free(slots[slot].bytes);
    slots[slot].bytes = NULL;
    slots[slot].count = 0;
    int length = snprintf(path, sizeof path, "%s/slot-%u", folder, (unsigned)slot);
    int file = length > 0 && length < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) {
        return;
    }
    if (fstat(file, &status) == 0 && status.st_size > 0 && status.st_size <= (off_t)SLOT_BYTES) {
        uint8_t *bytes = malloc((size_t)status.st_size);
        if (bytes != NULL && read_all(file, bytes, (size_t)status.st_size)) {
            slots[slot].bytes = bytes;
            slots[slot].count = (size_t)status.st_size;
        } else {
            free(bytes);
        }
    }
    close(file);
}

/* --- the unit ---------------------------------------------------------------------------------------------- */

/* The image that was checked as a file that has no name and that nobody can change any more; -1 where it fails. */
static int make_program(uint8_t slot)
{
    struct update update;
    struct firmware firmware;
    if (!update_load(&update) || update_verify(&update, slot, &firmware) != FIRMWARE_SOUND) {
        return -1;
    }
    int program = memfd_create("condocharge-unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const uint8_t *image = slots[slot].bytes + ENVELOPE_BYTES;
    for (size_t at = 0; program >= 0 && at < firmware.length;) {
        ssize_t done = write(program, image + at, firmware.length - at);
        if (done <= 0 && errno != EINTR) {
            close(program);
            return -1;
        }
        at += done > 0 ? (size_t)done : 0;
    }
    if (program >= 0 && fcntl(program, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        close(program);
        return -1;
    }
    return program;
}

static void pass_on(int number)
{
    stopping = 1;
    if (child > 0) {
        kill(child, number);
    }
}

static bool is_trial(void)
{
    struct update update;
    return update_load(&update) && update.phase == UPDATE_TRYING;
}

/* Wait for the unit's end; one that is still on trial after HANGS_AFTER is ended. */
static int wait_for(pid_t unit)
{
    const struct timespec pause = {.tv_nsec = LOOK_NANOSECONDS};
    time_t started = elapsed();
    bool trial = is_trial();
    int status;
    for (;;) {
        pid_t ended = waitpid(unit, &status, trial ? WNOHANG : 0);
        if (ended == unit) {
            return status;
        }
        if (ended < 0 && errno != EINTR) {
            return EXIT_FAILURE;
        }
        if (trial) {
            nanosleep(&pause, NULL);
            trial = is_trial();
            if (trial && elapsed() - started > HANGS_AFTER) {
                kill(unit, SIGKILL);
            }
        }
    }
}

static int run(uint8_t slot, char *const arguments[])
{
    int program = make_program(slot);
    if (program < 0) {
        return EXIT_FAILURE << 8;
    }
    pid_t launcher = getpid();
    pid_t unit = fork();
    if (unit == 0) {
        /* Two units on one memory would be worse than none. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher) {
            _exit(EXIT_FAILURE);
        }
        char *const environment[] = {NULL};
        fexecve(program, arguments, environment);
        perror("the image does not run");
        _exit(EXIT_FAILURE);
    }
    close(program);
    if (unit < 0) {
        return EXIT_FAILURE << 8;
    }
    child = unit;
    if (stopping) {
        kill(unit, SIGTERM);
    }
    int status = wait_for(unit);
    child = 0;
    return status;
}

static int supervise(char *const arguments[])
{
    while (!stopping) {
        struct update update;
        load_slot(0);
        load_slot(1);
        if (!update_load(&update)) {
            fprintf(stderr, "the storage holds no firmware key: provision it, or start condocharge-unit itself\n");
            return EXIT_FAILURE;
        }
        uint8_t slot = update_boot(&update);
        if (slot == NO_SLOT) {
            fprintf(stderr, "no slot of %s holds an image for this unit\n", folder);
            return EXIT_FAILURE;
        }
        int status = run(slot, arguments);
        bool again = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RESTART;
        if (!stopping && !again && !is_trial()) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = pass_on};
    static char stall[] = "5";
    static char name[] = "condocharge-unit";
    if (count < 4 || count > 5) {
        fprintf(stderr, "usage: %s STORAGE SLOTS BENCH_SOCKET [STALL_SECONDS]\n", arguments[0]);
        return EXIT_FAILURE;
    }
    folder = arguments[2];
    if (!storage_open(arguments[1])) {
        perror(arguments[1]);
        return EXIT_FAILURE;
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    char *const unit[] = {name, arguments[1], arguments[3], count == 5 ? arguments[4] : stall, arguments[2], NULL};
    return supervise(unit);
}

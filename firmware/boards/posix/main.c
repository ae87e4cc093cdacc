/* The unit on a computer: persistent memory in a file, the network of the computer, sensors and relay on a
 * stream of frames (boards/bench/bench.h), which a converter's reader or a simulated world serves.
 *
 *   condocharge-unit STORAGE BENCH_SOCKET [STALL_SECONDS [SLOTS]]
 *
 * Where no frame comes for STALL_SECONDS (5; 0 waits for ever) the relay opens and the program ends: without
 * conversions neither current nor time is known. SLOTS is the folder of the images that condocharge-launcher starts;
 * without it this program takes no update. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "board.h"
#include "elapsed.h"
#include "posix.h"
#include "slots.h"
#include "storage.h"

#define CHUNK 65536
#define TICK_MILLISECONDS 20
#define STALL_DEFAULT 5

static int bench_stream = -1;
static volatile sig_atomic_t stopping;
static struct unit unit;

void bench_put(const uint8_t *bytes, uint16_t count)
{
    uint16_t done = 0;
    while (done < count) {
        ssize_t written = send(bench_stream, bytes + done, (size_t)(count - done), MSG_NOSIGNAL);
        if (written <= 0) {
            if (errno == EINTR) {
                continue;
            }
            return;
        }
        done = (uint16_t)(done + written);
    }
}

/* The operating system's watchdog is the supervisor that started this program. */
void board_watchdog(void)
{
}

bool board_entropy(uint8_t *to, uint8_t count)
{
    return getrandom(to, count, 0) == (ssize_t)count;
}

void board_restart(void)
{
    board_relay(false);
    exit(EXIT_RESTART);
}

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static int connect_bench(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made >= 0 && connect(made, (struct sockaddr *)&address, sizeof address) != 0) {
        close(made);
        return -1;
    }
    return made;
}

static int leave(const char *why)
{
    if (why != NULL) {
        fprintf(stderr, "%s\n", why);
    }
    board_relay(false);
    return why == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Take what has come; false where the stream has ended. */
static bool take_bytes(bool *started)
{
    static uint8_t chunk[CHUNK];
    ssize_t count = recv(bench_stream, chunk, sizeof chunk, 0);
    if (count <= 0) {
        return count < 0 && errno == EINTR;
    }
    for (ssize_t i = 0; i < count; i++) {
        bool due = bench_take(chunk[i], &unit);
        if (*started && due) {
            unit_step(&unit);
        }
        if (!*started && bench_begun()) {
            if (!unit_start(&unit)) {
                fprintf(stderr, "the storage holds no identity that this unit can use\n");
                return false;
            }
            *started = true;
        }
    }
    return true;
}

static int run(long stall)
{
    bool started = false;
    time_t heard = elapsed();
    while (!stopping) {
        struct pollfd waiting[2] = {{.fd = bench_stream, .events = POLLIN}, {.fd = -1, .events = 0}};
        waiting[1].fd = network_descriptor(&waiting[1].events);
        int ready = poll(waiting, 2, TICK_MILLISECONDS);
        if (ready > 0 && waiting[0].revents != 0) {
            heard = elapsed();
            if (!take_bytes(&started)) {
                return leave("the bench's stream has ended");
            }
        }
        if (started) {
            unit_step(&unit);
        }
        if (stall > 0 && elapsed() - heard > stall) {
            return leave("no conversions come");
        }
    }
    unit_power_failing(&unit);
    return leave(NULL);
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = stop};
    long stall = STALL_DEFAULT;
    if (count < 3 || count > 5) {
        fprintf(stderr, "usage: %s STORAGE BENCH_SOCKET [STALL_SECONDS [SLOTS]]\n", arguments[0]);
        return EXIT_FAILURE;
    }
    if (count >= 4) {
        stall = strtol(arguments[3], NULL, 10);
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (!storage_open(arguments[1])) {
        perror(arguments[1]);
        return EXIT_FAILURE;
    }
    if (count == 5) {
        slots_open(arguments[4]);
    }
    bench_stream = connect_bench(arguments[2]);
    if (bench_stream < 0) {
        perror(arguments[2]);
        return EXIT_FAILURE;
    }
    bench_greet();
    return run(stall);
}

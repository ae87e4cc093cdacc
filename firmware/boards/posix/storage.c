#include "storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "update.h"

/* What provisioning gives the store; what lies behind it is the updates'. */
#define STORE_BYTES 4096

static int file = -1;
static uint16_t bytes;
static bool updates;

bool storage_open(const char *path)
{
    struct stat status;
    file = open(path, O_RDWR | O_DSYNC | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        return false;
    }
    bytes = (uint16_t)(status.st_size > STORE_BYTES ? STORE_BYTES : status.st_size);
    updates = status.st_size >= STORE_BYTES + (off_t)UPDATE_BYTES;
    return bytes >= 1024;
}

bool board_updates(void)
{
    return updates;
}

uint16_t storage_bytes(void)
{
    return bytes;
}

/* A unit that can't read or write its register must not go on: it stops, and with it its grant. */
static void check(ssize_t done, uint16_t count)
{
    if (done != (ssize_t)count) {
        perror("storage");
        board_relay(false);
        exit(EXIT_FAILURE);
    }
}

void storage_read(uint16_t offset, uint8_t *to, uint16_t count)
{
    check(pread(file, to, count, offset), count);
}

void storage_write(uint16_t offset, const uint8_t *from, uint16_t count)
{
    check(pwrite(file, from, count, offset), count);
}

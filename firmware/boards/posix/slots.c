#include "slots.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "update.h"

static const char *folder;
static int files[2] = {-1, -1};

void slots_open(const char *path)
{
    folder = path;
}

uint32_t slot_bytes(void)
{
    return folder == NULL ? 0 : SLOT_BYTES;
}

/* The slot's file, -1 where there is none. */
static int open_slot(uint8_t slot, int flags)
{
    char path[SLOT_PATH_BYTES];
    if (folder == NULL || slot > 1) {
        return -1;
    }
    if (files[slot] < 0) {
        int length = snprintf(path, sizeof path, "%s/slot-%u", folder, (unsigned)slot);
        if (length < 0 || length >= (int)sizeof path) {
            return -1;
        }
        files[slot] = open(path, O_RDWR | O_DSYNC | O_CLOEXEC | flags, 0600);
    }
    return files[slot];
}

/* A file that was just made is there after a power cut only once its folder is. */
static bool settle_folder(void)
{
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool settled = directory >= 0 && fsync(directory) == 0;
    if (directory >= 0) {
        close(directory);
    }
    return settled;
}

bool slot_erase(uint8_t slot)
{
    int file = open_slot(slot, O_CREAT);
    return file >= 0 && ftruncate(file, 0) == 0 && fsync(file) == 0 && settle_folder();
}

bool slot_write(uint8_t slot, uint32_t offset, const uint8_t *from, uint16_t count)
{
    int file = open_slot(slot, 0);
    return file >= 0 && offset <= SLOT_BYTES - count && pwrite(file, from, count, offset) == (ssize_t)count;
}

bool slot_read(uint8_t slot, uint32_t offset, uint8_t *to, uint16_t count)
{
    int file = open_slot(slot, 0);
    return file >= 0 && pread(file, to, count, offset) == (ssize_t)count;
}

/* The slots of a unit on a computer: the files slot-0 and slot-1 of a folder, each an envelope and its image. */
#ifndef CONDOCHARGE_POSIX_SLOTS_H
#define CONDOCHARGE_POSIX_SLOTS_H

/* The most that a slot holds, bytes. */
#define SLOT_BYTES (16u * 1024u * 1024u)
#define SLOT_PATH_BYTES 4096
/* What the unit's program ends with to be started anew, out of the slot that the journal then names. */
#define EXIT_RESTART 75

/* Use the slots in the folder at `path`. */
void slots_open(const char *path);

#endif

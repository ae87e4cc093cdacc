/* What the parts of the posix board know of each other. */
#ifndef CONDOCHARGE_POSIX_H
#define CONDOCHARGE_POSIX_H

/* The stream to wait on, -1 for none, and the events of poll(2) to wait for. */
int network_descriptor(short *events);

#endif

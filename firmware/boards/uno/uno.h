/* What the parts of the uno board know of each other. */
#ifndef CONDOCHARGE_UNO_H
#define CONDOCHARGE_UNO_H

/* Set pins, timers, converter and watchdog, and start the unit. The sketch's setup(). */
void uno_setup(void);

/* One turn of the main loop. The sketch's loop(). */
void uno_loop(void);

/* The two-wire bus at 100 kHz. */
void twi_start(void);

#endif

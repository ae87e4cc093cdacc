/* Functions with large frames that are not to be merged into their callers: the caller's stack would then carry
 * them for good, which 2 KB of RAM do not bear. Link-time optimisation, as the Arduino IDE uses it, would. */
#ifndef CONDOCHARGE_OUTLINE_H
#define CONDOCHARGE_OUTLINE_H

#define OUTLINE __attribute__((noinline))

#endif

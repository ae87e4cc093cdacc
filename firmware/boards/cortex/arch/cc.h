/* What lwIP asks of the compiler: nothing but a place for its random numbers. */
#ifndef CONDOCHARGE_ARCH_CC_H
#define CONDOCHARGE_ARCH_CC_H

#include <stdint.h>

uint32_t cortex_random(void);
#define LWIP_RAND() cortex_random()
#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(message) cortex_halt()
void cortex_halt(void);

#endif

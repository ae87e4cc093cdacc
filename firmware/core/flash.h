/* Constants that stay in program memory on parts whose RAM is too small for them (Harvard AVR). */
#ifndef CONDOCHARGE_FLASH_H
#define CONDOCHARGE_FLASH_H

#ifdef __AVR__
#define FLASH __flash
#else
#define FLASH
#endif

#endif

/* Sizes of a unit on an ATmega328P with an ESP8266, whose bytes wait in RAM where a W5100 keeps them itself. */
#ifndef CONDOCHARGE_LIMITS_H
#define CONDOCHARGE_LIMITS_H

#include "wifi.h"

#define BOARD_NAME "uno-esp8266"
#define UNIT_ED25519 0
/* As on the Uno with a cable. */
#define UNIT_UPDATE 0
#define ADC_BITS 10
#define RING_BYTES 320u
#define NETWORK_SEND_BYTES 1024u
/* The end of the EEPROM that is not the core's. */
#define STORAGE_RESERVED WIFI_BYTES

#endif

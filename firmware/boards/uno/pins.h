/* What is wired where on an Arduino Uno R3 (docs/hardware.md). */
#ifndef CONDOCHARGE_UNO_PINS_H
#define CONDOCHARGE_UNO_PINS_H

#include <avr/io.h>

/* A0 current sensor; A1, A2, A3 (PC1 to PC3) and D5, D6, D7 (PD5 to PD7) address switches, closed to ground. */
#define CURRENT_CHANNEL 0
#define SWITCHES_C_SHIFT 1
#define SWITCHES_D_SHIFT 5
/* D3 DHT11, D8 relay, D9 erase button to ground. */
#define DHT11_BIT PD3
#define RELAY_BIT PB0
#define ERASE_BIT PB1
/* D10 selects the W5100, D11 to D13 are its bus; D4 selects the shield's SD card and stays high. */
#define W5100_BIT PB2
#define MOSI_BIT PB3
#define MISO_BIT PB4
#define SCK_BIT PB5
#define SD_BIT PD4
/* A4, A5: the PN532's two-wire bus. D0, D1: an ESP8266 on the serial port, D2 its reset. */
#define MODEM_RESET_BIT PD2

#endif

/* The wireless network that a unit joins: written by provisioning into the last bytes of the EEPROM.
 *
 * offset bytes field
 * 0      32    the network's name, NUL-padded
 * 32     64    its passphrase, NUL-padded; nothing for an open network
 * 96     4     CRC-32 of the above, little-endian
 */
#ifndef CONDOCHARGE_WIFI_H
#define CONDOCHARGE_WIFI_H

#define WIFI_NAME_BYTES 32u
#define WIFI_PASSPHRASE_BYTES 64u
#define WIFI_BYTES 100u

#endif

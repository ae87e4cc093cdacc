/* The PN532 reader of tags and phones (NXP PN532 user manual UM0701-02), over a bus that the board gives.
 *
 * A tag (ISO/IEC 14443 A) is known by its id. A phone gives a new random id each time, so a target that speaks
 * ISO/IEC 14443-4 is asked to select Condocharge's application, and the id that this one answers counts. */
#ifndef CONDOCHARGE_PN532_H
#define CONDOCHARGE_PN532_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* The bus: write a frame, or read `count` bytes behind the ready byte. False where nobody answers; for a read also
 * where the reader is not ready. Neither may block for more than a few ms. */
bool pn532_write(const uint8_t *bytes, uint8_t count);
bool pn532_read(uint8_t *bytes, uint8_t count);

struct pn532 {
    uint8_t state;
    bool acknowledged;
    uint32_t since;
    uint32_t looked;
};

/* Move on; the result is the length of an id that was read, 0 for none. */
uint8_t pn532_step(struct pn532 *pn532, uint32_t now, uint8_t id[TAG_ID_BYTES_MAX]);

#endif

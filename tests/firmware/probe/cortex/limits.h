/* A Cortex-M board's sizes for its probe, which judges envelopes too: the board's own image has no slots and leaves
 * that code out. Only the probe and core/firmware.c are compiled with it; the rest is what is in the image. */
#include_next "limits.h"

#undef UNIT_UPDATE
#define UNIT_UPDATE 1

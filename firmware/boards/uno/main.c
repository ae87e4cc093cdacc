/* The unit's image without the Arduino core. */
#include "uno.h"

int main(void)
{
    uno_setup();
    for (;;) {
        uno_loop();
    }
}

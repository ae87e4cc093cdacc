// The unit as an Arduino sketch: open this folder in the Arduino IDE, choose "Arduino Uno", upload.
// `make -C firmware sketch` puts the sources beside this file, in the folder src.
extern "C" {
#include "src/uno.h"
}

void setup()
{
    uno_setup();
}

void loop()
{
    uno_loop();
}

/* libFuzzer: whatever the wire brings, no parser reads or writes beyond its memory, and no forged message is obeyed.
 * The first byte chooses the parser. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "configuration.h"
#include "dhcp.h"
#include "dns.h"
#include "firmware.h"
#include "http.h"
#include "sntp.h"
#include "status.h"

static const uint8_t network[NETWORK_BYTES];

/* Keys that the fuzzer does not know. */
static struct keys keys_of(uint8_t unit_class)
{
    struct keys keys;
    memset(&keys, 0xa7, sizeof keys);
    keys.unit_class = unit_class;
    return keys;
}

static void judge(const uint8_t *bytes, uint16_t count, uint8_t unit_class)
{
    struct keys keys = keys_of(unit_class);
    struct command command;
    struct command_state state = {.network = network};
    struct status status = {.network = network};
    struct firmware firmware;
    uint8_t kind;
    if (command_judge(&state, &keys, bytes, count, &command) == REFUSAL_NONE ||
        configuration_judge(0, network, 0, &keys, bytes, count) == REFUSAL_NONE ||
        offer_judge(&status, &keys, bytes, count, &kind) == REFUSAL_NONE ||
        firmware_judge(keys.signing, bytes, count, UINT32_MAX, &firmware) == FIRMWARE_SOUND) {
        abort();
    }
}

static void answer(const uint8_t *bytes, uint16_t count)
{
    struct http http;
    http_start(&http, HTTP_MESSAGE_MAX);
    for (uint16_t at = 0; at < count; at = (uint16_t)(at + 7u)) {
        http_take(&http, bytes + at, (uint16_t)(count - at < 7 ? count - at : 7));
    }
    if (http.received > HTTP_BODY_MAX) {
        abort();
    }
    if (http.state == HTTP_DONE) {
        judge(http.body, http.received, CLASS_MAC);
    }
}

static void lease(const uint8_t *bytes, uint16_t count)
{
    struct dhcp dhcp;
    dhcp_start(&dhcp, 0, 0);
    dhcp_due(&dhcp, 0);
    dhcp_answer_begin(&dhcp);
    for (uint16_t i = 0; i < count; i++) {
        dhcp_answer_take(&dhcp, bytes[i]);
    }
    dhcp_answer_end(&dhcp, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t address[4];
    uint32_t seconds;
    if (size < 1 || size > 4096) {
        return 0;
    }
    /* A copy of its own size, so that a byte too far is seen. */
    uint16_t count = (uint16_t)(size - 1);
    uint8_t *bytes = malloc(count > 0 ? count : 1);
    memcpy(bytes, data + 1, count);
    switch (data[0] % 6) {
    case 0:
        answer(bytes, count);
        break;
    case 1:
        dns_answer(bytes, count, count > 1 ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0, address);
        break;
    case 2:
        sntp_answer(bytes, count, 7, &seconds);
        break;
    case 3:
        lease(bytes, count);
        break;
    case 4:
        judge(bytes, count, CLASS_MAC);
        break;
    default:
        judge(bytes, count, CLASS_ED25519);
        break;
    }
    free(bytes);
    return 0;
}

#include "request.h"

#include <string.h>

#include "batch.h"
#include "bytes.h"

uint8_t request_put(const struct request *request, const struct keys *keys, uint8_t to[REQUEST_BYTES_MAX])
{
    to[0] = REQUEST_VERSION;
    to[1] = request->kind;
    put_u16(to + 2, request->unit);
    memcpy(to + 4, request->network, NETWORK_BYTES);
    put_u32(to + 12, request->boot);
    put_u32(to + 16, request->number);
    put_u32(to + 20, request->time);
    memcpy(to + 24, request->tag, TAG_HASH_BYTES);
    authentication_seal(keys, DOMAIN_REQUEST, to, REQUEST_BODY_BYTES, to + REQUEST_BODY_BYTES);
    return (uint8_t)(REQUEST_BODY_BYTES + authentication_bytes(keys));
}

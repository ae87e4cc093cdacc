#include "store.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "identity.h"
#include "outline.h"

#define STATE_BODY_BYTES 32u
#define STATE_BYTES (STATE_BODY_BYTES + 4u)
#define ENERGY_BODY_BYTES 6u
#define ENERGY_BYTES (ENERGY_BODY_BYTES + 4u)
#define CONFIGURATION_OFFSET IDENTITY_BYTES
#define STATE_OFFSET (CONFIGURATION_OFFSET + CONFIGURATION_BODY_BYTES + 4u)
#define ENERGY_OFFSET (STATE_OFFSET + STATE_SLOTS * STATE_BYTES)
#define RECORD_BYTES_MAX STATE_BYTES

static uint16_t state_offset(uint8_t slot)
{
    return (uint16_t)(STATE_OFFSET + slot * STATE_BYTES);
}

static uint16_t energy_offset(uint16_t slot)
{
    return (uint16_t)(ENERGY_OFFSET + slot * ENERGY_BYTES);
}

/* A byte behind each record that its CRC-32 counts in. Without it an erased slot whose last bytes have become zeros,
 * half of a record that is written from its end, would be whole: the CRC-32 of FF FF FF FF 00 00 is FF FF FF FF. */
#define RECORD_MARK 0xa5u

static uint32_t record_crc(const uint8_t *record, uint8_t count)
{
    const uint8_t mark = RECORD_MARK;
    return crc32_end(crc32_add(crc32_add(CRC32_BEGIN, record, count), &mark, 1));
}

bool store_read_record(uint16_t offset, uint8_t *record, uint8_t count)
{
    uint8_t crc[4];
    storage_read(offset, record, count);
    storage_read((uint16_t)(offset + count), crc, 4);
    return record_crc(record, count) == get_u32(crc);
}

OUTLINE bool store_write_record(uint16_t offset, const uint8_t *record, uint8_t count)
{
    uint8_t crc[4];
    uint8_t back[RECORD_BYTES_MAX];
    put_u32(crc, record_crc(record, count));
    storage_write(offset, record, count);
    storage_write((uint16_t)(offset + count), crc, 4);
    return store_read_record(offset, back, count) && memcmp(back, record, count) == 0;
}

static uint64_t get_energy(const uint8_t *record)
{
    return get_u32(record) | ((uint64_t)get_u16(record + 4) << 32);
}

static void load_state(struct store *store)
{
    for (uint8_t slot = 0; slot < STATE_SLOTS; slot++) {
        uint8_t record[STATE_BODY_BYTES];
        if (!store_read_record(state_offset(slot), record, STATE_BODY_BYTES) || get_u32(record) < store->sequence) {
            continue;
        }
        store->state_slot = slot;
        store->sequence = get_u32(record);
        store->boot = get_u32(record + 4);
        store->reserved = get_u32(record + 8);
        memcpy(store->session, record + 12, SESSION_BYTES);
        store->begun = (record[28] & 1) != 0;
    }
}

static void load_energy(struct store *store)
{
    for (uint16_t slot = 0; slot < store->energy_slots; slot++) {
        uint8_t record[ENERGY_BODY_BYTES];
        if (!store_read_record(energy_offset(slot), record, ENERGY_BODY_BYTES)) {
            continue;
        }
        uint64_t energy = get_energy(record);
        if (energy >= store->energy) {
            store->energy = energy;
            store->energy_slot = slot;
        }
    }
}

OUTLINE void store_load(struct store *store)
{
    memset(store, 0, sizeof *store);
    store->energy_slots = (uint16_t)((storage_bytes() - ENERGY_OFFSET) / ENERGY_BYTES);
    load_state(store);
    load_energy(store);
}

bool store_energy(struct store *store, uint64_t energy)
{
    if (energy <= store->energy) {
        return true;
    }
    uint8_t record[ENERGY_BODY_BYTES];
    put_u32(record, (uint32_t)energy);
    put_u16(record + 4, (uint16_t)(energy >> 32));
    uint16_t slot = store->energy_slot;
    for (uint16_t tried = 1; tried < store->energy_slots; tried++) {
        slot = (uint16_t)((slot + 1u) % store->energy_slots);
        if (store_write_record(energy_offset(slot), record, ENERGY_BODY_BYTES)) {
            store->energy = energy;
            store->energy_slot = slot;
            return true;
        }
    }
    return false;
}

OUTLINE bool store_state(struct store *store)
{
    uint8_t record[STATE_BODY_BYTES];
    memset(record, 0, sizeof record);
    put_u32(record, store->sequence + 1u);
    put_u32(record + 4, store->boot);
    put_u32(record + 8, store->reserved);
    memcpy(record + 12, store->session, SESSION_BYTES);
    record[28] = store->begun ? 1 : 0;
    uint8_t slot = store->state_slot;
    for (uint8_t tried = 1; tried < STATE_SLOTS; tried++) {
        slot = (uint8_t)((slot + 1u) % STATE_SLOTS);
        if (store_write_record(state_offset(slot), record, STATE_BODY_BYTES)) {
            store->sequence++;
            store->state_slot = slot;
            return true;
        }
    }
    return false;
}

bool store_configuration(uint8_t body[CONFIGURATION_BODY_BYTES])
{
    return store_read_record(CONFIGURATION_OFFSET, body, CONFIGURATION_BODY_BYTES);
}

void store_put_configuration(const uint8_t body[CONFIGURATION_BODY_BYTES])
{
    uint8_t crc[4];
    put_u32(crc, record_crc(body, CONFIGURATION_BODY_BYTES));
    storage_write(CONFIGURATION_OFFSET, body, CONFIGURATION_BODY_BYTES);
    storage_write(CONFIGURATION_OFFSET + CONFIGURATION_BODY_BYTES, crc, 4);
}

void store_erase_configuration(void)
{
    uint8_t crc;
    storage_read(CONFIGURATION_OFFSET + CONFIGURATION_BODY_BYTES, &crc, 1);
    crc = (uint8_t)~crc;
    storage_write(CONFIGURATION_OFFSET + CONFIGURATION_BODY_BYTES, &crc, 1);
}

void store_host(uint8_t offset, char name[HOST_BYTES])
{
    storage_read((uint16_t)(CONFIGURATION_OFFSET + offset), (uint8_t *)name, HOST_BYTES);
    name[HOST_BYTES - 1] = '\0';
}

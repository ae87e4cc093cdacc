#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "blake2b.h"
#include "board.h"
#include "bytes.h"
#include "crc32.h"
#include "dhcp.h"
#include "dht11.h"
#include "dns.h"
#include "network.h"
#include "pn532.h"
#include "sntp.h"
#include "unit.h"

#include "harness.h"

#define STREAM_BYTES 4096

static struct unit unit;
static struct meter meter;

static struct {
    uint8_t *memory;
    uint16_t bytes;
    int64_t cut;
    bool tears;
    uint16_t worn_from;
    uint16_t worn;
    jmp_buf lost;
    uint32_t now;
    uint8_t switches;
    bool erase;
    uint16_t voltage;
    uint8_t pilot;
    uint16_t offered;
    bool relay;
    uint32_t moves;
    bool climate_new;
    int8_t temperature;
    uint8_t humidity;
    uint8_t tag[TAG_ID_BYTES_MAX];
    uint8_t tag_bytes;
    bool window_new;
    struct window window;
    uint8_t public_key[32];
    uint8_t *slots;
    uint32_t slot_bytes;
    uint32_t slot_used[2];
    uint32_t restarts;
    uint32_t version;
} board = {.pilot = 2, .cut = -1, .version = 0x01000000};

static struct {
    bool up;
    bool opens;
    bool finished;
    enum network_state state;
    uint16_t out_bytes;
    uint16_t in_bytes;
    uint16_t in_read;
    uint32_t starts;
    uint32_t seconds;
    char host[HOST_BYTES];
    uint8_t out[STREAM_BYTES];
    uint8_t in[STREAM_BYTES];
} wire = {.up = true, .opens = true};

/* --- the board --------------------------------------------------------------------------------------------- */

uint32_t board_milliseconds(void) { return board.now; }
void board_watchdog(void) {}
uint16_t storage_bytes(void) { return board.bytes; }

bool board_updates(void) { return board.slots != NULL; }

static uint32_t memory_bytes(void) { return board.bytes + (board.slots != NULL ? UPDATE_BYTES : 0u); }

void storage_read(uint16_t offset, uint8_t *to, uint16_t count)
{
    if ((uint32_t)offset + count > memory_bytes()) {
        abort();
    }
    memcpy(to, board.memory + offset, count);
}

/* One byte is written, `garbled` where power dies in it. */
static void lose_power(uint8_t *at, uint8_t garbled)
{
    if (board.cut == 0) {
        if (board.tears) {
            *at = garbled;
        }
        longjmp(board.lost, 1);
    }
    if (board.cut > 0) {
        board.cut--;
    }
}

void storage_write(uint16_t offset, const uint8_t *from, uint16_t count)
{
    if ((uint32_t)offset + count > memory_bytes()) {
        abort();
    }
    for (uint16_t i = 0; i < count; i++) {
        uint16_t at = (uint16_t)(offset + i);
        lose_power(&board.memory[at], (uint8_t)(from[i] ^ (0x5a + at)));
        if (at < board.worn_from || at >= board.worn_from + board.worn) {
            board.memory[at] = from[i];
        }
    }
}

/* --- slots: flash whose erasing and programming can be cut anywhere ------------------------------------------ */

uint32_t slot_bytes(void) { return board.slot_bytes; }

bool slot_erase(uint8_t slot)
{
    uint8_t *at = board.slots + slot * board.slot_bytes;
    for (uint32_t i = 0; i < board.slot_bytes; i += 256u) {
        lose_power(at + i, 0xa5);
        memset(at + i, 0xff, 256u);
    }
    return true;
}

bool slot_write(uint8_t slot, uint32_t offset, const uint8_t *from, uint16_t count)
{
    uint8_t *at = board.slots + slot * board.slot_bytes + offset;
    if (offset + count > board.slot_bytes) {
        return false;
    }
    for (uint16_t i = 0; i < count; i++) {
        lose_power(at + i, (uint8_t)(from[i] ^ 0x5a));
        at[i] = from[i];
    }
    return true;
}

bool slot_read(uint8_t slot, uint32_t offset, uint8_t *to, uint16_t count)
{
    if (offset + count > board.slot_bytes) {
        return false;
    }
    memcpy(to, board.slots + slot * board.slot_bytes + offset, count);
    return true;
}

void board_restart(void) { board.restarts++; }

/* Instead of version.c: the tests say which image runs. */
uint32_t firmware_version(void) { return board.version; }
void firmware_board(uint8_t name[BOARD_BYTES]) { strncpy((char *)name, BOARD_NAME, BOARD_BYTES); }
void harness_version(uint32_t version) { board.version = version; }

void board_relay(bool closed)
{
    if (closed != board.relay) {
        board.moves++;
    }
    board.relay = closed;
}

void board_pilot(uint16_t deciamperes) { board.offered = deciamperes; }

bool board_connected(bool *connected)
{
    *connected = board.pilot == 1;
    return board.pilot != 2;
}

bool board_window(struct window *window)
{
    bool fresh = board.window_new;
    *window = board.window;
    board.window_new = false;
    return fresh;
}

void board_centre(uint16_t counts) { (void)counts; }

bool board_voltage(uint16_t *decivolts)
{
    *decivolts = board.voltage;
    return board.voltage != 0;
}

bool board_climate(int8_t *temperature, uint8_t *humidity)
{
    bool fresh = board.climate_new;
    if (fresh) {
        *temperature = board.temperature;
        *humidity = board.humidity;
    }
    board.climate_new = false;
    return fresh;
}

uint8_t board_tag(uint8_t id[TAG_ID_BYTES_MAX])
{
    uint8_t count = board.tag_bytes;
    memcpy(id, board.tag, count);
    board.tag_bytes = 0;
    return count;
}

uint8_t board_switches(void) { return board.switches; }
bool board_erase_held(void) { return board.erase; }

/* A generator with a fixed seed: the tests' keys are no secrets, and repeat. */
bool board_entropy(uint8_t *to, uint8_t count)
{
    static uint32_t state = 2463534242u;
    for (uint8_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        to[i] = (uint8_t)state;
    }
    return true;
}

void board_show_key(const uint8_t key[32]) { memcpy(board.public_key, key, 32); }

/* --- the network ------------------------------------------------------------------------------------------- */

void network_start(const uint8_t ethernet[6], const struct configuration *configuration)
{
    (void)ethernet;
    (void)configuration;
    wire.starts++;
    network_close();
}

void network_step(uint32_t now) { (void)now; }
bool network_ready(void) { return wire.up; }

void network_open(const char *host, uint16_t port)
{
    (void)host;
    (void)port;
    wire.out_bytes = 0;
    wire.in_bytes = 0;
    wire.in_read = 0;
    wire.finished = false;
    wire.state = wire.opens ? NETWORK_OPEN : NETWORK_FAILED;
}

enum network_state network_state(void) { return wire.state; }

void network_begin(uint16_t total)
{
    if (total > NETWORK_SEND_BYTES) {
        abort();
    }
    wire.state = NETWORK_READY;
}

void network_write(const uint8_t *bytes, uint16_t count)
{
    memcpy(wire.out + wire.out_bytes, bytes, count);
    wire.out_bytes = (uint16_t)(wire.out_bytes + count);
}

void network_end(void) { wire.state = NETWORK_SENT; }

uint16_t network_read(uint8_t *to, uint16_t most)
{
    uint16_t count = (uint16_t)(wire.in_bytes - wire.in_read);
    if (count > most) {
        count = most;
    }
    memcpy(to, wire.in + wire.in_read, count);
    wire.in_read = (uint16_t)(wire.in_read + count);
    return count;
}

bool network_finished(void) { return wire.finished && wire.in_read == wire.in_bytes; }

void network_close(void)
{
    wire.state = NETWORK_CLOSED;
    wire.out_bytes = 0;
}

void network_ask_time(const char *host) { strncpy(wire.host, host, HOST_BYTES - 1); }

bool network_time(uint32_t *seconds)
{
    *seconds = wire.seconds;
    wire.seconds = 0;
    return *seconds != 0;
}

void harness_link(uint8_t up, uint8_t opens)
{
    wire.up = up != 0;
    wire.opens = opens != 0;
    if (!wire.up && wire.state != NETWORK_CLOSED) {
        wire.state = NETWORK_FAILED;
    }
}

uint16_t harness_question(uint8_t *to, uint16_t most)
{
    uint16_t count = wire.out_bytes;
    if (wire.state != NETWORK_SENT || count == 0 || count > most) {
        return 0;
    }
    memcpy(to, wire.out, count);
    wire.out_bytes = 0;
    return count;
}

void harness_answer(const uint8_t *bytes, uint16_t count)
{
    if (wire.state == NETWORK_SENT && wire.in_bytes + count <= STREAM_BYTES) {
        memcpy(wire.in + wire.in_bytes, bytes, count);
        wire.in_bytes = (uint16_t)(wire.in_bytes + count);
    }
}

void harness_hang_up(void) { wire.finished = true; }
uint32_t harness_network_starts(void) { return wire.starts; }
const char *harness_time_asked(void) { return wire.host; }
void harness_time_answer(uint32_t seconds) { wire.seconds = seconds; }

/* --- the unit ---------------------------------------------------------------------------------------------- */

void harness_memory(uint8_t *memory, uint16_t count)
{
    board.memory = memory;
    board.bytes = count;
}

void harness_slots(uint8_t *slots, uint32_t bytes)
{
    board.slots = slots;
    board.slot_bytes = bytes;
    board.restarts = 0;
}

int harness_boot_slot(void)
{
    struct update update;
    if (setjmp(board.lost) != 0) {
        return -1;
    }
    return update_load(&update) ? update_boot(&update) : NO_SLOT;
}

uint32_t harness_restarts(void) { return board.restarts; }
uint8_t harness_update_phase(void) { return unit.update.phase; }
uint8_t harness_update_active(void) { return unit.update.active; }
uint32_t harness_update_floor(void) { return unit.update.floor; }
uint32_t harness_update_failed(void) { return unit.update.failed; }
uint32_t harness_update_progress(void) { return unit.update.progress; }
uint8_t harness_update_able(void) { return unit.update.able; }

void harness_cut(int64_t bytes, uint8_t tears)
{
    board.cut = bytes;
    board.tears = tears != 0;
}

void harness_wear(uint16_t offset, uint16_t count)
{
    board.worn_from = offset;
    board.worn = count;
}

static void forget_wire(void)
{
    bool up = wire.up;
    bool opens = wire.opens;
    memset(&wire, 0, sizeof wire);
    wire.up = up;
    wire.opens = opens;
}

int harness_start(void)
{
    board.now = 0;
    board.relay = false;
    board.window_new = false;
    forget_wire();
    if (setjmp(board.lost) != 0) {
        board.relay = false;
        return -1;
    }
    return unit_start(&unit) ? 1 : 0;
}

int harness_step(uint32_t milliseconds)
{
    if (setjmp(board.lost) != 0) {
        board.relay = false;
        return -1;
    }
    board.now += milliseconds;
    unit_step(&unit);
    return 1;
}

int harness_window(uint16_t count, int32_t sum, uint64_t squares, uint16_t clipped)
{
    board.window.count = count;
    board.window.sum = sum;
    board.window.squares = (squares_t)squares;
    board.window.clipped = clipped;
    board.window.milliseconds = 1000;
    board.window_new = true;
    return harness_step(0);
}

int harness_power_failing(void)
{
    if (setjmp(board.lost) != 0) {
        return -1;
    }
    unit_power_failing(&unit);
    return 1;
}

void harness_switches(uint8_t switches, uint8_t erase)
{
    board.switches = switches;
    board.erase = erase != 0;
}

void harness_voltage(uint16_t decivolts) { board.voltage = decivolts; }

void harness_climate(int8_t temperature, uint8_t humidity)
{
    board.temperature = temperature;
    board.humidity = humidity;
    board.climate_new = true;
}

void harness_tag(const uint8_t *id, uint8_t count)
{
    memcpy(board.tag, id, count);
    board.tag_bytes = count;
}

void harness_pilot(uint8_t state) { board.pilot = state; }
uint8_t harness_relay(void) { return board.relay; }
uint32_t harness_relay_moves(void) { return board.moves; }
uint16_t harness_offered(void) { return board.offered; }
uint64_t harness_energy(void) { return unit.meter.energy; }
uint64_t harness_stored_energy(void) { return unit.store.energy; }
uint32_t harness_boot(void) { return unit.store.boot; }
uint32_t harness_clock(void) { return unit.clock.seconds; }
uint8_t harness_phase(void) { return unit.session.phase; }
uint8_t harness_complete(void) { return unit.session.complete; }
uint8_t harness_configured(void) { return unit.configured; }
const uint8_t *harness_public_key(void) { return board.public_key; }

/* --- codecs ------------------------------------------------------------------------------------------------ */

static struct keys unit_keys(uint8_t unit_class, const uint8_t *key)
{
    struct keys keys;
    memset(&keys, 0, sizeof keys);
    keys.unit_class = unit_class;
    if (unit_class == CLASS_MAC) {
        memcpy(keys.mac, key, MAC_KEY_BYTES);
    } else {
        authentication_derive(&keys, key);
    }
    return keys;
}

static struct keys gateway_keys(uint8_t unit_class, const uint8_t *signing)
{
    struct keys keys;
    memset(&keys, 0, sizeof keys);
    keys.unit_class = unit_class;
    memcpy(unit_class == CLASS_MAC ? keys.mac : keys.signing, signing,
           unit_class == CLASS_MAC ? MAC_KEY_BYTES : KEY_BYTES);
    return keys;
}

uint16_t harness_batch(uint8_t unit_class, const uint8_t *key, uint8_t flags, uint16_t number_of_unit,
                       const uint8_t *network, uint32_t boot, uint32_t number, uint32_t time, uint64_t energy,
                       const uint8_t *session, const uint8_t *previous, uint16_t period, int8_t temperature,
                       uint8_t humidity, uint8_t count, uint8_t reason, const uint8_t *samples, uint8_t *message)
{
    struct keys keys = unit_keys(unit_class, key);
    struct batch batch = {.flags = flags, .reason = reason, .unit = number_of_unit, .network = network,
                          .boot = boot, .number = number, .time = time, .energy = energy, .session = session,
                          .previous = previous, .period = period, .temperature = temperature,
                          .humidity = humidity, .count = count};
    for (uint8_t i = 0; i < count; i++) {
        batch_put_sample(message, i, get_u16(samples + 4 * i), get_u16(samples + 4 * i + 2));
    }
    batch_put(&batch, message);
    uint16_t body = batch_body_bytes(message);
    authentication_seal(&keys, DOMAIN_BATCH, message, body, message + body);
    return (uint16_t)(body + authentication_bytes(&keys));
}

uint16_t harness_request(uint8_t unit_class, const uint8_t *key, uint8_t kind, uint16_t number_of_unit,
                         const uint8_t *network, uint32_t boot, uint32_t number, uint32_t time, const uint8_t *tag,
                         uint8_t *message)
{
    struct keys keys = unit_keys(unit_class, key);
    struct request request = {.kind = kind, .unit = number_of_unit, .network = network, .boot = boot,
                              .number = number, .time = time, .tag = tag};
    return request_put(&request, &keys, message);
}

int harness_command(uint8_t unit_class, const uint8_t *signing, uint16_t number_of_unit, const uint8_t *network,
                    uint32_t boot, uint32_t last_counter, uint8_t is_set, uint32_t clock, const uint8_t *message,
                    uint16_t count)
{
    struct keys keys = gateway_keys(unit_class, signing);
    struct command command;
    struct command_state state = {.unit = number_of_unit, .network = network, .boot = boot,
                                  .last_counter = last_counter, .clock_set = is_set != 0, .clock = clock};
    return (int)command_judge(&state, &keys, message, count, &command);
}

int harness_configuration(uint8_t unit_class, const uint8_t *signing, uint16_t number_of_unit,
                          const uint8_t *network, uint32_t boot, const uint8_t *message, uint16_t count)
{
    struct keys keys = gateway_keys(unit_class, signing);
    return (int)configuration_judge(number_of_unit, network, boot, &keys, message, count);
}

int harness_firmware(const uint8_t *key, const uint8_t *envelope, uint16_t count, uint32_t most, uint32_t *version,
                     uint32_t *length)
{
    struct firmware firmware = {0, 0, NULL};
    int refusal = (int)firmware_judge(key, envelope, count, most, &firmware);
    *version = firmware.version;
    *length = firmware.length;
    return refusal;
}

uint16_t harness_status(uint8_t unit_class, const uint8_t *key, uint8_t flags, uint16_t number_of_unit,
                        const uint8_t *network, uint32_t boot, uint32_t number, uint32_t failed, uint16_t falls,
                        uint8_t *message)
{
    struct keys keys = unit_keys(unit_class, key);
    struct status status = {.flags = flags, .unit = number_of_unit, .network = network, .boot = boot,
                            .number = number, .failed = failed, .falls = falls};
    return status_put(&status, &keys, message);
}

int harness_offer(uint8_t unit_class, const uint8_t *signing, uint16_t number_of_unit, const uint8_t *network,
                  uint32_t boot, uint32_t number, const uint8_t *message, uint16_t count, uint8_t *kind)
{
    struct keys keys = gateway_keys(unit_class, signing);
    struct status status = {.unit = number_of_unit, .network = network, .boot = boot, .number = number};
    return (int)offer_judge(&status, &keys, message, count, kind);
}

/* --- the meter --------------------------------------------------------------------------------------------- */

void harness_meter(uint32_t gain, uint16_t noise, uint16_t starting, uint64_t energy)
{
    meter_start(&meter, gain, noise, starting, energy);
}

static uint64_t random_state = 88172645463325252u;

/* The sum of four uniform numbers: near enough to a normal deviate, and quick. */
static double deviate(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    double sum = (double)(random_state & 0xffff) + (double)((random_state >> 16) & 0xffff) +
                 (double)((random_state >> 32) & 0xffff) + (double)(random_state >> 48);
    return (sum / 65536.0 - 2.0) * 1.7320508;
}

void harness_meter_windows(uint32_t seconds, uint16_t rate, int32_t peak, uint32_t cycles, int32_t centre,
                           int32_t centre_drift, int32_t deviation, uint16_t voltage)
{
    for (uint32_t second = 0; second < seconds; second++) {
        struct window window;
        memset(&window, 0, sizeof window);
        double step = 2.0 * M_PI * cycles / 1000.0 / rate;
        double phase = step * rate * second;
        double rest = (centre + (double)centre_drift * second / seconds) / 65536.0;
        for (uint16_t i = 0; i < rate; i++) {
            double value = rest;
            if (peak != 0) {
                value += peak / 65536.0 * sin(phase + step * i);
            }
            value += deviation / 65536.0 * deviate();
            long counts = lrint(value);
            counts = counts < 0 ? 0 : counts > ADC_FULL_SCALE ? ADC_FULL_SCALE : counts;
            window_add(&window, (uint16_t)counts, meter.centre);
        }
        window.milliseconds = 1000;
        meter_window(&meter, &window, voltage);
    }
}

uint64_t harness_meter_energy(void) { return meter.energy; }
uint16_t harness_meter_current(void) { return meter.current; }

/* --- parsers ----------------------------------------------------------------------------------------------- */

int harness_http(const uint8_t *bytes, uint32_t count, uint16_t piece, uint8_t *body, uint16_t *length)
{
    struct http http;
    http_start(&http, HTTP_MESSAGE_MAX);
    for (uint32_t at = 0; at < count; at += piece) {
        uint32_t left = count - at;
        http_take(&http, bytes + at, (uint16_t)(left < piece ? left : piece));
    }
    memcpy(body, http.body, http.received);
    *length = http.received;
    return http.state;
}

int harness_sntp(const uint8_t *packet, uint16_t count, uint32_t nonce, uint32_t *seconds)
{
    return sntp_answer(packet, count, nonce, seconds);
}

int harness_dns(const uint8_t *packet, uint16_t count, uint16_t id, uint8_t *address)
{
    return dns_answer(packet, count, id, address);
}

int harness_dotted(const char *host, uint8_t *address) { return dotted_address(host, address); }

/* --- the DHT11 --------------------------------------------------------------------------------------------- */

static struct {
    const uint16_t *times;
    uint16_t count;
    uint32_t begin;
    uint32_t now;
} line;

void harness_dht11_line(const uint16_t *times, uint16_t count)
{
    line.times = times;
    line.count = count;
}

void dht11_line(bool low)
{
    if (!low) {
        line.begin = line.now;
    }
}

bool dht11_level(void)
{
    uint32_t end = line.begin;
    line.now += 2;
    for (uint16_t i = 0; i < line.count; i++) {
        end += line.times[i];
        if (line.now < end) {
            return i % 2 == 0;
        }
    }
    return true;
}

uint16_t dht11_microseconds(void) { return (uint16_t)line.now; }

int harness_dht11(int8_t *temperature, uint8_t *humidity)
{
    struct dht11 dht11 = {.state = 0, .since = 0};
    dht11_step(&dht11, DHT11_INTERVAL, temperature, humidity);
    return dht11_step(&dht11, DHT11_INTERVAL + DHT11_START_PULSE, temperature, humidity);
}

/* --- BLAKE2b, the PN532, DHCP ------------------------------------------------------------------------------ */

void harness_blake2b(const uint8_t *key, uint8_t key_bytes, const uint8_t *bytes, uint32_t count, uint16_t piece,
                     uint8_t digest_bytes, uint8_t *digest)
{
    struct blake2b blake2b;
    blake2b_start(&blake2b, digest_bytes, key, key_bytes);
    for (uint32_t at = 0; at < count; at += piece) {
        uint32_t left = count - at;
        blake2b_add(&blake2b, bytes + at, (uint16_t)(left < piece ? left : piece));
    }
    blake2b_end(&blake2b, digest);
}

static struct {
    struct pn532 driver;
    bool present;
    uint8_t sent_bytes;
    uint8_t sent[64];
    uint8_t ready_bytes;
    uint8_t ready[64];
} reader;

bool pn532_write(const uint8_t *bytes, uint8_t count)
{
    if (!reader.present || count > sizeof reader.sent) {
        return false;
    }
    memcpy(reader.sent, bytes, count);
    reader.sent_bytes = count;
    return true;
}

bool pn532_read(uint8_t *bytes, uint8_t count)
{
    if (!reader.present || reader.ready_bytes == 0) {
        return false;
    }
    memset(bytes, 0, count);
    memcpy(bytes, reader.ready, reader.ready_bytes < count ? reader.ready_bytes : count);
    reader.ready_bytes = 0;
    return true;
}

void harness_pn532_present(uint8_t present)
{
    memset(&reader, 0, sizeof reader);
    reader.present = present != 0;
}

uint8_t harness_pn532_sent(uint8_t *frame)
{
    uint8_t count = reader.sent_bytes;
    memcpy(frame, reader.sent, count);
    reader.sent_bytes = 0;
    return count;
}

void harness_pn532_ready(const uint8_t *bytes, uint8_t count)
{
    memcpy(reader.ready, bytes, count);
    reader.ready_bytes = count;
}

uint8_t harness_pn532(uint32_t now, uint8_t *id) { return pn532_step(&reader.driver, now, id); }

static struct dhcp dhcp;
static uint8_t *dhcp_to;
static uint16_t dhcp_count;

static void put_dhcp(const uint8_t *bytes, uint16_t count)
{
    memcpy(dhcp_to + dhcp_count, bytes, count);
    dhcp_count = (uint16_t)(dhcp_count + count);
}

void harness_dhcp_start(uint32_t transaction, uint32_t now) { dhcp_start(&dhcp, transaction, now); }

uint16_t harness_dhcp_message(uint32_t now, uint8_t *message)
{
    static const uint8_t ethernet[6] = {2, 0xc0, 0xde, 0, 0, 7};
    if (!dhcp_due(&dhcp, now)) {
        return 0;
    }
    dhcp_to = message;
    dhcp_count = 0;
    dhcp_message(&dhcp, ethernet, put_dhcp);
    return dhcp_count;
}

int harness_dhcp_answer(const uint8_t *message, uint16_t count, uint32_t now)
{
    dhcp_answer_begin(&dhcp);
    for (uint16_t i = 0; i < count; i++) {
        dhcp_answer_take(&dhcp, message[i]);
    }
    return dhcp_answer_end(&dhcp, now);
}

int harness_dhcp_bound(uint8_t *addresses)
{
    memcpy(addresses, dhcp.address, 4);
    memcpy(addresses + 4, dhcp.mask, 4);
    memcpy(addresses + 8, dhcp.router, 4);
    memcpy(addresses + 12, dhcp.resolver, 4);
    return dhcp_bound(&dhcp);
}

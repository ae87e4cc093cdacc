/* The core under test in one process: a board whose time, memory, network and sensors Python holds in its hands.
 * Only declarations that cffi reads. */

/* Codecs, with flat arguments. Tags are 16 bytes for class 0 (mac), 64 for class 1 (ed25519). */
uint16_t harness_batch(uint8_t unit_class, const uint8_t *key, uint8_t flags, uint16_t unit, const uint8_t *network,
                       uint32_t boot, uint32_t number, uint32_t time, uint64_t energy, const uint8_t *session,
                       const uint8_t *previous, uint16_t period, int8_t temperature, uint8_t humidity,
                       uint8_t count, uint8_t reason, const uint8_t *samples, uint8_t *message);
uint16_t harness_request(uint8_t unit_class, const uint8_t *key, uint8_t kind, uint16_t unit,
                         const uint8_t *network, uint32_t boot, uint32_t number, uint32_t time, const uint8_t *tag,
                         uint8_t *message);
/* The refusals of command.h; `signing` is the MAC key or the condominium's public key. */
int harness_command(uint8_t unit_class, const uint8_t *signing, uint16_t unit, const uint8_t *network, uint32_t boot,
                    uint32_t last_counter, uint8_t clock_set, uint32_t clock, const uint8_t *message, uint16_t count);
int harness_configuration(uint8_t unit_class, const uint8_t *signing, uint16_t unit, const uint8_t *network,
                          uint32_t boot, const uint8_t *message, uint16_t count);
void message_hash(const uint8_t *message, uint16_t count, uint8_t *hash);
void tag_hash(const uint8_t *salt, const uint8_t *id, uint8_t count, uint8_t *hash);

/* The meter alone: windows of generated samples, without a unit. */
void harness_meter(uint32_t gain, uint16_t noise, uint16_t starting, uint64_t energy);
/* `seconds` windows of `rate` samples of a sine of `peak` counts (in 1/65536) and `cycles` periods a window in
 * 1/1000, around `centre` (1/65536 counts), with Gaussian noise of `deviation` (1/65536). */
void harness_meter_windows(uint32_t seconds, uint16_t rate, int32_t peak, uint32_t cycles, int32_t centre,
                           int32_t centre_drift, int32_t deviation, uint16_t voltage);
uint64_t harness_meter_energy(void);
uint16_t harness_meter_current(void);

/* The unit. `memory` is persistent memory of `count` bytes; it stays Python's. */
void harness_memory(uint8_t *memory, uint16_t count);
/* Power dies after `bytes` more bytes were written to persistent memory; -1 never. `tears` garbles the byte
 * under way. */
void harness_cut(int64_t bytes, uint8_t tears);
/* Every byte at or above `offset` whose bit is set in this mask is worn: it keeps what it holds. */
void harness_wear(uint16_t offset, uint16_t count);
/* Memory for updates behind the unit's own (`count` of harness_memory are the store's), and two slots of `bytes` each;
 * none where `slots` is NULL. A cut counts their bytes too. */
void harness_slots(uint8_t *slots, uint32_t bytes);
/* The version of the image that runs. */
void harness_version(uint32_t version);
/* What a boot loader does: the slot, 255 for none, -1 where power was cut. */
int harness_boot_slot(void);
/* How often the unit asked to be started anew. */
uint32_t harness_restarts(void);
/* The journal: phase 0 none, 1 fetching, 2 pending, 3 trying. */
uint8_t harness_update_phase(void);
uint8_t harness_update_active(void);
uint32_t harness_update_floor(void);
uint32_t harness_update_failed(void);
uint32_t harness_update_progress(void);
uint8_t harness_update_able(void);
/* The refusals of firmware.h. */
int harness_firmware(const uint8_t *key, const uint8_t *envelope, uint16_t count, uint32_t most, uint32_t *version,
                     uint32_t *length);
uint16_t harness_status(uint8_t unit_class, const uint8_t *key, uint8_t flags, uint16_t unit, const uint8_t *network,
                        uint32_t boot, uint32_t number, uint32_t failed, uint16_t falls, uint8_t *message);
int harness_offer(uint8_t unit_class, const uint8_t *signing, uint16_t unit, const uint8_t *network, uint32_t boot,
                  uint32_t number, const uint8_t *message, uint16_t count, uint8_t *kind);
/* 1 running, 0 refused to start, -1 power was cut. */
int harness_start(void);
int harness_step(uint32_t milliseconds);
/* A window of `count` samples, 1,000 ms long. */
int harness_window(uint16_t count, int32_t sum, uint64_t squares, uint16_t clipped);
int harness_power_failing(void);
void harness_switches(uint8_t switches, uint8_t erase);
void harness_voltage(uint16_t decivolts);
void harness_climate(int8_t temperature, uint8_t humidity);
void harness_tag(const uint8_t *id, uint8_t count);
void harness_pilot(uint8_t state);
uint8_t harness_relay(void);
uint32_t harness_relay_moves(void);
uint16_t harness_offered(void);
uint64_t harness_energy(void);
uint64_t harness_stored_energy(void);
uint32_t harness_boot(void);
uint32_t harness_clock(void);
uint8_t harness_phase(void);
uint8_t harness_complete(void);
uint8_t harness_configured(void);
const uint8_t *harness_public_key(void);

/* The network: whether there is a link, whether streams open; the question that was sent (its length, 0 for
 * none); the answer's bytes; the stream's end. */
void harness_link(uint8_t up, uint8_t opens);
uint16_t harness_question(uint8_t *to, uint16_t most);
void harness_answer(const uint8_t *bytes, uint16_t count);
void harness_hang_up(void);
uint32_t harness_network_starts(void);
const char *harness_time_asked(void);
void harness_time_answer(uint32_t seconds);

/* Parsers. */
int harness_http(const uint8_t *bytes, uint32_t count, uint16_t piece, uint8_t *body, uint16_t *length);
int harness_sntp(const uint8_t *packet, uint16_t count, uint32_t nonce, uint32_t *seconds);
void sntp_ask(uint8_t *packet, uint32_t nonce);
uint8_t dns_ask(uint8_t *packet, const char *host, uint16_t id);
int harness_dns(const uint8_t *packet, uint16_t count, uint16_t id, uint8_t *address);
int harness_dotted(const char *host, uint8_t *address);
uint32_t square_root(uint64_t value);

/* The DHT11's line as alternating times in microseconds, beginning high after the unit lets go. */
void harness_dht11_line(const uint16_t *times, uint16_t count);
int harness_dht11(int8_t *temperature, uint8_t *humidity);

/* BLAKE2b of `count` bytes, added `piece` at a time. */
void harness_blake2b(const uint8_t *key, uint8_t key_bytes, const uint8_t *bytes, uint32_t count, uint16_t piece,
                     uint8_t digest_bytes, uint8_t *digest);

/* The PN532: what it was sent last, what it has ready, whether it answers at all. */
void harness_pn532_present(uint8_t present);
uint8_t harness_pn532_sent(uint8_t *frame);
void harness_pn532_ready(const uint8_t *bytes, uint8_t count);
uint8_t harness_pn532(uint32_t now, uint8_t *id);

/* A DHCP client. */
void harness_dhcp_start(uint32_t transaction, uint32_t now);
/* The message that is due, its length, or 0. */
uint16_t harness_dhcp_message(uint32_t now, uint8_t *message);
int harness_dhcp_answer(const uint8_t *message, uint16_t count, uint32_t now);
int harness_dhcp_bound(uint8_t *addresses);

/* The Ethernet controller and the board's LAN8742A at address 0 (RM0090, section 33; Microchip DS00001989). */
#include <string.h>

#include "nucleo.h"
#include "part.h"

#define MAC 0x40028000u
#define MAC_CONFIGURATION REGISTER(MAC)
#define MAC_PHY_ADDRESS REGISTER(MAC + 0x10u)
#define MAC_PHY_DATA REGISTER(MAC + 0x14u)
#define MAC_HIGH REGISTER(MAC + 0x40u)
#define MAC_LOW REGISTER(MAC + 0x44u)
#define MAC_RECEIVES BIT(2)
#define MAC_SENDS BIT(3)
#define MAC_STRIPS_PADDING BIT(7)
#define MAC_FULL_DUPLEX BIT(11)
#define MAC_FAST BIT(14)
#define MAC_RESERVED BIT(15)
#define PHY_CLOCK_150 (4u << 2)
#define PHY_WRITES BIT(1)
#define PHY_BUSY BIT(0)

#define DMA 0x40029000u
#define DMA_MODE REGISTER(DMA)
#define DMA_SEND_POLL REGISTER(DMA + 0x04u)
#define DMA_RECEIVE_POLL REGISTER(DMA + 0x08u)
#define DMA_RECEIVE_LIST REGISTER(DMA + 0x0cu)
#define DMA_SEND_LIST REGISTER(DMA + 0x10u)
#define DMA_STATUS REGISTER(DMA + 0x14u)
#define DMA_OPERATION REGISTER(DMA + 0x18u)
#define DMA_RESET BIT(0)
#define DMA_RECEIVES BIT(1)
#define DMA_SENDS BIT(13)
#define DMA_WHOLE_FRAMES (BIT(21) | BIT(25))

#define SYSTEM_MODE REGISTER(0x40013804u)
#define SYSTEM_RMII BIT(23)

#define PHY_CONTROL 0u
#define PHY_STATUS 1u
#define PHY_RESULT 31u
#define PHY_NEGOTIATES (BIT(12) | BIT(9))
#define PHY_LINKED BIT(2)
#define PHY_RESULT_FAST BIT(3)
#define PHY_RESULT_FULL BIT(4)

#define OWNED BIT(31)
#define SEND_WHOLE (BIT(29) | BIT(28))
#define SEND_LAST_OF_LIST BIT(21)
#define RECEIVED_ERROR BIT(15)
#define RECEIVED_WHOLE (BIT(9) | BIT(8))
#define RECEIVE_LAST_OF_LIST BIT(15)
#define CHECK_BYTES 4u
#define FRAME_BYTES 1536u
#define RECEIVES 6u
/* Between looks at the cable, in milliseconds: each takes 80 microseconds. */
#define LOOK_INTERVAL 250u
#define PATIENCE 100000u

struct descriptor {
    volatile uint32_t status;
    uint32_t control;
    uint32_t buffer;
    uint32_t next;
};

static struct descriptor sending __attribute__((aligned(16)));
static struct descriptor receiving[RECEIVES] __attribute__((aligned(16)));
static uint8_t sent[FRAME_BYTES] __attribute__((aligned(4)));
static uint8_t received[RECEIVES][FRAME_BYTES] __attribute__((aligned(4)));
static uint8_t at;
static bool linked;
static uint32_t looked;

uint32_t sys_now(void);

static void phy_wait(void)
{
    for (uint32_t turns = 0; (MAC_PHY_ADDRESS & PHY_BUSY) != 0 && turns < PATIENCE; turns++) {
    }
}

static uint16_t phy_get(uint32_t index)
{
    MAC_PHY_ADDRESS = index << 6 | PHY_CLOCK_150 | PHY_BUSY;
    phy_wait();
    return (uint16_t)MAC_PHY_DATA;
}

static void phy_put(uint32_t index, uint16_t value)
{
    MAC_PHY_DATA = value;
    MAC_PHY_ADDRESS = index << 6 | PHY_CLOCK_150 | PHY_WRITES | PHY_BUSY;
    phy_wait();
}

static void start_pins(void)
{
    static const struct {
        char port;
        uint8_t pin;
    } pins[] = {{'A', 1}, {'A', 2}, {'A', 7}, {'B', 13}, {'C', 1}, {'C', 4}, {'C', 5}, {'G', 11}, {'G', 13}};
    for (uint8_t i = 0; i < sizeof pins / sizeof pins[0]; i++) {
        pin_function(pins[i].port, pins[i].pin, 11);
    }
}

static void start_lists(void)
{
    sending.control = 0;
    sending.buffer = (uint32_t)(uintptr_t)sent;
    sending.status = SEND_LAST_OF_LIST;
    for (uint8_t i = 0; i < RECEIVES; i++) {
        receiving[i].buffer = (uint32_t)(uintptr_t)received[i];
        receiving[i].control = FRAME_BYTES | (i + 1u == RECEIVES ? RECEIVE_LAST_OF_LIST : 0u);
        receiving[i].status = OWNED;
    }
    DMA_SEND_LIST = (uint32_t)(uintptr_t)&sending;
    DMA_RECEIVE_LIST = (uint32_t)(uintptr_t)receiving;
}

void part_ethernet_start(const uint8_t address[6])
{
    RCC_APB2 |= BIT(14);
    SYSTEM_MODE |= SYSTEM_RMII;
    start_pins();
    RCC_AHB1 |= BIT(25) | BIT(26) | BIT(27);
    DMA_MODE |= DMA_RESET;
    for (uint32_t turns = 0; (DMA_MODE & DMA_RESET) != 0 && turns < PATIENCE; turns++) {
    }
    phy_put(PHY_CONTROL, PHY_NEGOTIATES);
    MAC_HIGH = address[4] | ((uint32_t)address[5] << 8) | MAC_RESERVED << 16;
    MAC_LOW = address[0] | ((uint32_t)address[1] << 8) | ((uint32_t)address[2] << 16) | ((uint32_t)address[3] << 24);
    start_lists();
    MAC_CONFIGURATION = MAC_RESERVED | MAC_STRIPS_PADDING | MAC_FULL_DUPLEX | MAC_FAST | MAC_SENDS | MAC_RECEIVES;
    DMA_OPERATION = DMA_WHOLE_FRAMES | DMA_SENDS | DMA_RECEIVES;
}

/* Let the controller send as both ends agreed. */
static void use_result(void)
{
    uint16_t result = phy_get(PHY_RESULT);
    uint32_t configuration = MAC_CONFIGURATION & ~(MAC_FULL_DUPLEX | MAC_FAST);
    configuration |= (result & PHY_RESULT_FULL) != 0 ? MAC_FULL_DUPLEX : 0u;
    configuration |= (result & PHY_RESULT_FAST) != 0 ? MAC_FAST : 0u;
    MAC_CONFIGURATION = configuration;
}

bool part_ethernet_linked(void)
{
    uint32_t now = sys_now();
    if (now - looked < LOOK_INTERVAL) {
        return linked;
    }
    looked = now;
    bool before = linked;
    linked = (phy_get(PHY_STATUS) & PHY_LINKED) != 0;
    if (linked && !before) {
        use_result();
    }
    return linked;
}

void part_ethernet_send(const uint8_t *frame, uint16_t count)
{
    /* A frame that the cable did not take in time makes room for this one. */
    for (uint32_t turns = 0; (sending.status & OWNED) != 0 && turns < PATIENCE; turns++) {
    }
    if ((sending.status & OWNED) != 0 || count > FRAME_BYTES) {
        return;
    }
    memcpy(sent, frame, count);
    sending.control = count;
    __asm__ volatile("dmb" ::: "memory");
    sending.status = OWNED | SEND_WHOLE | SEND_LAST_OF_LIST;
    __asm__ volatile("dmb" ::: "memory");
    DMA_STATUS = BIT(2);
    DMA_SEND_POLL = 0;
}

uint16_t part_ethernet_take(uint8_t *frame, uint16_t most)
{
    uint32_t status = receiving[at].status;
    if ((status & OWNED) != 0) {
        return 0;
    }
    uint16_t count = (uint16_t)((status >> 16) & 0x3fffu);
    bool whole = (status & RECEIVED_WHOLE) == RECEIVED_WHOLE && (status & RECEIVED_ERROR) == 0;
    count = whole && count > CHECK_BYTES && count - CHECK_BYTES <= most ? (uint16_t)(count - CHECK_BYTES) : 0;
    memcpy(frame, received[at], count);
    __asm__ volatile("dmb" ::: "memory");
    receiving[at].status = OWNED;
    at = (uint8_t)((at + 1u) % RECEIVES);
    DMA_STATUS = BIT(7);
    DMA_RECEIVE_POLL = 0;
    return count;
}

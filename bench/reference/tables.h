/* What the switch works on, as in src/nicswitch: records of ports, addresses, VLANs, frames, queues. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOBODY = 0xffff, SET = 0x8000, UNTAGGED = 4096, KEEP_TAG = -2 };
enum { TAG_STRIP = 1, TAG_INSERT = 2, TAG_STRIP_VIRTUAL = 16, TAG_INSERT_VIRTUAL = 32, TAG_SHIFT = 24 };
enum { RUNT, TX_DISABLED, TRUNCATED_TAG, GIANT, MAC_SPOOF, VLAN_SPOOF, VLAN_FILTER, NO_MATCH, SOURCE_PRUNED,
       VPORT_DISABLED, OUTPUT_FULL, NO_CHANNEL, TAG_SPOOF, NO_VIRTUAL_TAG, UNKNOWN_CHANNEL, REASONS };
enum { UNICAST, MULTICAST, BROADCAST };
/* Words between two queues: see PortQueues. */
enum { QUEUE_MARGIN = 16 };
/* Where the VLAN of a frame is: see VlanMode in switch-scenario.ts. */
enum { VLAN_NONE, VLAN_GUEST, VLAN_PORT };
enum { MOST_TARGETS = 16385 };

/* In the first cache line what a frame needs of its receiver. */
struct port {
  uint32_t max_bytes, tag_bits, out_head, out_tail;
  uint64_t out_taken, frames_out, bytes_out;
  uint32_t check_mac, source_first, source_last, check_vlan;
  int32_t port_tag;
  uint32_t in_head, in_tail;
  uint64_t frames_in, bytes_in, replicas;
  uint64_t in_by_class[3], out_by_class[3], drops[REASONS];
} __attribute__((aligned(64)));

struct place {
  uint32_t low, high_value;
};

/* The scenario. */
static uint32_t vports, slots, slot_bytes, queue_entries, max_frame_bytes, frames_per_port, uplink;

/* The tables. */
static struct port *ports;
static struct place *places;
static uint32_t place_mask, hash_shift, set_words, row_words;
static uint32_t *vlans, *broadcast_set, *rx_set;

/* Frames. */
static uint8_t *pool;
static uint32_t word_shift, *lengths, *references, *free_slots, free_count;
static int32_t *outer_tci;

/* Queues, which start over at their first place when they have been emptied. */
static uint32_t *in_items, *out_items, queue_stride;

static void *array(size_t count, size_t size) {
  size_t bytes = (count * size + 63) & ~(size_t)63;
  void *memory = aligned_alloc(64, bytes);
  if (memory == NULL) exit(3);
  memset(memory, 0, bytes);
  return memory;
}

static uint32_t mac_hash(uint32_t low, uint32_t high) {
  return (low * 0xc2242a6fu + high * 0x8d5a6925u) >> hash_shift;
}

static uint32_t lookup(uint32_t low, uint32_t high) {
  for (uint32_t at = mac_hash(low, high);; at = (at + 1) & place_mask) {
    uint32_t word = places[at].high_value;
    if (word >> 16 == NOBODY) return NOBODY;
    if (places[at].low == low && (word & 0xffff) == high) return word >> 16;
  }
}

static void add_mac(uint32_t port, uint32_t low, uint32_t high) {
  uint32_t at = mac_hash(low, high);
  while (places[at].high_value >> 16 != NOBODY) at = (at + 1) & place_mask;
  places[at].low = low;
  places[at].high_value = high | port << 16;
  if (ports[port].source_first == 0 && ports[port].source_last == 0) {
    ports[port].source_first = low << 16;
    ports[port].source_last = low >> 16 | high << 16;
  }
}

static int class_of(const uint32_t *word) {
  if (!(word[0] & 1)) return UNICAST;
  return word[0] == 0xffffffffu && (word[1] & 0xffff) == 0xffff ? BROADCAST : MULTICAST;
}

static void release(uint32_t slot) {
  if (references[slot] == 0) abort();
  if (--references[slot] == 0) free_slots[free_count++] = slot;
}

static int drop(struct port *from, int reason, uint32_t slot) {
  from->drops[reason]++;
  release(slot);
  return 0;
}

static int move_to_front(struct port *to, uint32_t port) {
  uint32_t *items = out_items + (size_t)port * queue_stride;
  if (to->out_head == 0) return 0;
  memmove(items, items + to->out_head, (to->out_tail - to->out_head) * 4);
  to->out_tail -= to->out_head;
  to->out_head = 0;
  return 1;
}

__attribute__((noinline)) static uint32_t push_burst(uint32_t port, const uint32_t *source, uint32_t count) {
  struct port *to = &ports[port];
  if (to->in_tail + count > queue_entries && to->in_head != 0) {
    uint32_t *first = in_items + (size_t)port * queue_stride;
    memmove(first, first + to->in_head, (to->in_tail - to->in_head) * 4);
    to->in_tail -= to->in_head;
    to->in_head = 0;
  }
  uint32_t *items = in_items + (size_t)port * queue_stride + to->in_tail;
  if (count > queue_entries - to->in_tail) count = queue_entries - to->in_tail;
  for (uint32_t i = 0; i < count; i++) items[i] = source[i];
  to->in_tail += count;
  return count;
}

__attribute__((noinline)) static uint32_t shift_burst(uint32_t port, uint32_t *target) {
  struct port *from = &ports[port];
  const uint32_t *items = out_items + (size_t)port * queue_stride + from->out_head;
  uint32_t count = from->out_tail - from->out_head;
  for (uint32_t i = 0; i < count; i++) target[i] = items[i];
  from->out_head = from->out_tail = 0;
  from->out_taken += count;
  return count;
}

/* A slot that nobody holds, or -1. */
static int32_t take_slot(void) {
  if (free_count == 0) return -1;
  uint32_t slot = free_slots[--free_count];
  references[slot] = 1;
  outer_tci[slot] = -1;
  return (int32_t)slot;
}

/* Whether a word begins with the EtherType of a VLAN tag. */
static inline int is_vlan_tag(uint32_t word) {
  uint32_t type = word & 0xffff;
  return type == 0x0081 || type == 0xa888 || type == 0x0091;
}

/* Whether a frame has one VLAN tag behind the other, or one that is not 802.1Q's. */
static inline int is_stacked(uint32_t fourth, uint32_t fifth) {
  return is_vlan_tag(fourth) && ((fourth & 0xffff) != 0x0081 || is_vlan_tag(fifth));
}

/* Any frame, rule by rule: ReceiverSelection and DirectPath.enqueue. */
#pragma once
#include "tables.h"

/* Any frame, rule by rule. Writes targets and returns how many. */
static int select_receivers(uint32_t slot, uint32_t ingress, uint32_t *targets) {
  struct port *from = &ports[ingress];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t bytes = lengths[slot];
  from->frames_in++;
  from->bytes_in += bytes;
  if (bytes < 14) return drop(from, RUNT, slot);
  int class = class_of(word);
  from->in_by_class[class]++;
  if (from->port_tag != KEEP_TAG) outer_tci[slot] = from->port_tag;
  uint32_t tag = outer_tci[slot] >= 0 ? TAG_INSERT : (word[3] & 0xffff) == 0x0081 ? TAG_STRIP : 0;
  uint32_t size = tag == TAG_STRIP ? bytes - 4 : bytes;
  if (size < 14) return drop(from, TRUNCATED_TAG, slot);
  if (size > max_frame_bytes) return drop(from, GIANT, slot);
  uint32_t vlan = tag == TAG_INSERT ? (uint32_t)outer_tci[slot] & 0xfff
    : tag == TAG_STRIP ? (word[3] >> 8 & 0xf00) | word[3] >> 24 : UNTAGGED;
  const uint32_t *row = vlans + (size_t)vlan * row_words;
  if (from->check_mac) {
    uint32_t low = word[1] >> 16 | word[2] << 16;
    if ((low & 1) || lookup(low, word[2] >> 16) != ingress) return drop(from, MAC_SPOOF, slot);
  }
  if (from->check_vlan && !(row[ingress >> 5] >> (ingress & 31) & 1)) return drop(from, VLAN_SPOOF, slot);

  uint32_t set[512] = {0};
  int to_wire = ingress != uplink;
  int reason = -1;
  if (class == BROADCAST) {
    memcpy(set, broadcast_set, set_words * 4);
  } else {
    uint32_t value = lookup(word[0], word[1] & 0xffff);
    if (value < SET) set[value >> 5] |= 1u << (value & 31);
    else reason = NO_MATCH;
    if (value < SET && class == UNICAST && (row[set_words + (value >> 5)] >> (value & 31) & 1)) to_wire = 0;
  }
  set[ingress >> 5] &= ~(1u << (ingress & 31));
  uint32_t left = 0;
  for (uint32_t w = 0; w < set_words; w++) left |= set[w];
  if (left == 0 && reason < 0) reason = SOURCE_PRUNED;
  left = 0;
  for (uint32_t w = 0; w < set_words; w++) left |= set[w] &= row[set_words + w];
  if (left == 0 && reason < 0) reason = VLAN_FILTER;
  left = 0;
  for (uint32_t w = 0; w < set_words; w++) left |= set[w] &= rx_set[w];
  if (left == 0 && reason < 0) reason = VPORT_DISABLED;
  int count = 0;
  for (uint32_t w = 0; w < set_words; w++) {
    for (uint32_t rest = set[w]; rest != 0; rest &= rest - 1) {
      uint32_t to = (w << 5) + (uint32_t)__builtin_ctz(rest);
      if (size > ports[to].max_bytes) continue;
      targets[count++] = to | (ports[to].tag_bits & tag << TAG_SHIFT);
    }
  }
  if (to_wire) targets[count++] = uplink | (tag & TAG_INSERT) << TAG_SHIFT;
  if (count == 0) return drop(from, reason < 0 ? GIANT : reason, slot);
  references[slot] += (uint32_t)count - 1;
  from->replicas += (uint64_t)count - 1;
  return count;
}

/* Puts the frame in `slot` into the output queues of `count` of `targets`. */
static void enqueue(uint32_t slot, const uint32_t *targets, int count) {
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t bytes = lengths[slot];
  int class = class_of(word);
  for (int i = 0; i < count; i++) {
    uint32_t port = targets[i] & 0xffffff;
    struct port *to = &ports[port];
    if (to->out_tail == queue_entries && !move_to_front(to, port)) {
      to->drops[OUTPUT_FULL]++;
      release(slot);
      continue;
    }
    out_items[(size_t)port * queue_stride + to->out_tail++] = targets[i] - port + slot;
    to->bytes_out += bytes;
    to->out_by_class[class]++;
  }
}

static void forward_any(uint32_t slot, uint32_t ingress) {
  static uint32_t targets[MOST_TARGETS];
  enqueue(slot, targets, select_receivers(slot, ingress, targets));
}

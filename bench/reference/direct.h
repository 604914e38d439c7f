/* Frames to one receiver: createDirectPath. */
#pragma once
#include "tables.h"

/* Frames to one receiver that takes them, until one is not; returns how many. */
static uint32_t forward_direct(uint32_t ingress, const uint32_t *items, uint32_t count) {
  struct port *from = &ports[ingress];
  const uint32_t miss = ingress == uplink ? NOBODY : uplink;
  const uint32_t check_mac = from->check_mac, check_vlan = from->check_vlan;
  const int32_t port_tag = from->port_tag;
  uint32_t source_first = from->source_first, source_last = from->source_last;
  uint32_t type_word = 0, tag_bits = 0, tag_bytes = 0;
  const uint32_t *receivers = NULL;
  int32_t tci = -2;
  uint64_t bytes_in = 0;
  uint32_t i;
  for (i = 0; i < count; i++) {
    uint32_t slot = items[i];
    uint32_t bytes = lengths[slot];
    const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
    uint32_t first = word[0], second = word[1], third = word[2], fourth = word[3];
    int32_t outer = outer_tci[slot];
    if (bytes < 18 || (first & 1) || is_stacked(fourth, word[4])) break;
    if (port_tag != KEEP_TAG) outer_tci[slot] = outer = port_tag;
    if (outer != tci || fourth != type_word) {
      uint32_t vlan = UNTAGGED;
      tag_bits = 0;
      tag_bytes = 0;
      if (outer >= 0) {
        vlan = (uint32_t)outer & 0xfff;
        tag_bits = TAG_INSERT << TAG_SHIFT;
      } else if ((fourth & 0xffff) == 0x0081) {
        vlan = (fourth >> 8 & 0xf00) | fourth >> 24;
        tag_bits = TAG_STRIP << TAG_SHIFT;
        tag_bytes = 4;
      }
      const uint32_t *members = vlans + (size_t)vlan * row_words;
      tci = outer;
      type_word = fourth;
      receivers = members + set_words;
      if ((members[ingress >> 5] >> (ingress & 31) & check_vlan) != check_vlan) break;
    }
    uint32_t size = bytes - tag_bytes;
    if ((((second ^ source_first) >> 16) | (third ^ source_last)) & check_mac) {
      uint32_t low = second >> 16 | third << 16;
      if ((low & 1) || lookup(low, third >> 16) != ingress) break;
      source_first = second;
      source_last = third;
    }
    uint32_t port = lookup(first, second & 0xffff);
    if (port >= SET) {
      if (port != NOBODY || miss == NOBODY) break;
      port = miss;
    }
    if (port == ingress || !(receivers[port >> 5] >> (port & 31) & 1)) break;
    struct port *to = &ports[port];
    if (size > to->max_bytes || to->out_tail == queue_entries) break;
    out_items[(size_t)port * queue_stride + to->out_tail++] = slot | (to->tag_bits & tag_bits);
    to->bytes_out += bytes;
    bytes_in += bytes;
  }
  from->frames_in += i;
  from->bytes_in += bytes_in;
  from->in_by_class[UNICAST] += i;
  return i;
}

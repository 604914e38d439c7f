/* Frames to groups and to all by compiled lists of their receivers: ReceiverLists and createGroupPath. */
#pragma once
#include "tables.h"

/* Receivers of frames to groups, compiled: see ReceiverLists. */
enum { LISTS = 64, HASHED = 0x10000, TO_ALL = 0x10001, GROUP_BITS = 17 };
static struct list {
  uint32_t key, members;
  int32_t longest;
  uint32_t frames;
  uint64_t bytes;
} lists[LISTS];
static uint32_t *list_members, tables_version, vlans_version, lists_version = ~0u;
/* Rules of the whole switch that lists leave out: all as in a switch that was not told otherwise. */
static struct {
  int replication, mirrors, storms, loopback, reflection, source_pruning;
} rules;
static uint32_t *self_delivery;
static uint8_t multicast_hash[4096];

static void settle_lists(void) {
  for (uint32_t i = 0; i < LISTS; i++) {
    int class = (lists[i].key & 0x1ffff) == TO_ALL ? BROADCAST : MULTICAST;
    for (uint32_t n = 0; lists[i].frames != 0 && n < lists[i].members; n++) {
      struct port *to = &ports[list_members[i * vports + n] & 0xffffff];
      to->bytes_out += lists[i].bytes;
      to->out_by_class[class] += lists[i].frames;
    }
    lists[i].frames = 0;
    lists[i].bytes = 0;
  }
}

static void compile_list(struct list *list, uint32_t key) {
  const uint32_t *row = vlans + (size_t)(key >> GROUP_BITS) * row_words + set_words;
  uint32_t group = key & 0x1ffff, *members = list_members + (size_t)(list - lists) * vports;
  list->key = key;
  list->members = 0;
  list->longest = (int32_t)max_frame_bytes;
  for (uint32_t w = 0; w < set_words; w++) {
    uint32_t set = group == TO_ALL ? broadcast_set[w] : group < SET && group >> 5 == w ? 1u << (group & 31) : 0;
    for (uint32_t rest = set & row[w] & rx_set[w]; rest != 0; rest &= rest - 1) {
      uint32_t port = (w << 5) + (uint32_t)__builtin_ctz(rest);
      members[list->members++] = port | ports[port].tag_bits;
      if ((int32_t)ports[port].max_bytes < list->longest) list->longest = (int32_t)ports[port].max_bytes;
    }
  }
}

static struct list *find_list(uint32_t key) {
  if (tables_version + vlans_version != lists_version) {
    settle_lists();
    for (uint32_t i = 0; i < LISTS; i++) lists[i].key = ~0u;
    lists_version = tables_version + vlans_version;
  }
  struct list *list = &lists[key * 0x9e3779b1u >> 26];
  if (list->key != key) {
    if (list->frames != 0) settle_lists();
    compile_list(list, key);
  }
  return list;
}

static int is_listed(uint32_t port) {
  if (!rules.replication || rules.mirrors || rules.storms) return 0;
  if (port != uplink) return !(self_delivery[port >> 5] >> (port & 31) & 1);
  return (rules.loopback && !rules.reflection) || !rules.source_pruning;
}

/* A frame to a group or to all, to the receivers of its list; 0, and nothing done, if it needs the long way. */
__attribute__((noinline)) static int replicate(uint32_t slot, uint32_t ingress) {
  struct port *from = &ports[ingress];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t bytes = lengths[slot], first = word[0], second = word[1], third = word[2], fourth = word[3];
  if (bytes < 18 || !(first & 1) || !is_listed(ingress)) return 0;
  if (is_stacked(fourth, word[4])) return 0;
  int to_all = first == 0xffffffffu && (second & 0xffff) == 0xffff;
  int32_t outer = from->port_tag != KEEP_TAG ? from->port_tag : outer_tci[slot];
  uint32_t tag = outer >= 0 ? TAG_INSERT : (fourth & 0xffff) == 0x0081 ? TAG_STRIP : 0;
  uint32_t vlan = tag == TAG_INSERT ? (uint32_t)outer & 0xfff
    : tag == TAG_STRIP ? (fourth >> 8 & 0xf00) | fourth >> 24 : UNTAGGED;
  if ((vlans[(size_t)vlan * row_words + (ingress >> 5)] >> (ingress & 31) & from->check_vlan) != from->check_vlan) return 0;
  if ((((second ^ from->source_first) >> 16) | (third ^ from->source_last)) & from->check_mac) {
    uint32_t low = second >> 16 | third << 16;
    if ((low & 1) || lookup(low, third >> 16) != ingress) return 0;
  }
  uint32_t group = to_all ? TO_ALL : lookup(first, second & 0xffff);
  if (group == NOBODY && multicast_hash[(second & 0xffff) >> 4]) group = HASHED;
  struct list *list = find_list(vlan << GROUP_BITS | group);
  uint32_t size = tag == TAG_STRIP ? bytes - 4 : bytes;
  uint32_t count = list->members;
  if ((int32_t)size > list->longest || (count == 0 && ingress == uplink)) return 0;

  outer_tci[slot] = outer;
  int class = to_all ? BROADCAST : MULTICAST;
  uint32_t entry_tag = tag << TAG_SHIFT, own_tail = from->out_tail, lost = 0;
  const uint32_t *members = list_members + (size_t)(list - lists) * vports;
  int is_member = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t port = members[i] & 0xffffff;
    struct port *to = &ports[port];
    if (to->out_tail == queue_entries) {
      if (port == ingress) {
        is_member = 1;
        continue;
      }
      if (!move_to_front(to, port)) {
        to->bytes_out -= bytes;
        to->out_by_class[class]--;
        to->drops[OUTPUT_FULL]++;
        lost++;
        continue;
      }
    }
    out_items[(size_t)port * queue_stride + to->out_tail++] = slot | (members[i] & entry_tag);
  }
  list->frames++;
  list->bytes += bytes;
  uint32_t receivers = count;
  if (from->out_tail != own_tail) {
    from->out_tail = own_tail;
    is_member = 1;
  }
  if (is_member) {
    from->bytes_out -= bytes;
    from->out_by_class[class]--;
    receivers--;
  }
  if (ingress != uplink) {
    struct port *wire = &ports[uplink];
    receivers++;
    if (wire->out_tail == queue_entries && !move_to_front(wire, uplink)) {
      wire->drops[OUTPUT_FULL]++;
      lost++;
    } else {
      out_items[(size_t)uplink * queue_stride + wire->out_tail++] = slot | (wire->tag_bits & entry_tag);
      wire->bytes_out += bytes;
      wire->out_by_class[class]++;
    }
  }
  uint32_t copies = receivers - lost;
  if (copies == 0) release(slot);
  else references[slot] += copies - 1;
  from->frames_in++;
  from->bytes_in += bytes;
  from->in_by_class[class]++;
  from->replicas += receivers - 1;
  return 1;
}

/*
 * The work of src/nicswitch in C, to measure it against: the same tables, checks, queues, counters and references, frame
 * by frame the same decisions. It reads a scenario that switch-scenario.ts wrote, and then a number of rounds from each
 * line of its input; for each it prints frames, nanoseconds of processor time, and checksums of all output queues and
 * of the counters.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOBODY = 0xffff, SET = 0x8000, UNTAGGED = 4096, KEEP_TAG = -2 };
enum { TAG_STRIP = 1, TAG_INSERT = 2, TAG_SHIFT = 24 };
enum { RUNT, TX_DISABLED, TRUNCATED_TAG, GIANT, MAC_SPOOF, VLAN_SPOOF, VLAN_FILTER, NO_MATCH, SOURCE_PRUNED,
       VPORT_DISABLED, OUTPUT_FULL, REASONS };
enum { UNICAST, MULTICAST, BROADCAST };
/* Words between two queues: see PortQueues. */
enum { QUEUE_MARGIN = 16 };
/* Where the VLAN of a frame is: see VlanMode in switch-scenario.ts. */
enum { VLAN_NONE, VLAN_GUEST, VLAN_PORT };

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

static void release(uint32_t slot) {
  if (references[slot] == 0) abort();
  if (--references[slot] == 0) free_slots[free_count++] = slot;
}

static int drop(struct port *from, int reason, uint32_t slot) {
  from->drops[reason]++;
  release(slot);
  return 0;
}

/* Any frame, rule by rule. Writes targets and returns how many. */
static int select_receivers(uint32_t slot, uint32_t ingress, uint32_t *targets) {
  struct port *from = &ports[ingress];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t bytes = lengths[slot];
  from->frames_in++;
  from->bytes_in += bytes;
  if (bytes < 14) return drop(from, RUNT, slot);
  int class = !(word[0] & 1) ? UNICAST
    : word[0] == 0xffffffffu && (word[1] & 0xffff) == 0xffff ? BROADCAST : MULTICAST;
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

static int move_to_front(struct port *to, uint32_t port) {
  uint32_t *items = out_items + (size_t)port * queue_stride;
  if (to->out_head == 0) return 0;
  memmove(items, items + to->out_head, (to->out_tail - to->out_head) * 4);
  to->out_tail -= to->out_head;
  to->out_head = 0;
  return 1;
}

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

static void forward_any(uint32_t slot, uint32_t ingress) {
  static uint32_t targets[16385];
  int count = select_receivers(slot, ingress, targets);
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t bytes = lengths[slot];
  int class = !(word[0] & 1) ? UNICAST
    : word[0] == 0xffffffffu && (word[1] & 0xffff) == 0xffff ? BROADCAST : MULTICAST;
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
    if (bytes < 18 || (first & 1)) break;
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

__attribute__((noinline)) static uint32_t forward(void) {
  static uint32_t first;
  uint32_t taken = 0;
  uint32_t port = first;
  for (uint32_t n = 0; n <= uplink; n++, port = port == uplink ? 0 : port + 1) {
    struct port *from = &ports[port];
    uint32_t count = from->in_tail - from->in_head;
    const uint32_t *items = in_items + (size_t)port * queue_stride + from->in_head;
    if (count == 0) continue;
    for (uint32_t done = 0; done < count;) {
      uint32_t fetched = done + 64 < count ? done + 64 : count;
      for (uint32_t i = done; i < fetched; i++) {
        __builtin_prefetch(pool + ((size_t)items[i] << word_shift << 2));
      }
      while (done < fetched) {
        done += forward_direct(port, items + done, fetched - done);
        if (done == fetched) break;
        if (!replicate(items[done], port)) forward_any(items[done], port);
        done++;
      }
    }
    taken += count;
    from->in_head = from->in_tail = 0;
  }
  first = first == uplink ? 0 : first + 1;
  return taken;
}

__attribute__((noinline)) static uint32_t push_burst(uint32_t port, const uint32_t *source, uint32_t count) {
  struct port *to = &ports[port];
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

/* Offers every frame once, switches, drains. */
static uint32_t round_of(const uint32_t *order, uint32_t *drained, uint32_t *checksum) {
  for (uint32_t slot = 0; slot < slots; slot++) references[slot] = 1;
  for (uint32_t port = 0; port < vports; port++) {
    push_burst(port, order + (size_t)port * frames_per_port, frames_per_port);
  }
  uint32_t taken = forward();
  uint32_t sum = *checksum;
  for (uint32_t port = 0; port <= uplink; port++) {
    uint32_t count = shift_burst(port, drained);
    for (uint32_t i = 0; i < count; i++) sum = sum * 31 + drained[i];
  }
  *checksum = sum;
  return taken;
}

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  uint32_t head[12];
  if (file == NULL || fread(head, 4, 12, file) != 12) return 2;
  vports = head[0], slots = head[1], slot_bytes = head[2], queue_entries = head[3];
  max_frame_bytes = head[4], frames_per_port = head[5];
  uint32_t vlan = head[6], check_mac = head[7], check_vlan = head[8], macs = head[9], place_count = head[10], vlan_mode = head[11];
  uplink = vports;
  word_shift = (uint32_t)__builtin_ctz(slot_bytes) - 2;
  queue_stride = queue_entries + QUEUE_MARGIN;
  set_words = (vports + 32) >> 5;
  row_words = 2 * set_words;
  hash_shift = 32 - (uint32_t)__builtin_ctz(place_count);
  place_mask = place_count - 1;

  ports = array(vports + 1, sizeof *ports);
  places = array(place_count, sizeof *places);
  vlans = array((size_t)4097 * row_words, 4);
  broadcast_set = array(set_words, 4);
  rx_set = array(set_words, 4);
  self_delivery = array(set_words, 4);
  list_members = array((size_t)LISTS * vports, 4);
  rules.replication = rules.loopback = rules.source_pruning = 1;
  lengths = array(slots, 4);
  references = array(slots, 4);
  free_slots = array(slots, 4);
  outer_tci = array(slots, 4);
  pool = array(slots, slot_bytes);
  in_items = array((size_t)(vports + 1) * queue_stride, 4);
  out_items = array((size_t)(vports + 1) * queue_stride, 4);
  uint32_t *order = array(slots, 4), *drained = array(queue_entries, 4);

  for (uint32_t at = 0; at < place_count; at++) places[at].high_value = (uint32_t)NOBODY << 16;
  for (uint32_t port = 0; port <= uplink; port++) {
    struct port *p = &ports[port];
    p->max_bytes = max_frame_bytes;
    p->tag_bits = TAG_INSERT << TAG_SHIFT;
    p->port_tag = KEEP_TAG;
    for (uint32_t row = 0; row < 4097; row++) {
      uint32_t *words = vlans + (size_t)row * row_words;
      int member = port < vports && (row == vlan || row == UNTAGGED || row == 0);
      if (member) words[port >> 5] |= 1u << (port & 31);
      int receives = member || port == uplink || vlan_mode == VLAN_NONE;
      if (receives) words[set_words + (port >> 5)] |= 1u << (port & 31);
    }
    if (port == uplink) continue;
    if (vlan_mode == VLAN_PORT) {
      p->port_tag = (int32_t)vlan;
      p->tag_bits = TAG_STRIP << TAG_SHIFT;
    }
    p->check_mac = check_mac ? 0xffffffffu : 0;
    p->check_vlan = check_vlan;
    broadcast_set[port >> 5] |= 1u << (port & 31);
    rx_set[port >> 5] |= 1u << (port & 31);
  }
  for (uint32_t i = 0; i < macs; i++) {
    uint32_t mac[3];
    if (fread(mac, 4, 3, file) != 3) return 2;
    add_mac(mac[0], mac[1], mac[2]);
  }
  if (fread(order, 4, slots, file) != slots || fread(lengths, 4, slots, file) != slots ||
      fread(outer_tci, 4, slots, file) != slots || fread(pool, slot_bytes, slots, file) != slots) return 2;
  fclose(file);

  unsigned long rounds;
  while (scanf("%lu", &rounds) == 1) {
    struct timespec start, stop;
    uint64_t frames = 0;
    uint32_t checksum = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (unsigned long r = 0; r < rounds; r++) frames += round_of(order, drained, &checksum);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &stop);
    double ns = (double)(stop.tv_sec - start.tv_sec) * 1e9 + (double)(stop.tv_nsec - start.tv_nsec);
    settle_lists();
    uint32_t delivered = 0;
    for (uint32_t port = 0; port <= uplink; port++) {
      uint64_t out = ports[port].frames_out + ports[port].out_taken + ports[port].out_tail - ports[port].out_head;
      delivered = delivered * 31 + (uint32_t)out;
      delivered = delivered * 31 + (uint32_t)ports[port].drops[OUTPUT_FULL];
    }
    printf("%llu %.0f %u %u\n", (unsigned long long)frames, ns, checksum, delivered);
    fflush(stdout);
  }
  return 0;
}

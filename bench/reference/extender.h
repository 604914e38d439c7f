/* A port extender with E-Tags: createExtenderPath, and ExtenderSelection for what that leaves. */
#pragma once
#include "selection.h"

enum { ETAG_TYPE = 0x3f89, ETAG_BYTES = 8, GRP = 0x30 };
/* Channels to ports: see ChannelTable. Values from CHANNEL_SET on are sets of ports. */
enum { PAGE_SHIFT = 12, PAGES = 1 << 10, CHANNEL_SET = 0x8000, NO_PORT = -1 };

static int extender;
static uint32_t pages[PAGES], *channel_sets;
static int32_t *channel_values, channel_pages, *channels, *untagged_priority;
static uint32_t *virtual_tag;
static int32_t *virtual_tag_extension;

static int32_t channel_value(uint32_t channel) {
  return channel_values[pages[channel >> PAGE_SHIFT] + (channel & ((1 << PAGE_SHIFT) - 1))];
}

static void write_channel(uint32_t channel, int32_t value) {
  uint32_t *page = &pages[channel >> PAGE_SHIFT];
  if (*page == 0) *page = (uint32_t)++channel_pages << PAGE_SHIFT;
  channel_values[*page + (channel & ((1 << PAGE_SHIFT) - 1))] = value;
}

static uint32_t e_cid(uint32_t half) {
  return (half & 0x3f) << 8 | (half >> 8 & 0xff) | half >> 24 << 14;
}

static uint32_t ingress_e_cid(uint32_t type, uint32_t half) {
  return (type >> 8 & 0xf00) | type >> 24 | (half >> 16 & 0xff) << 14;
}

/* Makes the switch an extender whose VPort n has channel `first` + n and is in the group `group`. */
static void make_extender(uint32_t first, uint32_t group) {
  extender = 1;
  channels = array(vports, 4);
  untagged_priority = array(vports + 1, 4);
  virtual_tag = array(slots, 4);
  virtual_tag_extension = array(slots, 4);
  channel_values = array(PAGES << PAGE_SHIFT, 4);
  memset(channel_values, -1, (size_t)(PAGES << PAGE_SHIFT) * 4);
  channel_sets = array(set_words, 4);
  for (uint32_t port = 0; port < vports; port++) {
    channels[port] = (int32_t)(first + port);
    write_channel(first + port, (int32_t)port);
    channel_sets[port >> 5] |= 1u << (port & 31);
  }
  write_channel(group, CHANNEL_SET);
}

/* Where a frame from the wire goes, by its tag alone; 0, and it needs the long way, or 1. */
static int extend_down(uint32_t slot, uint32_t bytes, uint32_t *target) {
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t type = word[3], half = word[4];
  if (bytes < 26 || (word[0] & 1) || outer_tci[slot] >= 0 || (type & 0xffff) != ETAG_TYPE) return 0;
  uint32_t channel = e_cid(half);
  if ((half & GRP) || ingress_e_cid(type, half) == channel) return 0;
  int32_t port = channel_value(channel);
  if ((uint32_t)port >= CHANNEL_SET) return 0;
  if (is_stacked(word[5], word[6])) return 0;
  int tagged = (word[5] & 0xffff) == 0x0081;
  if (bytes - ETAG_BYTES - (tagged ? 4 : 0) > ports[port].max_bytes) return 0;
  uint32_t strips = tagged ? ports[port].tag_bits >> TAG_SHIFT & TAG_STRIP : 0;
  *target = (uint32_t)port | (strips | TAG_STRIP_VIRTUAL) << TAG_SHIFT;
  return 1;
}

/* The first 32 bits of the E-Tag of a frame from a port. */
static uint32_t upwards_tag(uint32_t priority, uint32_t drop_eligible, uint32_t channel) {
  return priority << 29 | drop_eligible << 28 | (channel & 0x3fff);
}

/* Puts the tag of a VPort beside the frame that it sends to the wire. */
static int extend_up(uint32_t slot, uint32_t bytes, uint32_t ingress, uint32_t *target) {
  const struct port *from = &ports[ingress];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t type = word[3], typed = type & 0xffff;
  int32_t channel = channels[ingress];
  if (channel < 0 || bytes < 26 || (word[0] & 1) || typed == ETAG_TYPE || typed == 0x2689) return 0;
  if (is_stacked(type, word[4])) return 0;
  if (from->port_tag != KEEP_TAG) outer_tci[slot] = from->port_tag;
  int32_t outer = outer_tci[slot];
  uint32_t tag = outer >= 0 ? TAG_INSERT : typed == 0x0081 ? TAG_STRIP : 0;
  if (from->check_vlan) {
    uint32_t vlan = tag == TAG_INSERT ? (uint32_t)outer & 0xfff
      : tag == TAG_STRIP ? (type >> 8 & 0xf00) | type >> 24 : UNTAGGED;
    if (!(vlans[(size_t)vlan * row_words + (ingress >> 5)] >> (ingress & 31) & 1)) return 0;
  }
  uint32_t second = word[1], third = word[2];
  if ((((second ^ from->source_first) >> 16) | (third ^ from->source_last)) & from->check_mac) {
    uint32_t low = second >> 16 | third << 16;
    if ((low & 1) || lookup(low, third >> 16) != ingress) return 0;
  }
  if ((tag == TAG_STRIP ? bytes - 4 : bytes) > ports[uplink].max_bytes) return 0;
  uint32_t tci = tag == TAG_INSERT ? (uint32_t)outer : (type >> 8 & 0xff00) | type >> 24;
  uint32_t priority = tag == 0 ? (uint32_t)untagged_priority[ingress] << 1 : tci >> 12;
  virtual_tag[slot] = upwards_tag(priority >> 1, priority & 1, (uint32_t)channel);
  virtual_tag_extension[slot] = channel >> 14;
  *target = uplink | ((tag & TAG_INSERT) | TAG_INSERT_VIRTUAL) << TAG_SHIFT;
  return 1;
}

/* Frames that one tag decides, until one is not; returns how many. */
static uint32_t extend_direct(uint32_t ingress, const uint32_t *items, uint32_t count) {
  struct port *from = &ports[ingress];
  uint64_t bytes_in = 0;
  uint32_t i;
  for (i = 0; i < count; i++) {
    uint32_t slot = items[i], bytes = lengths[slot], target;
    if (!(ingress == uplink ? extend_down(slot, bytes, &target) : extend_up(slot, bytes, ingress, &target))) break;
    uint32_t port = target & 0xffffff;
    struct port *to = &ports[port];
    if (to->out_tail == queue_entries) break;
    out_items[(size_t)port * queue_stride + to->out_tail++] = slot | (target ^ port);
    to->bytes_out += bytes;
    bytes_in += bytes;
  }
  from->frames_in += i;
  from->bytes_in += bytes_in;
  from->in_by_class[UNICAST] += i;
  return i;
}

/* The VLAN tag of a frame whose first EtherType is at word `at`: what can be done to it, its row and bytes. */
static int read_tag(uint32_t slot, uint32_t ingress, uint32_t at, uint32_t *tag, uint32_t *vlan, uint32_t *tci) {
  const uint32_t type = ((const uint32_t *)pool + ((size_t)slot << word_shift))[at];
  if (ports[ingress].port_tag != KEEP_TAG) outer_tci[slot] = ports[ingress].port_tag;
  *tag = outer_tci[slot] >= 0 ? TAG_INSERT : (type & 0xffff) == 0x0081 ? TAG_STRIP : 0;
  if (*tag == TAG_STRIP && lengths[slot] < at * 4 + 6) return 0;
  *tci = *tag == TAG_INSERT ? (uint32_t)outer_tci[slot] : (type >> 8 & 0xff00) | type >> 24;
  *vlan = *tag == 0 ? UNTAGGED : *tci & 0xfff;
  return 1;
}

/* Any frame to the wire. */
static int extend_any_up(uint32_t slot, uint32_t ingress, uint32_t *targets) {
  struct port *from = &ports[ingress];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t tag, vlan, tci;
  if (channels[ingress] < 0) return drop(from, NO_CHANNEL, slot);
  if ((word[3] & 0xffff) == ETAG_TYPE) return drop(from, TAG_SPOOF, slot);
  if (!read_tag(slot, ingress, 3, &tag, &vlan, &tci)) return drop(from, TRUNCATED_TAG, slot);
  if (lengths[slot] - (tag == TAG_STRIP ? 4 : 0) > max_frame_bytes) return drop(from, GIANT, slot);
  if (from->check_mac) {
    uint32_t low = word[1] >> 16 | word[2] << 16;
    if ((low & 1) || lookup(low, word[2] >> 16) != ingress) return drop(from, MAC_SPOOF, slot);
  }
  const uint32_t *row = vlans + (size_t)vlan * row_words;
  if (from->check_vlan && !(row[ingress >> 5] >> (ingress & 31) & 1)) return drop(from, VLAN_SPOOF, slot);
  uint32_t priority = tag == 0 ? (uint32_t)untagged_priority[ingress] << 1 : tci >> 12;
  virtual_tag[slot] = upwards_tag(priority >> 1, priority & 1, (uint32_t)channels[ingress]);
  virtual_tag_extension[slot] = channels[ingress] >> 14;
  targets[0] = uplink | ((tag & TAG_INSERT) | TAG_INSERT_VIRTUAL) << TAG_SHIFT;
  return 1;
}

/* Any frame from the wire. */
static int extend_any_down(uint32_t slot, uint32_t *targets) {
  struct port *from = &ports[uplink];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  uint32_t tag, vlan, tci, set[512] = {0}, left = 0;
  if ((word[3] & 0xffff) != ETAG_TYPE) return drop(from, NO_VIRTUAL_TAG, slot);
  uint32_t bytes = lengths[slot] - ETAG_BYTES;
  if (lengths[slot] < ETAG_BYTES + 14 || !read_tag(slot, uplink, 5, &tag, &vlan, &tci)) {
    return drop(from, TRUNCATED_TAG, slot);
  }
  uint32_t size = tag == TAG_STRIP ? bytes - 4 : bytes;
  if (size > max_frame_bytes) return drop(from, GIANT, slot);
  int32_t value = channel_value(e_cid(word[4])), source = channel_value(ingress_e_cid(word[3], word[4]));
  if (value == NO_PORT) return drop(from, UNKNOWN_CHANNEL, slot);
  if (value < CHANNEL_SET) set[value >> 5] |= 1u << (value & 31);
  else memcpy(set, channel_sets + (size_t)(value - CHANNEL_SET) * set_words, set_words * 4);
  if (source != NO_PORT && source < CHANNEL_SET) set[source >> 5] &= ~(1u << (source & 31));
  for (uint32_t w = 0; w < set_words; w++) left |= set[w];
  if (left == 0) return drop(from, SOURCE_PRUNED, slot);
  left = 0;
  for (uint32_t w = 0; w < set_words; w++) left |= set[w] &= rx_set[w];
  if (left == 0) return drop(from, VPORT_DISABLED, slot);
  int count = 0;
  for (uint32_t w = 0; w < set_words; w++) {
    for (uint32_t rest = set[w]; rest != 0; rest &= rest - 1) {
      uint32_t to = (w << 5) + (uint32_t)__builtin_ctz(rest);
      if (size > ports[to].max_bytes) continue;
      targets[count++] = to | (ports[to].tag_bits & tag << TAG_SHIFT) | TAG_STRIP_VIRTUAL << TAG_SHIFT;
    }
  }
  return count == 0 ? drop(from, GIANT, slot) : count;
}

static void extend_any(uint32_t slot, uint32_t ingress) {
  static uint32_t targets[MOST_TARGETS];
  struct port *from = &ports[ingress];
  const uint32_t *word = (const uint32_t *)pool + ((size_t)slot << word_shift);
  from->frames_in++;
  from->bytes_in += lengths[slot];
  if (lengths[slot] < 14) {
    drop(from, RUNT, slot);
    return;
  }
  from->in_by_class[class_of(word)]++;
  int count = ingress == uplink ? extend_any_down(slot, targets) : extend_any_up(slot, ingress, targets);
  if (count == 0) return;
  references[slot] += (uint32_t)count - 1;
  from->replicas += (uint64_t)count - 1;
  enqueue(slot, targets, count);
}

/*
 * The work of src/nicswitch in C, to measure it against: the same tables, checks, queues, rings, counters and references,
 * frame by frame the same decisions. It reads a scenario that switch-scenario.ts or shared-work.ts wrote, and then a number
 * of rounds from each line of its input; for each it prints frames, nanoseconds of processor time, and checksums of all
 * that came out and of the counters.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "direct.h"
#include "extender.h"
#include "lists.h"
#include "rings.h"
#include "selection.h"

/* Words in front of a scenario; see file() of SwitchWork. */
enum { HEAD_WORDS = 17 };

__attribute__((noinline)) static uint32_t forward(void) {
  static uint32_t first;
  uint32_t (*decide)(uint32_t, const uint32_t *, uint32_t) = extender ? extend_direct : forward_direct;
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
        done += decide(port, items + done, fetched - done);
        if (done == fetched) break;
        if (extender) extend_any(items[done], port);
        else if (!replicate(items[done], port)) forward_any(items[done], port);
        done++;
      }
    }
    taken += count;
    from->in_head = from->in_tail = 0;
  }
  first = first == uplink ? 0 : first + 1;
  return taken;
}

/* Offers every frame once, switches, drains. */
static uint32_t round_of(const uint32_t *order, uint32_t *drained, uint32_t *checksum) {
  for (uint32_t slot = 0; slot < slots; slot++) references[slot] = 1;
  /* Those of which no queue had room for a copy are sent again, too. */
  free_count = 0;
  for (uint32_t port = 0; port < vports; port++) {
    uint32_t at = extender && port % 2 == 1 ? uplink : port;
    push_burst(at, order + (size_t)port * frames_per_port, frames_per_port);
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
  uint32_t head[HEAD_WORDS];
  if (file == NULL || fread(head, 4, HEAD_WORDS, file) != HEAD_WORDS) return 2;
  vports = head[0], slots = head[1], slot_bytes = head[2], queue_entries = head[3];
  max_frame_bytes = head[4], frames_per_port = head[5];
  uint32_t vlan = head[6], check_mac = head[7], check_vlan = head[8], macs = head[9], place_count = head[10], vlan_mode = head[11];
  uint32_t first_channel = head[12], group = head[13];
  send_entries = head[14], receive_entries = head[15], sent_bytes = head[16];
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
  if (first_channel != 0) make_extender(first_channel, group);
  if (send_entries != 0) {
    size_t words = (size_t)vports * frames_per_port * HEADER_WORDS;
    headers = array(words, 4);
    if (fread(headers, 4, words, file) != words) return 2;
    make_rings();
  } else if (fread(order, 4, slots, file) != slots || fread(lengths, 4, slots, file) != slots ||
      fread(outer_tci, 4, slots, file) != slots || fread(pool, slot_bytes, slots, file) != slots) return 2;
  fclose(file);

  unsigned long rounds;
  while (scanf("%lu", &rounds) == 1) {
    struct timespec start, stop;
    uint64_t frames = 0;
    uint32_t checksum = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (unsigned long r = 0; r < rounds; r++) {
      frames += send_entries != 0 ? shared_round(&checksum) : round_of(order, drained, &checksum);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &stop);
    double ns = (double)(stop.tv_sec - start.tv_sec) * 1e9 + (double)(stop.tv_nsec - start.tv_nsec);
    settle_lists();
    uint32_t delivered = 0;
    for (uint32_t port = 0; port <= uplink; port++) {
      uint64_t out = ports[port].frames_out + ports[port].out_taken + ports[port].out_tail - ports[port].out_head;
      delivered = delivered * 31 + (uint32_t)out;
      delivered = delivered * 31 + (uint32_t)ports[port].drops[OUTPUT_FULL];
    }
    for (uint32_t slot = 0; extender && slot < slots; slot++) {
      delivered = delivered * 31 + virtual_tag[slot];
      delivered = delivered * 31 + (uint32_t)virtual_tag_extension[slot];
    }
    printf("%llu %.0f %u %u\n", (unsigned long long)frames, ns, checksum, delivered);
    fflush(stdout);
  }
  return 0;
}

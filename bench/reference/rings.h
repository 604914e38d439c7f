/*
 * The rings of a SharedSwitch, both sides in one thread: SharedSwitch, SwitchSender and SwitchReceiver. What Atomics do
 * there, C11 atomics do here, in the same order. Nobody sleeps in one thread, so waking is a count alone.
 */
#pragma once
#include <stdatomic.h>

#include "tables.h"

enum { LINE = 16, SWITCH_WAITS = 2 * LINE, SWITCH_EVENT, MAIL_STATE = 3 * LINE, MAIL_ASKED = 2, FIRST_PORT = 4 * LINE,
       FOR_FRAMES = 1, FOR_ROOM = 2, HEADER_WORDS = 5 };
/* Words of a port. */
enum { SEND_TAIL = 0, SEND_LIMIT = LINE, RECEIVE_TAIL, RECEIVE_HEAD = 2 * LINE, SEND_WAITS = 3 * LINE + 2,
       RECEIVE_WAITS, SEND_EVENT, RECEIVE_EVENT, PORT_WORDS = 4 * LINE };

static uint32_t send_entries, receive_entries, sent_bytes;
static _Atomic uint32_t *control;
static uint32_t *send_items, *receive_items, *headers;
/* What the switch's thread alone knows, by port. */
static uint32_t *send_heads, *send_limits, *receive_tails, *receive_heads;
static int blocked;
/* The other ends: a sender's and a receiver's. */
static struct end {
  uint32_t tail, published, limit, head, next, received;
} *ends;

static _Atomic uint32_t *words_of(uint32_t port) {
  return control + FIRST_PORT + port * PORT_WORDS;
}

static void wake(_Atomic uint32_t *event) {
  atomic_fetch_add(event, 1);
}

/* Gives the sender of `port` empty slots for those that were taken from it. */
static void refill(uint32_t port) {
  uint32_t end = send_heads[port] + send_entries, limit = send_limits[port], before = limit;
  if (limit == end) return;
  for (; limit != end; limit++) {
    int32_t slot = take_slot();
    if (slot < 0) {
      blocked = 1;
      break;
    }
    send_items[port * send_entries + (limit & (send_entries - 1))] = (uint32_t)slot;
  }
  if (limit == before) return;
  send_limits[port] = limit;
  _Atomic uint32_t *words = words_of(port);
  atomic_store(words + SEND_LIMIT, limit);
  if (atomic_load(words + SEND_WAITS) != 0) wake(words + SEND_EVENT);
}

static void make_rings(void) {
  uint32_t all = vports + 1;
  control = array(FIRST_PORT + all * PORT_WORDS, 4);
  send_items = array((size_t)all * send_entries, 4);
  receive_items = array((size_t)all * receive_entries, 4);
  send_heads = array(all, 4);
  send_limits = array(all, 4);
  receive_tails = array(all, 4);
  receive_heads = array(all, 4);
  ends = array(vports, sizeof *ends);
  for (uint32_t i = 0; i < slots; i++) free_slots[i] = slots - 1 - i;
  free_count = slots;
  for (uint32_t port = 0; port < all; port++) refill(port);
}

/* Takes back what the receiver of `port` has released. */
static void reclaim(uint32_t port) {
  uint32_t head = atomic_load(words_of(port) + RECEIVE_HEAD), i = receive_heads[port];
  if (i == head) return;
  if (head - i > receive_tails[port] - i) abort();
  for (; i != head; i++) release(receive_items[port * receive_entries + (i & (receive_entries - 1))] & 0xffffff);
  receive_heads[port] = head;
}

/* Takes what the sender of `port` has sent. */
static void take(uint32_t port, uint32_t burst) {
  uint32_t tail = atomic_load(words_of(port) + SEND_TAIL), head = send_heads[port];
  if (head == tail) return;
  if (tail - head > send_limits[port] - head) abort();
  uint32_t count = tail - head, room = queue_entries - (ports[port].in_tail - ports[port].in_head);
  if (count > burst) count = burst;
  if (count > room) count = room;
  uint32_t first = head & (send_entries - 1), row = port * send_entries;
  uint32_t straight = count < send_entries - first ? count : send_entries - first;
  push_burst(port, send_items + row + first, straight);
  if (straight < count) push_burst(port, send_items + row, count - straight);
  send_heads[port] = head + count;
}

/* Hands what was switched to the receiver of `port`. */
static void deliver(uint32_t port) {
  struct port *from = &ports[port];
  uint32_t waiting = from->out_tail - from->out_head;
  if (waiting == 0) return;
  uint32_t tail = receive_tails[port], room = receive_entries - (tail - receive_heads[port]);
  uint32_t count = waiting < room ? waiting : room;
  if (count < waiting) blocked = 1;
  if (count == 0) return;
  const uint32_t *items = out_items + (size_t)port * queue_stride + from->out_head;
  for (uint32_t i = 0; i < count; i++) {
    receive_items[port * receive_entries + (tail++ & (receive_entries - 1))] = items[i];
  }
  from->out_head += count;
  if (from->out_head == from->out_tail) from->out_head = from->out_tail = 0;
  from->out_taken += count;
  receive_tails[port] = tail;
  _Atomic uint32_t *words = words_of(port);
  atomic_store(words + RECEIVE_TAIL, tail);
  if (atomic_load(words + RECEIVE_WAITS) != 0) wake(words + RECEIVE_EVENT);
}

static uint32_t forward(void);

__attribute__((noinline)) static uint32_t forward_shared(void) {
  if (atomic_load(control + MAIL_STATE) == MAIL_ASKED) abort();
  for (uint32_t port = 0; port <= uplink; port++) {
    reclaim(port);
    take(port, 4096);
  }
  uint32_t taken = forward();
  blocked = 0;
  for (uint32_t port = 0; port <= uplink; port++) {
    deliver(port);
    refill(port);
  }
  return taken;
}

/* The sender's side: SwitchSender. */
static void flush(uint32_t port) {
  struct end *end = &ends[port];
  if (end->tail == end->published) return;
  end->published = end->tail;
  atomic_store(words_of(port) + SEND_TAIL, end->tail);
  if (atomic_load(control + SWITCH_WAITS) & FOR_FRAMES) wake(control + SWITCH_EVENT);
}

static uint32_t *reserve(uint32_t port) {
  struct end *end = &ends[port];
  if (end->tail == end->limit) {
    end->limit = atomic_load(words_of(port) + SEND_LIMIT);
    if (end->tail == end->limit) {
      flush(port);
      return NULL;
    }
  }
  uint32_t slot = send_items[port * send_entries + (end->tail & (send_entries - 1))];
  return (uint32_t *)pool + ((size_t)slot << word_shift);
}

static void commit(uint32_t port, uint32_t bytes, int32_t tci) {
  struct end *end = &ends[port];
  if (end->tail == end->limit || bytes > slot_bytes || tci < -1 || tci > 0xffff) abort();
  uint32_t slot = send_items[port * send_entries + (end->tail & (send_entries - 1))];
  lengths[slot] = bytes;
  outer_tci[slot] = tci;
  end->tail++;
}

__attribute__((noinline)) static void send_burst(uint32_t port) {
  for (uint32_t n = port * frames_per_port; n < (port + 1) * frames_per_port; n++) {
    uint32_t *words = reserve(port);
    if (words == NULL) abort();
    for (uint32_t i = 0; i < HEADER_WORDS; i++) words[i] = headers[n * HEADER_WORDS + i];
    commit(port, sent_bytes, -1);
  }
  flush(port);
}

/* The receiver's side: SwitchReceiver. */
static int64_t receive(uint32_t port) {
  struct end *end = &ends[port];
  if (end->next == end->received) {
    end->received = atomic_load(words_of(port) + RECEIVE_TAIL);
    if (end->next == end->received) return -1;
  }
  return receive_items[port * receive_entries + (end->next++ & (receive_entries - 1))];
}

static void release_received(uint32_t port, uint32_t count) {
  struct end *end = &ends[port];
  if (count > end->next - end->head) abort();
  end->head += count;
  atomic_store(words_of(port) + RECEIVE_HEAD, end->head);
  if (atomic_load(control + SWITCH_WAITS) & FOR_ROOM) wake(control + SWITCH_EVENT);
}

__attribute__((noinline)) static uint32_t drain(uint32_t port, uint32_t sum) {
  uint32_t count = 0;
  for (int64_t entry = receive(port); entry >= 0; entry = receive(port), count++) {
    sum = sum * 31 + (uint32_t)entry + ((const uint32_t *)pool)[(size_t)(entry & 0xffffff) << word_shift];
  }
  release_received(port, count);
  return sum;
}

/* Frames written and sent, switched, received and released. */
static uint32_t shared_round(uint32_t *checksum) {
  for (uint32_t port = 0; port < vports; port++) send_burst(port);
  uint32_t taken = forward_shared();
  for (uint32_t port = 0; port < vports; port++) *checksum = drain(port, *checksum);
  return taken;
}

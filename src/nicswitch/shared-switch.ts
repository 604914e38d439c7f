import { assert, checkInteger, checkKeys, FramePool } from '../base/index.ts';
import { NicSwitch } from './nic-switch.ts';
import { FLUSHED, FlushedFrames, passFlushed, RESET, RETIRED, ringSlot, wasPassed } from './shared-flush.ts';
import {
  CLOSED,
  checkSizes,
  FOR_FRAMES,
  FOR_ROOM,
  HELD_BY_SWITCH,
  MAIL_EVENT,
  MAIL_STATE,
  RECEIVE_CLAIM,
  RECEIVE_EVENT,
  RECEIVE_FLUSHED,
  RECEIVE_FLUSHING,
  RECEIVE_HEAD,
  RECEIVE_TAIL,
  RECEIVE_WAITS,
  type RingSizes,
  SEND_CLAIM,
  SEND_EVENT,
  SEND_LIMIT,
  SEND_TAIL,
  SEND_WAITS,
  SharedLayout,
  type SharedSwitchDescriptor,
  SWITCH_EVENT,
  SWITCH_WAITS,
} from './shared-layout.ts';
import { sleep, wake } from './shared-wait.ts';
import type { SwitchCompanion } from './switch-companion.ts';
import { answerMail, MAIL_ASKED, MAIL_FREE } from './switch-mailbox.ts';
import { type NicSwitchOptions, SWITCH_OPTIONS } from './switch-options.ts';
import { entrySlot } from './target.ts';

/** A {@link NicSwitch} whose frames and rings other threads share. */
export interface SharedSwitchOptions extends Omit<NicSwitchOptions, 'frames'>, Partial<RingSizes> {
  /**
   * Frames that can be held at once, at least `sendEntries` for each port. By default as many as all ports can
   * hold, up to 65,536: then no receiver, however slow, keeps a sender from sending.
   */
  readonly slots?: number;
  /** Bytes a slot: a power of two, at least as many as the longest frame and a tag. Default 2,048. */
  readonly slotBytes?: number;
}

const OPTIONS = {
  ...SWITCH_OPTIONS,
  slots: true,
  slotBytes: true,
  sendEntries: true,
  receiveEntries: true,
} as const;

/** An 802.1Q tag comes on top of the longest frame. */
const TAG_BYTES = 4;
const MAX_BURST = 4096;

/**
 * A switch over a SharedArrayBuffer: it runs in the thread that made it, and other threads, workers of Node
 * or of a page, send and receive at its ports, one thread an end. No byte of a frame is copied: a receiver
 * reads what the sender has written.
 *
 * Each port has two rings with one writer and one reader: see {@link SwitchSender} and
 * {@link SwitchReceiver}. Which slots are free and how many hold each is this thread's knowledge alone.
 * {@link SharedSwitch.nicSwitch} is configured here, between bursts, or by other threads through
 * {@link attachSwitchConfiguration}.
 *
 * @example
 * const shared = new SharedSwitch({ vports: 2 });
 * for (const vport of [0, 1]) {
 *   shared.nicSwitch.setVPortEnabled(vport, true, true);
 *   shared.nicSwitch.addMac(vport, `02:00:00:00:00:0${vport}`);
 *   worker[vport].postMessage(shared.descriptor); // which calls attachSwitchPort(descriptor, vport)
 * }
 * while (!done) if (shared.forward(64) === 0) shared.wait(10);
 */
export class SharedSwitch implements SwitchCompanion {
  /** The switch itself. Its frames come and go by the rings; its input and output queues are not for others. */
  readonly nicSwitch: NicSwitch;
  /** What other threads attach with. */
  readonly descriptor: SharedSwitchDescriptor;
  private readonly layout: SharedLayout;
  private readonly frames: FramePool;
  private readonly ports: number;
  /** By port: index behind the last frame taken from its sender, */
  private readonly sendHeads: Int32Array;
  /** index behind the last empty slot given to it, */
  private readonly sendLimits: Int32Array;
  /** index behind the last frame delivered, */
  private readonly receiveTails: Int32Array;
  /** and index of the oldest one that its receiver holds. */
  private readonly receiveHeads: Int32Array;
  /** What there is of former VPorts in the ring of its receiver. */
  private readonly flushes: readonly FlushedFrames[];
  /** Whether a frame waits for room at its receiver, or a sender for an empty slot. */
  private blocked = false;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: SharedSwitchOptions) {
    checkKeys<SharedSwitchOptions>('options', options, OPTIONS);
    const { slots, slotBytes = 2048, sendEntries, receiveEntries, ...rest } = options;
    if (typeof SharedArrayBuffer === 'undefined') {
      throw new TypeError(
        'there is no SharedArrayBuffer here: a page has it when it is cross-origin isolated',
      );
    }
    const vports = checkInteger('vports', rest.vports, 1, 16_384);
    const ports = vports + 1;
    const sizes = checkSizes({ sendEntries, receiveEntries });
    const queueEntries = rest.queueEntries ?? Math.max(sizes.sendEntries, sizes.receiveEntries);
    const longest = (rest.maxFrameBytes ?? 1514) + TAG_BYTES;
    if (longest > slotBytes) {
      throw new RangeError(`slotBytes must hold the longest frame and a tag, ${longest}, got ${slotBytes}`);
    }
    const sent = ports * sizes.sendEntries;
    const held = sent + ports * (sizes.receiveEntries + queueEntries);
    this.frames = new FramePool({
      slots: checkInteger('slots', slots ?? Math.min(held, Math.max(2 * sent, 1 << 16)), sent, 1 << 20),
      slotBytes,
      extraBytes: SharedLayout.bytes(ports, sizes),
      shared: true,
    });
    this.nicSwitch = new NicSwitch({ ...rest, queueEntries, frames: this.frames });
    const { buffer, extraOffset } = this.frames;
    this.descriptor = SharedLayout.create(buffer, extraOffset, ports, this.frames.slots, slotBytes, sizes);
    this.layout = new SharedLayout(this.descriptor);
    this.ports = ports;
    this.sendHeads = new Int32Array(ports);
    this.sendLimits = new Int32Array(ports);
    this.receiveTails = new Int32Array(ports);
    this.receiveHeads = new Int32Array(ports);
    this.flushes = Array.from({ length: ports }, () => new FlushedFrames());
    for (let port = 0; port < ports; port++) this.refill(port);
    this.nicSwitch.attach(this);
  }

  /**
   * Makes the changes that were asked for; then takes up to `burst` frames from each sender, switches them,
   * and hands them to their receivers. Empty slots come back by it too, so it is to be called again and again.
   *
   * @returns frames taken.
   */
  forward(burst: number = MAX_BURST): number {
    checkInteger('burst', burst, 1, MAX_BURST);
    const { control } = this.layout;
    if (Atomics.load(control, MAIL_STATE) === MAIL_ASKED) answerMail(this.layout, this.nicSwitch);
    for (let port = 0; port < this.ports; port++) {
      if (this.flushes[port].pending) this.finishFlush(port);
      this.reclaim(port);
      this.take(port, burst);
    }
    const taken = this.nicSwitch.forward(burst);
    this.blocked = false;
    for (let port = 0; port < this.ports; port++) {
      this.deliver(port);
      this.refill(port);
    }
    return taken;
  }

  /**
   * Sleeps until {@link SharedSwitch.forward} has something to do, for `timeoutMs` at most; whether it has.
   * Not in the main thread of a page, which may not sleep.
   */
  wait(timeoutMs = Number.POSITIVE_INFINITY): boolean {
    const what = this.blocked ? FOR_FRAMES | FOR_ROOM : FOR_FRAMES;
    return sleep(this.layout.control, SWITCH_WAITS, SWITCH_EVENT, what, timeoutMs, this.hasWork);
  }

  /** Tells all threads that there will be no more frames, and wakes those that sleep. */
  close(): void {
    const { control } = this.layout;
    Atomics.store(control, CLOSED, 1);
    for (let port = 0; port < this.ports; port++) {
      const words = this.layout.wordsOf(port);
      wake(control, words + SEND_EVENT);
      wake(control, words + RECEIVE_EVENT);
    }
  }

  /**
   * Lets another thread attach to `vport` although nobody detached: only when the thread that was attached has
   * ended. What it had received and not released is received again, unless the VPort has been deleted; what it
   * had not sent is forgotten.
   */
  detach(vport: number): void {
    const { control } = this.layout;
    const words = this.layout.wordsOf(checkInteger('vport', vport, 0, this.ports - 1));
    Atomics.store(control, words + SEND_CLAIM, 0);
    Atomics.store(control, words + RECEIVE_CLAIM, 0);
    if (this.flushes[vport].pending) this.finishFlush(vport);
  }

  /**
   * @internal What the VPort has sent is switched now, and so dropped. What was delivered to it the thread that is
   * attached may still receive; when none is, it is taken back.
   */
  flushed(vport: number): void {
    const { nicSwitch, frames } = this;
    this.emptySent(vport, (slot) => {
      for (let held = nicSwitch.route(slot, vport); held > 0; held--) frames.release(slot);
    });
    this.beginFlush(vport, FLUSHED);
  }

  /** @internal */
  retired(vport: number): void {
    this.flushes[vport].retire();
  }

  /** @internal As after construction, but for frames that somebody reads. */
  resetting(): void {
    for (let port = 0; port < this.ports; port++) {
      this.emptySent(port, (slot) => this.frames.release(slot));
      this.beginFlush(port, RESET);
    }
  }

  private emptySent(port: number, drop: (slot: number) => void): void {
    const { control, sendItems, sendEntries } = this.layout;
    const tail = Atomics.load(control, this.layout.wordsOf(port) + SEND_TAIL);
    let head = this.sendHeads[port];
    const held = (this.sendLimits[port] - head) | 0;
    assert((tail - head) >>> 0 <= held, 'a sender sent more frames than it had slots');
    for (; head !== tail; head = (head + 1) | 0)
      drop(sendItems[port * sendEntries + (head & (sendEntries - 1))]);
    this.sendHeads[port] = tail;
  }

  private beginFlush(port: number, kind: number): void {
    const { control } = this.layout;
    const words = this.layout.wordsOf(port);
    this.reclaim(port);
    if (this.receiveHeads[port] === this.receiveTails[port]) return;
    this.flushes[port].add(this.receiveTails[port], kind);
    Atomics.store(control, words + RECEIVE_FLUSHED, this.receiveTails[port]);
    Atomics.store(control, words + RECEIVE_FLUSHING, 1);
    this.finishFlush(port);
  }

  /** Takes back what a former VPort has not received, unless somebody is attached, who may. */
  private finishFlush(port: number): void {
    const { control, receiveItems, receiveEntries } = this.layout;
    const words = this.layout.wordsOf(port);
    if (Atomics.compareExchange(control, words + RECEIVE_CLAIM, 0, HELD_BY_SWITCH) === 0) {
      passFlushed(control, words, receiveItems, port * receiveEntries, receiveEntries - 1);
      Atomics.store(control, words + RECEIVE_CLAIM, 0);
    }
    this.reclaim(port);
    const left = (Atomics.load(control, words + RECEIVE_FLUSHED) - this.receiveHeads[port]) | 0;
    if (left <= 0) Atomics.store(control, words + RECEIVE_FLUSHING, 0);
  }

  /** A frame that a former VPort has not received, at an index of its ring. */
  private lose(port: number, index: number, entry: number): void {
    const kind = this.flushes[port].kindOf(index);
    if (kind === RESET) this.frames.release(ringSlot(entry));
    else this.nicSwitch.loseDelivered(port, ~entry, kind === RETIRED);
  }

  /**
   * Frees the mailbox for changes: only when the thread that has it has ended. A message that waits in it is
   * not carried out.
   */
  detachConfiguration(): void {
    const { control } = this.layout;
    Atomics.store(control, MAIL_STATE, MAIL_FREE);
    wake(control, MAIL_EVENT);
  }

  /** Slots by who holds them; their sum is all slots unless one was lost. */
  slots(): { free: number; senders: number; receivers: number; switch: number } {
    const { frames, sendHeads, sendLimits, receiveTails, receiveHeads, nicSwitch } = this;
    let senders = 0;
    const held = new Set<number>();
    const receivers = new Set<number>();
    for (let port = 0; port < this.ports; port++) {
      senders += (sendLimits[port] - sendHeads[port]) | 0;
      for (let i = receiveHeads[port]; i !== receiveTails[port]; i = (i + 1) | 0) {
        receivers.add(ringSlot(this.layout.receiveItems[this.receiveAt(port, i)]));
      }
      for (let i = 0; i < nicSwitch.output.length(port); i++) {
        held.add(entrySlot(nicSwitch.output.items[nicSwitch.output.indexOfOldest(port) + i]));
      }
    }
    for (const slot of receivers) held.delete(slot);
    return { free: frames.available, senders, receivers: receivers.size, switch: held.size };
  }

  /** Takes back what the receiver of `port` has released. */
  private reclaim(port: number): void {
    const { control, receiveItems } = this.layout;
    const head = Atomics.load(control, this.layout.wordsOf(port) + RECEIVE_HEAD);
    let i = this.receiveHeads[port];
    if (i === head) return;
    const held = (this.receiveTails[port] - i) | 0;
    assert((head - i) >>> 0 <= held, 'a receiver released more frames than it was given');
    for (; i !== head; i = (i + 1) | 0) {
      const entry = receiveItems[this.receiveAt(port, i)];
      if (wasPassed(entry)) this.lose(port, i, entry);
      else this.frames.release(entrySlot(entry));
    }
    this.receiveHeads[port] = head;
    if (this.flushes[port].pending) this.flushes[port].readTo(head);
  }

  /** Takes what the sender of `port` has sent. */
  private take(port: number, burst: number): void {
    const { control, sendItems, sendEntries } = this.layout;
    const tail = Atomics.load(control, this.layout.wordsOf(port) + SEND_TAIL);
    const head = this.sendHeads[port];
    if (head === tail) return;
    const held = (this.sendLimits[port] - head) | 0;
    assert((tail - head) >>> 0 <= held, 'a sender sent more frames than it had slots');
    const { input } = this.nicSwitch;
    const count = Math.min((tail - head) | 0, burst, input.room(port));
    const first = head & (sendEntries - 1);
    const row = port * sendEntries;
    const straight = Math.min(count, sendEntries - first);
    input.pushBurst(port, sendItems, row + first, straight);
    if (straight < count) input.pushBurst(port, sendItems, row, count - straight);
    this.sendHeads[port] = (head + count) | 0;
  }

  /** Hands what was switched to the receiver of `port`. */
  private deliver(port: number): void {
    const { output } = this.nicSwitch;
    const waiting = output.length(port);
    if (waiting === 0) return;
    const { control, receiveItems, receiveEntries } = this.layout;
    let tail = this.receiveTails[port];
    const room = receiveEntries - ((tail - this.receiveHeads[port]) | 0);
    const count = Math.min(waiting, room);
    if (count < waiting) this.blocked = true;
    if (count === 0) return;
    const { items } = output;
    const from = output.indexOfOldest(port);
    for (let i = 0; i < count; i++) {
      receiveItems[this.receiveAt(port, tail)] = items[from + i];
      tail = (tail + 1) | 0;
    }
    output.drop(port, count);
    this.receiveTails[port] = tail;
    const words = this.layout.wordsOf(port);
    Atomics.store(control, words + RECEIVE_TAIL, tail);
    if (Atomics.load(control, words + RECEIVE_WAITS) !== 0) wake(control, words + RECEIVE_EVENT);
  }

  /** Gives the sender of `port` empty slots for those that were taken from it. */
  private refill(port: number): void {
    const { control, sendItems, sendEntries } = this.layout;
    const end = (this.sendHeads[port] + sendEntries) | 0;
    let limit = this.sendLimits[port];
    if (limit === end) return;
    const { frames } = this;
    const before = limit;
    for (; limit !== end; limit = (limit + 1) | 0) {
      const slot = frames.take();
      if (slot < 0) {
        this.blocked = true;
        break;
      }
      sendItems[port * sendEntries + (limit & (sendEntries - 1))] = slot;
    }
    if (limit === before) return;
    this.sendLimits[port] = limit;
    const words = this.layout.wordsOf(port);
    Atomics.store(control, words + SEND_LIMIT, limit);
    if (Atomics.load(control, words + SEND_WAITS) !== 0) wake(control, words + SEND_EVENT);
  }

  private receiveAt(port: number, index: number): number {
    const { receiveEntries } = this.layout;
    return port * receiveEntries + (index & (receiveEntries - 1));
  }

  private readonly hasWork = (): boolean => {
    const { control } = this.layout;
    if (Atomics.load(control, MAIL_STATE) === MAIL_ASKED) return true;
    for (let port = 0; port < this.ports; port++) {
      const words = this.layout.wordsOf(port);
      if (Atomics.load(control, words + SEND_TAIL) !== this.sendHeads[port]) return true;
      // What a former VPort's thread has left when it was detached.
      const isLeft = this.flushes[port].pending && Atomics.load(control, words + RECEIVE_CLAIM) === 0;
      if (isLeft) return true;
      if (this.blocked && Atomics.load(control, words + RECEIVE_HEAD) !== this.receiveHeads[port])
        return true;
    }
    return false;
  };
}

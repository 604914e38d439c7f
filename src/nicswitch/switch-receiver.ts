import { checkInteger } from '../base/index.ts';
import { writeTagged } from '../wire/index.ts';
import { RingEnd } from './ring-end.ts';
import { passFlushed } from './shared-flush.ts';
import {
  FOR_ROOM,
  RECEIVE_CLAIM,
  RECEIVE_EVENT,
  RECEIVE_HEAD,
  RECEIVE_TAIL,
  RECEIVE_WAITS,
  type SharedLayout,
  SWITCH_EVENT,
  SWITCH_WAITS,
} from './shared-layout.ts';
import { sleep, wake } from './shared-wait.ts';
import { entrySlot, tagOperation } from './target.ts';

/**
 * The receiving end of a port of a {@link SharedSwitch}, in one thread: reads frames where their sender has
 * written them, and gives them back.
 *
 * The ring holds what was delivered, from `head` to the switch's `tail`. A frame stays there, and its slot
 * the receiver's, until it is released; to release is to move `head` on. So frames are released in the order
 * in which they came, and a thread that ends without releasing loses none.
 */
export class SwitchReceiver extends RingEnd {
  /** Index of the oldest frame not released, */
  private head: number;
  /** of the next one to be received, */
  private next: number;
  /** and the switch's `tail`, as it was when we last looked. */
  private tail: number;

  /** @internal See {@link attachSwitchPort}. */
  constructor(layout: SharedLayout, port: number) {
    super(layout, port, layout.receiveItems, layout.receiveEntries);
    passFlushed(this.control, this.words, this.items, this.first, this.mask);
    this.head = Atomics.load(this.control, this.words + RECEIVE_HEAD);
    this.next = this.head;
    this.tail = this.head;
  }

  /**
   * The next frame, or -1 while there is none: an entry as in {@link NicSwitch.output}, which
   * {@link SwitchReceiver.offsetOf}, {@link SwitchReceiver.lengthOf}, {@link SwitchReceiver.tciOf} and
   * {@link tagOperation} read until it is released.
   */
  receive(): number {
    const { next } = this;
    if (next === this.tail) {
      this.tail = Atomics.load(this.control, this.words + RECEIVE_TAIL);
      if (next === this.tail) return -1;
    }
    this.next = (next + 1) | 0;
    return this.items[this.first + (next & this.mask)];
  }

  /** Where in {@link SwitchReceiver.u8} the frame of `entry` begins. */
  offsetOf(entry: number): number {
    return entrySlot(entry) * this.slotBytes;
  }

  /** Bytes of the frame of `entry`, without frame check sequence. */
  lengthOf(entry: number): number {
    return this.frames.lengths[entrySlot(entry)];
  }

  /** TCI of the tag that travels beside the frame of `entry`, or -1. */
  tciOf(entry: number): number {
    return this.frames.outerTci[entrySlot(entry)];
  }

  /** The bytes of the frame of `entry`, where they are: not a copy, but a new object. */
  bytesOf(entry: number): Uint8Array {
    const offset = this.offsetOf(entry);
    return this.u8.subarray(offset, offset + this.lengthOf(entry));
  }

  /**
   * Copies the frame of `entry` to `target` as it is to be seen by its receiver, with tags put in and left out,
   * and returns its bytes: see {@link writeTagged}, also for the room that it takes.
   */
  copyTo(target: Uint8Array, entry: number, at = 0): number {
    return writeTagged(this.frames, entrySlot(entry), tagOperation(entry), target, at);
  }

  /**
   * Gives back the oldest `count` frames that were received.
   *
   * @throws RangeError if there are not as many.
   */
  release(count = 1): void {
    const { control, head } = this;
    checkInteger('count', count, 0, (this.next - head) | 0);
    this.head = (head + count) | 0;
    Atomics.store(control, this.words + RECEIVE_HEAD, this.head);
    if ((Atomics.load(control, SWITCH_WAITS) & FOR_ROOM) !== 0) wake(control, SWITCH_EVENT);
  }

  /** Frames received and not yet released. */
  get held(): number {
    return (this.next - this.head) | 0;
  }

  /**
   * Sleeps until there is a frame to receive or the switch is closed, for `timeoutMs` at most; whether there
   * is one. Not in the main thread of a page, which may not sleep.
   */
  waitForFrame(timeoutMs = Number.POSITIVE_INFINITY): boolean {
    if (this.hasFrame()) return true;
    const { control, words } = this;
    sleep(control, words + RECEIVE_WAITS, words + RECEIVE_EVENT, 1, timeoutMs, this.hasFrameOrEnd);
    return this.hasFrame();
  }

  /** Gives back what was received, and lets another thread attach: it receives what has not been. */
  detach(): void {
    this.release(this.held);
    this.tail = this.next;
    Atomics.store(this.control, this.words + RECEIVE_CLAIM, 0);
  }

  private hasFrame(): boolean {
    return this.next !== Atomics.load(this.control, this.words + RECEIVE_TAIL);
  }

  private readonly hasFrameOrEnd = (): boolean => this.hasFrame() || this.closed;
}

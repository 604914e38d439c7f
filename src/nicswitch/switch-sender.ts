import { checkInteger } from '../base/index.ts';
import { RingEnd } from './ring-end.ts';
import {
  FOR_FRAMES,
  SEND_CLAIM,
  SEND_EVENT,
  SEND_LIMIT,
  SEND_TAIL,
  SEND_WAITS,
  type SharedLayout,
  SWITCH_EVENT,
  SWITCH_WAITS,
} from './shared-layout.ts';
import { sleep, wake } from './shared-wait.ts';

/**
 * The sending end of a port of a {@link SharedSwitch}, in one thread: fills empty slots, which the switch has
 * given it, and hands them over.
 *
 * A ring of slots of which the sender has the part from `tail` to `limit`. It writes a frame into the slot at
 * `tail` and moves `tail` on; the switch takes the slot, puts an empty one at its place, and moves `limit`
 * on. Index and frame are seen in this order because Atomics write and read the indices.
 */
export class SwitchSender extends RingEnd {
  /** Index of the slot to be filled next. */
  private tail: number;
  /** `tail` as the switch knows it. */
  private published: number;
  /** `limit` as it was when we last looked. */
  private limit: number;

  /** @internal See {@link attachSwitchPort}. */
  constructor(layout: SharedLayout, port: number) {
    super(layout, port, layout.sendItems, layout.sendEntries);
    this.tail = Atomics.load(this.control, this.words + SEND_TAIL);
    this.published = this.tail;
    this.limit = this.tail;
  }

  /**
   * Where in {@link SwitchSender.u8} the next frame is to be written, up to `slotBytes`; -1 while there is no
   * empty slot. The same until {@link SwitchSender.commit}.
   */
  reserve(): number {
    const { tail } = this;
    if (tail === this.limit) {
      this.limit = Atomics.load(this.control, this.words + SEND_LIMIT);
      if (tail === this.limit) {
        // What is held back will not become less by waiting.
        this.flush();
        return -1;
      }
    }
    return this.items[this.first + (tail & this.mask)] * this.slotBytes;
  }

  /**
   * Sends the frame in the reserved slot.
   *
   * @param bytes its length, without frame check sequence.
   * @param tci of the 802.1Q tag that travels beside it; -1 for none.
   * @param more whether others follow at once: the switch is told of all of them with the last one, or by
   *   {@link SwitchSender.flush}.
   * @throws RangeError if nothing is reserved, or of an argument.
   */
  commit(bytes: number, tci = -1, more = false): void {
    const { tail, frames } = this;
    if (tail === this.limit) throw new RangeError('commit must follow a reserve that gave a slot');
    checkInteger('bytes', bytes, 0, this.slotBytes);
    checkInteger('tci', tci, -1, 0xffff);
    const slot = this.items[this.first + (tail & this.mask)];
    frames.lengths[slot] = bytes;
    frames.outerTci[slot] = tci;
    this.tail = (tail + 1) | 0;
    if (!more) this.flush();
  }

  /** Tells the switch of all frames that were committed. */
  flush(): void {
    const { control, tail } = this;
    if (tail === this.published) return;
    this.published = tail;
    Atomics.store(control, this.words + SEND_TAIL, tail);
    if ((Atomics.load(control, SWITCH_WAITS) & FOR_FRAMES) !== 0) wake(control, SWITCH_EVENT);
  }

  /**
   * Copies a frame into an empty slot and sends it; false, and nothing done, while there is none.
   *
   * @throws RangeError if it is longer than a slot.
   */
  send(frame: Uint8Array, tci = -1): boolean {
    checkInteger('frame.length', frame.length, 0, this.slotBytes);
    const offset = this.reserve();
    if (offset < 0) return false;
    this.u8.set(frame, offset);
    this.commit(frame.length, tci);
    return true;
  }

  /**
   * Sleeps until there is an empty slot or the switch is closed, for `timeoutMs` at most; whether there is
   * one. Not in the main thread of a page, which may not sleep.
   */
  waitForSlot(timeoutMs = Number.POSITIVE_INFINITY): boolean {
    if (this.reserve() >= 0) return true;
    const { control, words } = this;
    sleep(control, words + SEND_WAITS, words + SEND_EVENT, 1, timeoutMs, this.hasSlotOrEnd);
    return this.reserve() >= 0;
  }

  /** Lets another thread attach. What was committed is sent; a slot that is only reserved stays the port's. */
  detach(): void {
    this.flush();
    this.limit = this.tail;
    Atomics.store(this.control, this.words + SEND_CLAIM, 0);
  }

  private readonly hasSlotOrEnd = (): boolean => this.reserve() >= 0 || this.closed;
}

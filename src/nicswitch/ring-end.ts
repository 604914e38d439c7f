import { type SharedFrames, sharedFrames } from '../base/index.ts';
import { CLOSED, type SharedLayout } from './shared-layout.ts';

/** One end of a ring of a {@link SharedSwitch}, in one thread: what sending and receiving have in common. */
export abstract class RingEnd {
  /** The VPort, or the number behind the last one for the physical port. */
  readonly port: number;
  /** Bytes a slot: longest frame. */
  readonly slotBytes: number;
  /** Bytes of all slots. */
  readonly u8: Uint8Array;
  /** The frames, with what travels beside them. */
  readonly frames: SharedFrames;
  protected readonly control: Int32Array;
  /** First of the port's words in the control words of a `SharedLayout`. */
  protected readonly words: number;
  /** Entries of the rings of all ports, */
  protected readonly items: Int32Array;
  /** first of this one, */
  protected readonly first: number;
  /** and what an index of it leaves. */
  protected readonly mask: number;

  /** @param items entries of this kind of rings, `entries` of each port. */
  constructor(layout: SharedLayout, port: number, items: Int32Array, entries: number) {
    this.port = port;
    this.slotBytes = layout.slotBytes;
    this.frames = sharedFrames(layout.control.buffer, layout.slots, layout.slotBytes);
    this.u8 = this.frames.u8;
    this.control = layout.control;
    this.words = layout.wordsOf(port);
    this.items = items;
    this.first = port * entries;
    this.mask = entries - 1;
  }

  /** Whether the switch has been closed: it neither takes nor delivers anything any more. */
  get closed(): boolean {
    return Atomics.load(this.control, CLOSED) !== 0;
  }
}

import { IntRing } from '../base/index.ts';
import type { FrameTemplate } from '../drivers/index.ts';
import { PRIORITIES } from '../wire/index.ts';

/** EtherType 8100h as it lies in a word of a frame. */
const VLAN_TYPE = 0x0081;

/** Priority of a template's frames: that of their 802.1Q tag, else 0. */
export function templatePriority({ words }: FrameTemplate): number {
  return (words[3] & 0xffff) === VLAN_TYPE ? (words[3] >>> 21) & 7 : 0;
}

/** Frames that a station with flow control wants to send, by priority: a template's number and a sequence number each. */
export class StationQueues {
  private readonly rings: readonly IntRing[];
  /** Sequence number of the frame that {@link StationQueues.shift} has taken. */
  sequence = 0;

  /** @param capacity frames of a priority, a power of two. */
  constructor(capacity: number) {
    this.rings = Array.from({ length: PRIORITIES }, () => new IntRing(2 * capacity));
  }

  /** False if the queue of the priority is full. */
  push(priority: number, template: number, sequence: number): boolean {
    const ring = this.rings[priority];
    if (ring.room < 2) return false;
    ring.push(template);
    ring.push(sequence);
    return true;
  }

  /** The template of the next frame, of the highest priority that is not in `paused`; -1 for none. */
  shift(paused: number): number {
    for (let priority = PRIORITIES - 1; priority >= 0; priority--) {
      const ring = this.rings[priority];
      if (ring.length === 0 || ((paused >> priority) & 1) !== 0) continue;
      const template = ring.shift();
      this.sequence = ring.shift();
      return template;
    }
    return -1;
  }
}

import type { FramePool } from '../base/index.ts';
import { TagTables, taggedPriority } from '../nicswitch/index.ts';

/** Tags of a switch with one VPort that knows one VLAN tag and no priorities of ports. */
const plain = (): TagTables => new TagTables(2, 1);

/**
 * Priorities of the frames in a card, by which they are in classes: that of a frame's outermost tag, else that of
 * the port where it came in (IEEE 802.1Q, 6.9.4).
 *
 * What arrives from the wire has the priority that it has there, since that is what the other end stops; what
 * comes from a VPort has what the port's Priority Regeneration Table makes of it. Behind the switch both have the
 * regenerated one, which then lies beside the frame.
 */
export class FramePriorities {
  private readonly frames: FramePool;
  private readonly tags: TagTables;
  /** Port where the frame in each slot came in. */
  private readonly sources: Int32Array;
  private readonly uplink: number;

  /** @param uplink the port that is the wire's. Default: none. */
  constructor(frames: FramePool, tags: TagTables = plain(), uplink = -1) {
    this.frames = frames;
    this.tags = tags;
    this.uplink = uplink;
    this.sources = new Int32Array(frames.slots);
  }

  /** Priority of a frame that has come in at `ingress` and has not been switched. */
  received(slot: number, ingress: number): number {
    this.sources[slot] = ingress;
    const { priorities } = this.tags;
    const own = taggedPriority(this.frames, this.tags, slot, 0);
    if (own < 0) return priorities.untagged[ingress];
    return ingress === this.uplink ? own : priorities.regenerate(ingress, own);
  }

  /** Priority of a frame that has been switched and leaves after `operation` on its tags. */
  sent(slot: number, operation: number): number {
    const own = taggedPriority(this.frames, this.tags, slot, operation);
    return own < 0 ? this.tags.priorities.untagged[this.sources[slot]] : own;
  }
}

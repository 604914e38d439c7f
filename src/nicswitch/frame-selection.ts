/** Who receives a frame: the rules of a switch one after the other, for any frame. */
export interface FrameSelection {
  /** Receivers of the frame decided last, in ascending order of ports: see target.ts. */
  readonly targets: Int32Array;
  /** How many of them, the last ones, are copies that mirroring rules have made. */
  readonly mirrored: number;
  /** Why there were none but mirrored copies. */
  readonly reason: number;
  /** Class of its destination address. */
  readonly frameClass: number;
  /** Decides the frame in `slot`, which came in at `ingress`, and returns the number of its targets. */
  decide(slot: number, ingress: number): number;
}

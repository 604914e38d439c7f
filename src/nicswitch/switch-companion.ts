/**
 * What stands beside a switch and holds frames of its ports, or settings of its VPorts, that the switch does not
 * know: an {@link EgressStage}, the rings of a {@link SharedSwitch}, a {@link VPortTable}. Told by
 * {@link NicSwitch.attach}, so that nothing of a VPort is left for the next one at its place.
 */
export interface SwitchCompanion {
  /**
   * `vport` is being flushed and inactive by now: frames that wait to come in from it go into the switch, which
   * drops them; those that it would get are taken back by {@link NicSwitch.loseDelivered}.
   */
  flushed?(vport: number): void;
  /** `vport` has been flushed, and its settings are as after construction; its counters are about to be. */
  retired?(vport: number): void;
  /** All is about to be as after construction: frames are released, and nothing is counted any more. */
  resetting?(): void;
  /** All is as after construction. */
  wasReset?(): void;
}

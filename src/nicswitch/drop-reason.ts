/**
 * Why a frame, or one replica of it, reached nobody. A frame that several rules would drop is counted under the first
 * that applies, in the order in which the switch looks: the order of this list. Those of {@link EGRESS_REASONS}
 * are counted at the receiver, all others at the port where the frame came in.
 */
export const DROP_REASONS = Object.freeze([
  /** Shorter than an Ethernet header: 14 bytes. To pad a frame to 60 is the business of the MAC that sends it. */
  'runt',
  /**
   * The sending VPort is not activated; or, looked at behind `vlanFilter`, none of the VPorts that matched is.
   */
  'vportInactive',
  /** The sending VPort may not transmit (82599: PFVFTE). */
  'txDisabled',
  /** The switch is a port extender, and the sending VPort has no channel. */
  'noChannel',
  /** A VPort of a port extender sent a frame with a tag that is the extender's to put on. */
  'tagSpoof',
  /** The bytes end within a tag they begin. */
  'truncatedTag',
  /** More than two VLAN tags in its bytes, one within the other. */
  'tooManyTags',
  /** Longer than the switch passes, or than every receiver takes. */
  'giant',
  /** Source address is none of the sending VPort's own (82599: PFVFSPOOF.MACAS). */
  'macSpoof',
  /** VLAN is none that the sending VPort is allowed; or, looked at before `vlanFilter`, that the VPorts that matched are. */
  'vlanNotAllowed',
  /** VLAN is none of the sending VPort's own (82599: PFVFSPOOF.VLANAS). */
  'vlanSpoof',
  /** Beyond the storm limit of the port for frames to all, */
  'broadcastStorm',
  /** to groups, */
  'multicastStorm',
  /** and to single addresses that no filter names. */
  'unknownUnicastStorm',
  /** The VLAN is not admitted, or no VPort that matched is a member of it. */
  'vlanFilter',
  /** From the wire to a port extender without its tag, and there is no default VPort. */
  'noVirtualTag',
  /** The tag from the wire names a channel or a group that no VPort of the port extender has. */
  'unknownChannel',
  /** No filter matched. */
  'noMatch',
  /** The only receiver would have been its sender. */
  'sourcePruned',
  /** A private VPort and another one that is not open to it: see VPortIsolation. Looked at before `vlanFilter`. */
  'privateVPort',
  /** The VPorts that matched may not receive (82599: PFVFRE). */
  'vportDisabled',
  /** The receiver's output queue had no room; counted at the receiver. */
  'outputFull',
  /**
   * The receiver was deleted while the frame waited for it, or the sender while it waited for the wire in an
   * EgressStage; counted at the receiver, the wire's port included.
   */
  'vportDeleted',
] as const);

/** One of {@link DROP_REASONS}. */
export type DropReason = (typeof DROP_REASONS)[number];

/** The reasons as the data path knows them: index into {@link DROP_REASONS}. */
export const DROP = Object.freeze(
  Object.fromEntries(DROP_REASONS.map((reason, code) => [reason, code])) as Record<DropReason, number>,
);

/** Reasons that are counted at the receiver of a frame or replica; the others are counted where the frame came in. */
export const EGRESS_REASONS: readonly DropReason[] = ['outputFull', 'vportDeleted'];

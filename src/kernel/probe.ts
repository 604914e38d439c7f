/**
 * What happened, in the numbers of one record. The meaning of the operands depends on the kind and is given
 * with it.
 */
export const ProbeKind = {
  /**
   * A TLP train leaves a port: a = the number of its record in the TLP pool, b = bytes on the link, c = TLPs. The four
   * TLP_ records that follow say the rest of it.
   */
  TLP_SENT: 1,
  /** A frame has come in at a port of the switch: a = frame slot, b = ingress port, c = bytes. */
  FRAME_IN: 3,
  /**
   * A frame has left the switch: a = frame slot, b = egress port and what to do with the VLAN tag (a target
   * of the switch), c = bytes before that.
   */
  FRAME_OUT: 4,
  /**
   * A frame was dropped: a = frame slot, b = port, c = reason. The switch's reasons come first, and then b is
   * where the frame came in; behind them come the card's own, and then b is where it should have gone out.
   */
  FRAME_DROPPED: 5,
  /** A descriptor was fetched: a = queue, b = index, c = frame slot. */
  TX_DESCRIPTOR: 6,
  /** A received frame was given to a descriptor: a = queue, b = index, c = frame slot. */
  RX_DESCRIPTOR: 7,
  /** An interrupt message was sent: a = Routing ID, b = vector, c = data. */
  INTERRUPT: 8,
  /** An IOTLB miss started a page walk: a = Routing ID, b = page number modulo 2^32, c = 0. */
  PAGE_WALK: 9,
  /**
   * A receiver of a frame has a copy of its own in another slot, to be marked, before it leaves for it: a = that slot,
   * b = the frame's, c = 0.
   */
  FRAME_COPIED: 10,
  /** Of the train before: a and b = low and high 32 bits of the address, c = bytes written, asked for or brought. */
  TLP_ADDRESS: 11,
  /**
   * Of the train before: a = Routing ID of the requester, and above it that of a configuration request's target; b = what
   * it is, as `unpackTlpHeader` of pcie has it; c = the double word of a register access or message.
   */
  TLP_HEADER: 12,
  /** Of the train before: a = who asked, b = what it wants to be told, c = where in the device's store the payload is, or -1. */
  TLP_ORIGIN: 13,
  /**
   * Of the train before: a = sequence number of its first TLP, and credits that are left, as `unpackTlpLink` of pcie has
   * them; b = ps until its last symbol has left, c = ps until it arrives.
   */
  TLP_LINK: 14,
  /**
   * Software has read a register: a = Routing ID of the function, and above its 16 bits the BAR; b = byte offset
   * in it, c = the value.
   */
  REGISTER_READ: 20,
  /** Software has written a register; the operands as with REGISTER_READ. */
  REGISTER_WRITE: 21,
  /**
   * The port begins to send: a = frame slot, or -1 for a MAC Control frame; b = bytes behind the preamble, frame check
   * sequence included; c = ps until the last of them has left.
   */
  WIRE_SENT: 22,
  /**
   * A frame has come in from the wire, as far as the card waits for it: a = frame slot, b = bytes as with WIRE_SENT, c = ps
   * since the preamble's first bit has left the other end of the cable.
   */
  WIRE_TAKEN: 23,
  /**
   * A page walk has ended: a and b as with PAGE_WALK; c = memory accesses in bits 0 to 7, level of the page that it has
   * found in bits 8 to 11 (0: the function's requests pass as they are), reason of the fault above.
   */
  PAGE_WALK_END: 24,
  /**
   * An event has left other levels behind than there were: a and b = bytes in the receive and in the transmit packet
   * buffer, c = frame slots in use.
   */
  BUFFER_LEVEL: 27,
  /**
   * TLPs of a train are sent again, from the replay buffer: a = the number of its record in the TLP pool, b = how many
   * TLPs, c = which of its TLPs is the first of them, from 0 on, and bit 15 for downstream. A TLP_LINK follows.
   */
  TLP_RESENT: 28,
  /**
   * Of the train before: one of its TLPs will not arrive as it should. It and all that is sent behind it will be
   * discarded, until it is sent again: a = 0 upstream, 1 downstream, and above that bit how: 0 with a wrong LCRC, 1 with wrong
   * framing, 2 while the link is retrained, b = its sequence number, c = ps until it arrives.
   */
  TLP_BAD: 29,
  /**
   * The link has gone down, with all that is on it, or it is up again: a = 0 down, 1 up; b = 1 if the card is gone with it, for
   * good, else 0; c = 0.
   */
  LINK_STATE: 30,
  /**
   * The root port has refused a memory request of the card: a = the number of its train's record in the TLP pool, b = Routing
   * ID, and bit 16 for a write; c = 1 if translation has refused it, 0 if nothing is behind its address.
   */
  REQUEST_REFUSED: 31,
  /**
   * The link has gone down, and with it a write or message of the card that had arrived and was not done: a = the number of its
   * train's record in the TLP pool, b = Routing ID, c = 0.
   */
  WRITE_LOST: 32,
} as const;

/** One of {@link ProbeKind}. */
export type ProbeKind = (typeof ProbeKind)[keyof typeof ProbeKind];

/** Takes records, in the order of simulated time. It must not touch the machine. */
export interface ProbeSink {
  /** @param timePs when it happened; the operands as {@link ProbeKind} has them. */
  record(timePs: number, kind: ProbeKind, a: number, b: number, c: number): void;
}

/**
 * Where the model says what happened. Without a sink a record is one comparison; with one, the course of the
 * run is the same, because a sink schedules nothing.
 */
export class Probe {
  sink: ProbeSink | null = null;
  private readonly clock: { readonly now: number };

  constructor(clock: { readonly now: number }) {
    this.clock = clock;
  }

  /** Hands a record to the sink, if there is one; the operands as {@link ProbeKind} has them. */
  record(kind: ProbeKind, a: number, b: number, c: number): void {
    const sink = this.sink;
    if (sink !== null) sink.record(this.clock.now, kind, a, b, c);
  }
}

/** Why the card dropped a frame outside its switch; the order is that of `NicDrop`. */
export const NIC_DROP_REASONS = Object.freeze([
  /** The receive ring had no descriptor left, and the queue drops. */
  'noDescriptor',
  /** The receive packet buffer had no room. */
  'packetBufferFull',
  /** Reading or writing the frame failed: an address that was refused, or descriptors that make no frame. */
  'dmaFailed',
  /** The port did not receive: RXCTRL.RXEN was clear. */
  'receiveDisabled',
  /** A MAC Control frame: it is for the MAC alone. */
  'macControl',
  /** Its queue was long, and its transport does not understand marks. */
  'congestion',
  /** Its frame check sequence was wrong. */
  'badFcs',
  /** The wire came to a byte that had not come from host memory yet. */
  'underrun',
  /** It was longer than the MAC takes, or shorter. */
  'badLength',
] as const);

/** One of {@link NIC_DROP_REASONS}. */
export type NicDropReason = (typeof NIC_DROP_REASONS)[number];

/** The reasons as numbers: index into {@link NIC_DROP_REASONS}. */
export const NicDrop = {
  NO_DESCRIPTOR: 0,
  BUFFER_FULL: 1,
  DMA_FAILED: 2,
  RECEIVE_DISABLED: 3,
  MAC_CONTROL: 4,
  CONGESTION: 5,
  BAD_FCS: 6,
  UNDERRUN: 7,
  BAD_LENGTH: 8,
} as const;

/** Counts of dropped frames by port and reason. */
export class NicDrops {
  private readonly counts: Float64Array;

  constructor(ports: number) {
    this.counts = new Float64Array(ports * NIC_DROP_REASONS.length);
  }

  /** Counts frames that `port` lost, for one of `NicDrop`. */
  count(port: number, reason: number, frames = 1): void {
    this.counts[port * NIC_DROP_REASONS.length + reason] += frames;
  }

  /** Frames that a port lost, by reason. */
  byReason(port: number): Record<NicDropReason, number> {
    const at = port * NIC_DROP_REASONS.length;
    return record((i) => this.counts[at + i]);
  }

  /** Frames lost at all ports, by reason. */
  totals(): Record<NicDropReason, number> {
    return record((i) => {
      let sum = 0;
      for (let at = i; at < this.counts.length; at += NIC_DROP_REASONS.length) sum += this.counts[at];
      return sum;
    });
  }

  reset(): void {
    this.counts.fill(0);
  }
}

function record(value: (index: number) => number): Record<NicDropReason, number> {
  return Object.fromEntries(NIC_DROP_REASONS.map((reason, i) => [reason, value(i)])) as Record<
    NicDropReason,
    number
  >;
}

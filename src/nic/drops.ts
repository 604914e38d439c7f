/** Why the card dropped a frame outside its switch; the order is that of {@link NicDrop}. */
export const NIC_DROP_REASONS = Object.freeze([
  /** The receive ring had no descriptor left, and the queue drops. */
  'noDescriptor',
  /** The receive packet buffer had no room. */
  'packetBufferFull',
  /** Reading the frame failed: an address that was refused, or descriptors that make no frame. */
  'dmaFailed',
  /** Frames that a ring lost because it could not be read itself. */
  'ringFailed',
] as const);

/** One of {@link NIC_DROP_REASONS}. */
export type NicDropReason = (typeof NIC_DROP_REASONS)[number];

/** The reasons as numbers: index into {@link NIC_DROP_REASONS}. */
export const NicDrop = { NO_DESCRIPTOR: 0, BUFFER_FULL: 1, DMA_FAILED: 2, RING_FAILED: 3 } as const;

/** Counts of dropped frames by port and reason. */
export class NicDrops {
  readonly #counts: Float64Array;

  constructor(ports: number) {
    this.#counts = new Float64Array(ports * NIC_DROP_REASONS.length);
  }

  count(port: number, reason: number): void {
    this.#counts[port * NIC_DROP_REASONS.length + reason]++;
  }

  /** Frames that a port lost for a reason. */
  of(port: number, reason: NicDropReason): number {
    return this.#counts[port * NIC_DROP_REASONS.length + NIC_DROP_REASONS.indexOf(reason)];
  }

  /** Frames lost for a reason at all ports. */
  total(reason: NicDropReason): number {
    const at = NIC_DROP_REASONS.indexOf(reason);
    let sum = 0;
    for (let i = at; i < this.#counts.length; i += NIC_DROP_REASONS.length) sum += this.#counts[i];
    return sum;
  }

  reset(): void {
    this.#counts.fill(0);
  }
}

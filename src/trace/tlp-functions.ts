import { formatRoutingId, type RoutingId } from '../pcie/index.ts';
import type { LogAperture, LogTrailer } from './log-format.ts';

/** Where an address of registers leads. */
export interface RegisterPlace {
  readonly function: RoutingId;
  readonly virtual: boolean;
  readonly bar: number;
  /** Bytes from the BAR's start. */
  readonly offset: number;
}

/** The functions of the card that a log is of: what their Routing IDs are called, and which addresses are theirs. */
export class TlpFunctions {
  /** Whether the log says where registers are; one that was cut off does not. */
  readonly areKnown: boolean;
  private readonly apertures: readonly LogAperture[];
  private readonly names = new Map<RoutingId, string>([[0, 'root complex']]);

  constructor({ apertures }: LogTrailer) {
    this.apertures = apertures;
    this.areKnown = apertures.length > 0;
    const physical = [...new Set(apertures.filter((own) => !own.virtual).map(({ routingId }) => routingId))];
    physical.sort((a, b) => a - b);
    physical.forEach((routingId, i) => {
      this.names.set(routingId, physical.length === 1 ? 'PF' : `PF ${i}`);
    });
    for (const { routingId, stride, count, virtual } of apertures) {
      if (!virtual) continue;
      for (let vf = 0; vf < count; vf++) this.names.set(routingId + vf * stride, `VF ${vf}`);
    }
  }

  /** `VF 3`, `PF`, `root complex`; null for a Routing ID that none of them has. */
  nameOf(routingId: RoutingId): string | null {
    return this.names.get(routingId) ?? null;
  }

  /** The functions of the card, by Routing IDs and in their order. */
  get all(): readonly RoutingId[] {
    return [...this.names.keys()].filter((routingId) => routingId !== 0).sort((a, b) => a - b);
  }

  /** Whether a Routing ID is that of a VF. */
  isVirtual(routingId: RoutingId): boolean {
    return this.nameOf(routingId)?.startsWith('VF') ?? false;
  }

  /** `01:10.6 (VF 3)`, or the Routing ID alone. */
  describe(routingId: RoutingId): string {
    const name = this.nameOf(routingId);
    return name === null ? formatRoutingId(routingId) : `${formatRoutingId(routingId)} (${name})`;
  }

  /** The lowest Routing ID of the card, which answers for what none of its functions claims; 0 if none is known. */
  get first(): RoutingId {
    return this.all[0] ?? 0;
  }

  /** Which register an address is of; null where no BAR is. */
  placeOf(address: number): RegisterPlace | null {
    const at = this.apertures.find(
      ({ base, bytes, count }) => address >= base && address < base + bytes * count,
    );
    if (at === undefined) return null;
    const vf = Math.floor((address - at.base) / at.bytes);
    return {
      function: at.routingId + vf * at.stride,
      virtual: at.virtual,
      bar: at.bar,
      offset: (address - at.base) % at.bytes,
    };
  }
}

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

/**
 * The functions of the card that a log is of, as they are configured at a moment: what their Routing IDs are called, and
 * which addresses are theirs.
 */
export class TlpFunctions {
  /** Whether the log says where registers are; one that was cut off does not. */
  readonly areKnown: boolean;
  /** VFs that there are. */
  readonly vfs: number;
  private readonly apertures: readonly LogAperture[];
  private readonly names = new Map<RoutingId, string>([[0, 'root complex']]);
  private readonly physical: ReadonlySet<RoutingId>;
  private readonly vfNumbers = new Map<RoutingId, number>();
  /** Names of those that are no VFs, by function number. */
  private readonly byNumber = new Map<number, string>();

  constructor({ apertures }: Pick<LogTrailer, 'apertures'>) {
    this.apertures = apertures;
    this.areKnown = apertures.length > 0;
    const physical = [...new Set(apertures.filter((own) => !own.virtual).map(({ routingId }) => routingId))];
    physical.sort((a, b) => a - b);
    this.physical = new Set(physical);
    physical.forEach((routingId, i) => {
      const name = physical.length === 1 ? 'PF' : `PF ${i}`;
      this.names.set(routingId, name);
      this.byNumber.set(routingId & 0xff, name);
    });
    let vfs = 0;
    for (const { routingId, stride, count, virtual } of apertures) {
      if (!virtual) continue;
      vfs = Math.max(vfs, count);
      for (let vf = 0; vf < count; vf++) {
        const own = (routingId + vf * stride) & 0xffff;
        this.names.set(own, `VF ${vf}`);
        this.vfNumbers.set(own, vf);
      }
    }
    this.vfs = vfs;
  }

  /** `VF 3`, `PF`, `root complex`; null for a Routing ID that none of them has. */
  nameOf(routingId: RoutingId): string | null {
    return this.names.get(routingId) ?? null;
  }

  /**
   * The function that a configuration request reaches. One of type 0 says the function number alone: the bus number in it is
   * what the device takes for its own (PCIe 3.0 2.2.6.2).
   */
  nameOfTarget(target: RoutingId, configType: 0 | 1): string | null {
    return this.nameOf(target) ?? (configType === 0 ? (this.byNumber.get(target & 0xff) ?? null) : null);
  }

  /** The functions of the card, by Routing IDs and in their order. */
  get all(): readonly RoutingId[] {
    return [...this.names.keys()].filter((routingId) => routingId !== 0).sort((a, b) => a - b);
  }

  /** Number of the VF with a Routing ID, or -1. */
  vfOf(routingId: RoutingId): number {
    return this.vfNumbers.get(routingId) ?? -1;
  }

  /** Whether a Routing ID is that of a function that is no VF. */
  isPhysical(routingId: RoutingId): boolean {
    return this.physical.has(routingId);
  }

  /** Whether a Routing ID is that of a VF. */
  isVirtual(routingId: RoutingId): boolean {
    return this.vfNumbers.has(routingId);
  }

  /** `01:10.6 (VF 3)`, or the Routing ID alone. */
  describe(routingId: RoutingId, name = this.nameOf(routingId)): string {
    return name === null ? formatRoutingId(routingId) : `${formatRoutingId(routingId)} (${name})`;
  }

  /** The lowest Routing ID of the card, which answers for what none of its functions claims; 0 if none is known. */
  get first(): RoutingId {
    return this.all[0] ?? 0;
  }

  /** Which register an address is of; null where no BAR answers. */
  placeOf(address: number): RegisterPlace | null {
    const at = this.apertures.find(
      ({ base, bytes, count, enabled }) =>
        enabled !== false && address >= base && address < base + bytes * count,
    );
    if (at === undefined) return null;
    const vf = Math.floor((address - at.base) / at.bytes);
    return {
      function: (at.routingId + vf * at.stride) & 0xffff,
      virtual: at.virtual,
      bar: at.bar,
      offset: (address - at.base) % at.bytes,
    };
  }
}

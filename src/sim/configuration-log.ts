import type { Ring } from '../dma/index.ts';
import type { Nic } from '../nic/index.ts';
import type { PcieFunction } from '../pcie/index.ts';
import {
  encodeChange,
  type LogAperture,
  LogKind,
  type LogTarget,
  packRing,
  type RingRecord,
} from '../trace/index.ts';

/**
 * Puts into a log how a card is configured, whenever that changes: what its functions answered to until then and from
 * then on, so that every record that is kept knows its own, however many are lost; and the rings that begin and end.
 */
export class ConfigurationLog {
  private readonly target: LogTarget;
  private readonly clock: { readonly now: number };
  private readonly nic: Nic;
  /** What was so until now. */
  private apertures: readonly LogAperture[];

  constructor(target: LogTarget, clock: { readonly now: number }, nic: Nic) {
    this.target = target;
    this.clock = clock;
    this.nic = nic;
    this.apertures = aperturesOf(nic.endpoint.functions);
  }

  /** Looks on from now on, beside who does already. */
  watch(): void {
    const { endpoint, data } = this.nic;
    endpoint.watcher = both(endpoint.watcher, () => this.configured());
    for (const { rings, client } of [data.transmit, data.receive])
      rings.watcher = both(rings.watcher, (ring, ends) => this.ringChanged(ring, client, ends === 1));
  }

  private configured(): void {
    const { apertures: before, target } = this;
    const after = aperturesOf(this.nic.endpoint.functions);
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    const bytes = encodeChange({ before, after });
    target.record(this.clock.now, LogKind.CONFIGURATION, 0, bytes.length, 0);
    target.data(bytes, 0, bytes.length);
    this.apertures = after;
  }

  private ringChanged(ring: Ring, client: number, ends: boolean): void {
    // A reset of the card stops all of its rings, of which most have never run.
    if (ends && ring.enabled + ring.tail + ring.fetchIndex === 0) return;
    const kind = ends ? LogKind.RING_STOPPED : LogKind.RING_STARTED;
    this.target.record(this.clock.now, kind, ...packRing(recordOf(ring, client)));
  }
}

/** The rings of a card that run now. */
export function ringsOf({ data }: Nic): RingRecord[] {
  return [data.transmit, data.receive].flatMap(({ rings, client }) =>
    rings.all.filter(({ enabled }) => enabled === 1).map((ring) => recordOf(ring, client)),
  );
}

function recordOf({ queue, size, base }: Ring, client: number): RingRecord {
  return { queue, client, size, base };
}

function both<A extends unknown[]>(
  first: ((...args: A) => void) | null,
  second: (...args: A) => void,
): (...args: A) => void {
  if (first === null) return second;
  return (...args) => {
    first(...args);
    second(...args);
  };
}

/** The ranges of memory addresses that registers of functions and of their VFs answer to now. */
export function aperturesOf(functions: readonly PcieFunction[]): LogAperture[] {
  return functions.flatMap((fn) => [...ownApertures(fn), ...vfApertures(fn)]);
}

function ownApertures(fn: PcieFunction): LogAperture[] {
  const { routingId, memoryEnabled: enabled } = fn;
  return fn.bars
    .filter(({ kind }) => kind !== 'io')
    .map(({ index, bytes }) => ({
      routingId,
      stride: 0,
      count: 1,
      virtual: false,
      bar: index,
      enabled,
      base: enabled ? fn.barBase(index) : 0,
      bytes,
    }));
}

function vfApertures({ sriov }: PcieFunction): LogAperture[] {
  if (sriov === null || sriov.count === 0) return [];
  const { count, memoryEnabled: enabled } = sriov;
  const first = sriov.routingIdOf(0);
  const stride = count > 1 ? (sriov.routingIdOf(1) - first) & 0xffff : 0;
  return sriov.vfBars.map(({ index }) => ({
    routingId: first,
    stride,
    count,
    virtual: true,
    bar: index,
    enabled,
    base: enabled ? sriov.vfBarBase(index, 0) : 0,
    bytes: sriov.vfBarBytes(index),
  }));
}

import { checkInteger, checkKeys } from '../base/index.ts';
import { PRIORITIES } from '../wire/index.ts';

/**
 * How priorities are shared out to traffic classes, by the number of classes less one and by priority: what IEEE
 * 802.1Q recommends (8.6.6, table 8-5). Priority 1 (background) is below 0 (best effort).
 */
const RECOMMENDED: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 1, 1, 1, 1],
  [0, 0, 0, 0, 1, 1, 2, 2],
  [0, 0, 1, 1, 2, 2, 3, 3],
  [0, 0, 1, 1, 2, 2, 3, 4],
  [1, 0, 2, 2, 3, 3, 4, 5],
  [1, 0, 2, 3, 4, 4, 5, 6],
  [1, 0, 2, 3, 4, 5, 6, 7],
];

/**
 * Traffic class of each priority, 0 to 7, where there are `classes` of them: the recommendation of IEEE 802.1Q (8.6.6,
 * table 8-5).
 *
 * @throws TypeError or RangeError unless `classes` is 1 to 8.
 * @example
 * recommendedTrafficClasses(2); // [0, 0, 0, 0, 1, 1, 1, 1]
 */
export function recommendedTrafficClasses(classes: number): number[] {
  return [...RECOMMENDED[checkInteger('classes', classes, 1, PRIORITIES) - 1]];
}

/** What a port makes of priorities; see {@link TagConfiguration.setPriorities}. */
export interface PortPriorities {
  /** Of frames that have no tag, 0 to 7; null for that of the port VLAN, 0 without one. */
  readonly defaultPriority?: number | null;
  /** Priority Regeneration Table: for each of the eight priorities of received frames the one that they get. */
  readonly regeneration?: readonly number[];
  /** Traffic class, 0 to 7, of each of the eight priorities. */
  readonly trafficClasses?: readonly number[];
}

const IDENTITY = Object.freeze([0, 1, 2, 3, 4, 5, 6, 7]);

const PORT_PRIORITIES = { defaultPriority: true, regeneration: true, trafficClasses: true } as const;

/** Priorities by port (IEEE 802.1Q, 6.9.4 and 8.6.6). */
export class PriorityTable {
  /** Priority of untagged frames from each port that has no port VLAN. */
  readonly untagged: Int32Array;
  /** -1: that of the port VLAN. */
  private readonly defaults: Int8Array;
  private readonly regenerated: Uint8Array;
  private readonly classes: Uint8Array;
  /** 1 where the regeneration table is not the identity. */
  private readonly changes: Uint8Array;

  constructor(ports: number) {
    this.untagged = new Int32Array(ports);
    this.defaults = new Int8Array(ports);
    this.regenerated = new Uint8Array(ports * PRIORITIES);
    this.classes = new Uint8Array(ports * PRIORITIES);
    this.changes = new Uint8Array(ports);
    for (let port = 0; port < ports; port++) this.reset(port);
  }

  /** Priorities stay as they are, each is its own class. */
  reset(port: number): void {
    this.write(port, { defaultPriority: null, regeneration: IDENTITY, trafficClasses: IDENTITY });
  }

  /** What is not given stays. */
  write(port: number, priorities: PortPriorities): void {
    const { defaultPriority, regeneration, trafficClasses } = checkKeys<PortPriorities>(
      'priorities',
      priorities,
      PORT_PRIORITIES,
    );
    if (defaultPriority !== undefined) checkDefault(defaultPriority);
    if (regeneration !== undefined) checkEight('regeneration', regeneration);
    if (trafficClasses !== undefined) checkEight('trafficClasses', trafficClasses);
    if (defaultPriority !== undefined) this.defaults[port] = defaultPriority ?? -1;
    if (regeneration !== undefined) {
      this.regenerated.set(regeneration, port * PRIORITIES);
      this.changes[port] = regeneration.some((to, from) => to !== from) ? 1 : 0;
    }
    this.untagged[port] = this.ofUntagged(port, -1);
    if (trafficClasses !== undefined) this.classes.set(trafficClasses, port * PRIORITIES);
  }

  /** Whether `port` changes the priority of any frame that has one. */
  regenerates(port: number): boolean {
    return this.changes[port] !== 0;
  }

  /** Priority that a frame gets which came in at `port` with `priority`. */
  regenerate(port: number, priority: number): number {
    return this.regenerated[port * PRIORITIES + priority];
  }

  /** A TCI with the priority regenerated. */
  regenerateTci(port: number, tci: number): number {
    return (tci & 0x1fff) | (this.regenerate(port, tci >>> 13) << 13);
  }

  /** Priority of untagged frames that came in at `port`; `portTag` is the TCI of its port VLAN, below 0 for none. */
  ofUntagged(port: number, portTag: number): number {
    const own = this.defaults[port];
    if (own >= 0) return this.regenerate(port, own);
    return this.regenerate(port, portTag < 0 ? 0 : (portTag >>> 13) & 7);
  }

  /** Traffic class that frames of `priority` have in the queues to `port`. */
  classOf(port: number, priority: number): number {
    return this.classes[port * PRIORITIES + priority];
  }
}

function checkDefault(priority: number | null): void {
  if (priority !== null) checkInteger('defaultPriority', priority, 0, PRIORITIES - 1);
}

function checkEight(name: string, table: readonly number[]): void {
  if (!Array.isArray(table) || table.length !== PRIORITIES) {
    throw new TypeError(`${name} must be a list of ${PRIORITIES} numbers, one for each priority`);
  }
  table.forEach((value, i) => {
    checkInteger(`${name}[${i}]`, value, 0, PRIORITIES - 1);
  });
}

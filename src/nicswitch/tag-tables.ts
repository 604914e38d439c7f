import { PriorityTable } from './priority-table.ts';
import {
  TAG_INSERT,
  TAG_INSERT_OUTER,
  TAG_INSERT_VIRTUAL,
  TAG_STRIP,
  TAG_STRIP_OUTER,
  TAG_STRIP_VIRTUAL,
} from './target.ts';
import { VirtualAccess } from './virtual-access.ts';

/** No service VLAN. */
export const NO_SERVICE = -1;

/** What the switch knows of tags beyond the one 802.1Q tag of a frame. Written by TagConfiguration only. */
export class TagTables {
  /** EtherType of outer VLAN tags; -1 while the switch reads one VLAN tag only. */
  outerType = -1;
  /** Of two VLAN tags the inner one is filtered by. */
  filtersInner = false;
  /** TCI that each port puts around frames and takes off, or -1 for none. */
  readonly services: Int32Array;
  readonly priorities: PriorityTable;
  readonly virtual: VirtualAccess;
  private readonly uplink: number;

  constructor(ports: number, setWords: number) {
    this.uplink = ports - 1;
    this.services = new Int32Array(ports).fill(NO_SERVICE);
    this.priorities = new PriorityTable(ports);
    this.virtual = new VirtualAccess(ports - 1, setWords);
  }

  /** Everything but what VPorts have of their own as after construction. */
  clear(): void {
    this.outerType = -1;
    this.filtersInner = false;
    this.priorities.reset(this.uplink);
    this.virtual.setKind(null);
  }

  /** Takes from a VPort what it has of its own. */
  resetVPort(vport: number): void {
    this.services[vport] = NO_SERVICE;
    this.priorities.reset(vport);
    this.virtual.removePort(vport);
  }

  /** Tag operations that frames to `port` may be given; `strips`: it gets none of its (inner) VLAN. */
  egress(port: number, strips: boolean): number {
    const inner = strips ? TAG_STRIP : TAG_INSERT;
    const outer = this.services[port] === NO_SERVICE ? TAG_INSERT_OUTER : TAG_STRIP_OUTER;
    return inner | outer | (port === this.uplink ? TAG_INSERT_VIRTUAL : TAG_STRIP_VIRTUAL);
  }

  /** The TCI of a port VLAN with the priority of untagged frames. */
  portTag(port: number, tci: number): number {
    return (tci & 0x1fff) | (this.priorities.ofUntagged(port, tci) << 13);
  }

  /** Whether what frames from `port` carry must be looked at more closely than the tables of the direct way do. */
  isIntricate(port: number): boolean {
    return this.outerType >= 0 || this.priorities.regenerates(port);
  }
}

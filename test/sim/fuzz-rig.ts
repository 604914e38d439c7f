import type { DeviceHandle, DmaRegion } from '../../src/host/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { PcieFunction, RootPort, Tlp } from '../../src/pcie/index.ts';
import type { GuestOptions, RunningMachine } from '../../src/sim/index.ts';
import type { Machine } from '../../src/sim/machine.ts';

const PAGE_BYTES = 4096;
const PATTERN_BYTES = 256 * 1024;
/** Interrupt messages are no memory. */
const MESSAGES = [0xfee0_0000, 0xfef0_0000] as const;

/** Every request of the card's that memory has done, held against what its function may reach. */
export class DmaWatch {
  /** What was done where it must not be. */
  readonly strays: string[] = [];
  /** Bytes written and read, by Routing ID. */
  readonly written = new Map<number, number>();
  readonly read = new Map<number, number>();
  /** Physical pages of a function's memory, by Routing ID. */
  private readonly pages = new Map<number, ReadonlySet<number>>();

  constructor(rootPort: RootPort) {
    // Both are where an address is physical and its bytes move.
    const { commit, answer } = rootPort as unknown as Record<'commit' | 'answer', (...args: never[]) => void>;
    const watched = {
      commit: (tlp: Tlp) => {
        this.note(this.written, tlp, 'writes');
        commit.call(rootPort, tlp as never);
      },
      answer: (tlp: Tlp, status: number) => {
        this.note(this.read, tlp, 'reads');
        answer.call(rootPort, tlp as never, status as never);
      },
    };
    Object.assign(rootPort, watched);
  }

  allow(routingId: number, pages: ReadonlySet<number>): void {
    this.pages.set(routingId, pages);
  }

  private note(counts: Map<number, number>, { requester, address, bytes }: Tlp, what: string): void {
    // Memory stands behind neither: the request is refused.
    if (address < 0 || (address >= MESSAGES[0] && address < MESSAGES[1])) return;
    counts.set(requester, (counts.get(requester) ?? 0) + bytes);
    const first = Math.floor(address / PAGE_BYTES);
    const last = Math.floor((address + bytes - 1) / PAGE_BYTES);
    const pages = this.pages.get(requester);
    for (let page = first; page <= last; page++) {
      if (pages?.has(page) !== true && this.strays.length < 10)
        this.strays.push(`${requester.toString(16)} ${what} 0x${address.toString(16)}`);
    }
  }
}

/** A machine of which one function is fuzzed, with patterns where nobody has anything to do. */
export class FuzzedMachine {
  static readonly GUESTS: readonly GuestOptions[] = [
    { name: 'fuzzed', driver: 'poll' },
    { name: 'beside', driver: 'poll' },
    { name: 'other', driver: 'interrupt' },
    { name: 'idle', vfs: 0 },
  ];
  readonly running: RunningMachine;
  readonly machine: Machine;
  readonly watch: DmaWatch;
  /** Memory of the guest that has the fuzzed function. */
  readonly region: DmaRegion;
  private readonly patterns: { readonly owner: string; readonly region: DmaRegion }[] = [];

  constructor(running: RunningMachine) {
    running.host.sysfs.write('0000:01:00.0/sriov_numvfs', '3');
    this.running = running;
    this.machine = running.simulation.machine;
    const { guests, vfDrivers, nic, rootPort, pfDriver } = this.machine;
    this.watch = new DmaWatch(rootPort);
    // A guest has the VF of its number, but for the last one, which has none.
    guests.forEach((guest, vf) => {
      const physical = guest.space['physicalPages'];
      const pages = new Set<number>();
      for (let at = 0; at < guest.space.end; at += PAGE_BYTES) pages.add(physical(at) / PAGE_BYTES);
      if (vf < 3) this.watch.allow(this.vf(vf).routingId, pages);
      if (vf === 0) this.watch.allow(nic.pf.routingId, pages);
      else this.fill(guest.name, guest.space.allocate(PATTERN_BYTES));
    });
    this.fill('host', (pfDriver['handle'] as DeviceHandle).allocateDma(PATTERN_BYTES));
    vfDrivers.get(0)?.stop();
    // The PF's own interface is of no use here: whatever the PF does, it does as a function of the guest's.
    pfDriver.stop();
    this.machine.hypervisor.assign(guests[0], nic.pf.routingId);
    this.region = guests[0].space.allocate(2 ** 20);
    // As drivers of PFs do: a VF that takes nothing must not block the others.
    for (let queue = 0; queue < 128; queue++) this.writePf(0x2f04, (1 << 16) | (queue << 8) | 1);
  }

  get nowPs(): number {
    return this.machine.scheduler.now;
  }

  vf(index: number): PcieFunction {
    const { sriov } = this.machine.nic.pf;
    if (sriov === null) throw new Error('no SR-IOV');
    return sriov.vf(index);
  }

  writePf(offset: number, value: number): void {
    const { pf } = this.machine.nic;
    this.machine.nic.memoryWrite(pf.barBase(0) + offset, value >>> 0, 15);
  }

  /** The guest beside sends to the port and gets from there, for ever. */
  startTraffic(): void {
    const { guests, port } = this.running;
    guests[1].traffic.send({ to: 'port', frameBytes: 300, ratePps: 3e5 });
    port.traffic.send({ to: guests[1].vf(0).mac, frameBytes: 600, ratePps: 3e5 });
    port.traffic.send({ to: guests[0].vf(0).mac, frameBytes: 200, ratePps: 2e5 });
    guests[2].traffic.send({ to: guests[0].vf(0).mac, frameBytes: 1518, ratePps: 1e5 });
  }

  /** Lets time pass. */
  wait(ps: number): void {
    this.machine.scheduler.runUntil(this.nowPs + ps);
  }

  /** Until what is under way has landed. */
  settle(): void {
    this.wait(300 * MICROSECOND);
  }

  lostByNeighbours(): { toPort: number; fromPort: number } {
    const [toPort, fromPort] = this.running.simulation['flowRecords'];
    // A flow of which nothing came would have lost nothing.
    if (toPort.measuredDelivered * fromPort.measuredDelivered === 0) throw new Error('no traffic beside');
    return { toPort: toPort.lost, fromPort: fromPort.lost };
  }

  /** Whose patterns are not what they were. */
  changedPatterns(): string[] {
    return this.patterns
      .filter(({ region }) => {
        for (let word = 0; word < PATTERN_BYTES / 4; word++)
          if (region.read(word) !== patternAt(word)) return true;
        return false;
      })
      .map(({ owner }) => owner);
  }

  private fill(owner: string, region: DmaRegion): void {
    for (let word = 0; word < PATTERN_BYTES / 4; word++) region.write(word, patternAt(word));
    this.patterns.push({ owner, region });
  }
}

function patternAt(word: number): number {
  return Math.imul(word + 1, 0x9e37_79b1);
}

import { ProbeKind } from '../../kernel/index.ts';
import { receiveQueueAt, transmitQueueAt, vfReceiveQueueAt, vfTransmitQueueAt } from '../../nic/index.ts';
import { formatRoutingId } from '../../pcie/index.ts';
import {
  type BinaryLog,
  LogConfigurations,
  LogError,
  LogKind,
  type LogRecord,
  type LogStore,
  unpackRing,
} from '../../trace/index.ts';
import type { ResolvedScenario } from '../scenario-resolved.ts';
import { RECEIVE_REGISTERS, registerNames, TRANSMIT_REGISTERS } from './register-names.ts';

/** The PF among functions as a card counts them; VF i is 1 + i. */
export const PF = 0;

/** A register of a queue. */
export interface QueueRegister {
  /** Queue of the card. */
  readonly queue: number;
  readonly transmit: boolean;
  /** Offset within the queue's 64 bytes. */
  readonly register: number;
}

/** What the numbers in a log stand for, at the record that was taken last. */
export class LogNames {
  readonly scenario: ResolvedScenario;
  readonly store: LogStore;
  readonly log: BinaryLog;
  private readonly configurations: LogConfigurations;
  /** Which of the configurations holds. */
  private configuration = 0;
  /** VPort of the PF: where its driver has set up rings last. */
  private pfPort: number;
  private readonly registers = { pf: registerNames('PF'), vf: registerNames('VF') };

  /** @throws LogError for a log that says nothing of a card. */
  constructor(log: BinaryLog) {
    const { store, scenario } = log.header;
    if (store === null) throw new LogError('says nothing of a card: there is no such view to be had from it');
    this.log = log;
    this.store = store;
    this.scenario = scenario as ResolvedScenario;
    this.configurations = new LogConfigurations(log);
    const { vfs } = this.configurations.all[0];
    this.pfPort = this.isFromPowerOn || vfs === 0 ? this.scenario.nic.vfs : vfs;
  }

  /** Takes the next record of a log. */
  add({ kind, a, b, c }: LogRecord): void {
    if (kind === LogKind.CONFIGURATION) this.configuration++;
    else if (kind === LogKind.RING_STARTED) {
      const pool = this.poolOf(unpackRing(a, b, c).queue);
      if (pool >= this.vfs) this.pfPort = pool;
    }
  }

  /** Whether records say when rings begin and end: older logs only have what software writes. */
  get hasRings(): boolean {
    return this.log.header.kinds?.['RING_STARTED'] !== undefined;
  }

  /** Whether nothing has happened before its first record. */
  get isFromPowerOn(): boolean {
    return this.log.lost === 0 && (this.log.header.startPs ?? 0) === 0;
  }

  /**
   * Whether all is known that software has done to rings: older logs do not say whose register it is that is written, if the
   * function was not there, or elsewhere, at the end of the run.
   */
  get knowsRings(): boolean {
    if (!this.isFromPowerOn || this.hasRings) return this.isFromPowerOn;
    for (const { a } of this.log.recordsOf(ProbeKind.REGISTER_WRITE))
      if (this.functionOf(a & 0xffff) < 0) return false;
    return true;
  }

  /** The VPort behind those of all VFs and the PF: the wire. */
  get uplink(): number {
    return this.store.pools;
  }

  /** Queues of the card. */
  get queues(): number {
    return this.store.pools * this.store.queuesPerPool;
  }

  /** The function with this Routing ID: {@link PF}, 1 + i for VF i, or -1 if there is none now. */
  functionOf(routingId: number): number {
    const functions = this.configurations.all[this.configuration];
    const vf = functions.vfOf(routingId);
    if (vf >= 0) return 1 + vf;
    return functions.isPhysical(routingId) ? PF : -1;
  }

  /** A function as its endpoint is called in reports. */
  functionName(fn: number): string {
    return fn === PF ? 'host' : this.vfName(fn - 1);
  }

  /** A VPort, as captures call it. */
  portName(port: number): string {
    if (port === this.uplink) return 'port';
    return this.isPfs(port) ? 'host' : this.vfName(port);
  }

  /** Function whose queue it is. */
  functionOfQueue(queue: number): number {
    const pool = this.poolOf(queue);
    return this.isPfs(pool) ? PF : pool + 1;
  }

  /** VPort that a queue belongs to. */
  poolOf(queue: number): number {
    return Math.floor(queue / this.store.queuesPerPool);
  }

  /** A queue within its VPort. */
  queueInPool(queue: number): number {
    return queue % this.store.queuesPerPool;
  }

  /** Why a frame was dropped, by the number in its record. */
  dropReason(reason: number): string {
    return this.log.header.dropReasons[reason] ?? `reason ${reason}`;
  }

  /** Guest that has a function, or null for the host's own. */
  guestOf(fn: number): string | null {
    const guest = fn === PF ? null : (this.scenario.vfs[fn - 1]?.guest ?? null);
    return guest === null ? null : this.scenario.guests[guest].name;
  }

  /** The queue whose register an access has hit, or null. The operands are those of its record. */
  queueRegister(a: number, offset: number): QueueRegister | null {
    const fn = this.functionOf(a & 0xffff);
    if (a >>> 16 !== 0 || fn < 0) return null;
    const { queuesPerPool } = this.store;
    const own = fn === PF ? receiveQueueAt(offset) : vfReceiveQueueAt(offset);
    const sent = fn === PF ? transmitQueueAt(offset, this.queues) : vfTransmitQueueAt(offset);
    const found = own >= 0 ? own : sent;
    if (found < 0 || (fn !== PF && found >= queuesPerPool)) return null;
    const queue = fn === PF ? found : (fn - 1) * queuesPerPool + found;
    return { queue, transmit: own < 0, register: offset & 0x3c };
  }

  /** A queue's register as the data sheet calls it, without the queue. */
  queueRegisterName({ transmit, register }: QueueRegister): string {
    const name = (transmit ? TRANSMIT_REGISTERS : RECEIVE_REGISTERS)[register];
    return name ?? `${transmit ? 'transmit' : 'receive'} queue + 0x${register.toString(16)}`;
  }

  /** A register as the data sheet calls it, or its place. The operands are those of an access's record. */
  registerName(a: number, offset: number): string {
    const fn = this.functionOf(a & 0xffff);
    const bar = a >>> 16;
    const names = fn === PF ? this.registers.pf : this.registers.vf;
    const name = bar === 0 && fn >= 0 ? names.get(offset - (offset % 4)) : undefined;
    return name ?? `${formatRoutingId(a & 0xffff)} BAR ${bar} + 0x${offset.toString(16)}`;
  }

  private get vfs(): number {
    return this.configurations.all[this.configuration].vfs;
  }

  private isPfs(pool: number): boolean {
    return pool === this.pfPort && pool >= this.vfs;
  }

  private vfName(vf: number): string {
    return this.scenario.vfs[vf]?.name ?? `vf${vf}`;
  }
}

import { receiveQueueAt, transmitQueueAt, vfReceiveQueueAt, vfTransmitQueueAt } from '../../nic/index.ts';
import { formatRoutingId } from '../../pcie/index.ts';
import { type BinaryLog, LogError, type LogStore } from '../../trace/index.ts';
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

/** What the numbers in a log stand for. */
export class LogNames {
  readonly scenario: ResolvedScenario;
  readonly store: LogStore;
  private readonly log: BinaryLog;
  private readonly functions = new Map<number, number>();
  private readonly registers = { pf: registerNames('PF'), vf: registerNames('VF') };

  /** @throws LogError for a log that says nothing of a card. */
  constructor(log: BinaryLog) {
    const { store, scenario } = log.header;
    if (store === null) throw new LogError('says nothing of a card: there is no such view to be had from it');
    this.log = log;
    this.store = store;
    this.scenario = scenario as ResolvedScenario;
    for (const { routingId, stride, count, virtual } of log.trailer.apertures)
      for (let i = 0; i < count; i++) this.functions.set(routingId + i * stride, virtual ? 1 + i : PF);
  }

  /** Whether nothing has happened before its first record. */
  get isFromPowerOn(): boolean {
    return this.log.lost === 0 && (this.log.header.startPs ?? 0) === 0;
  }

  /** The VPort behind those of all VFs and the PF: the wire. */
  get uplink(): number {
    return this.store.pools;
  }

  /** Queues of the card. */
  get queues(): number {
    return this.store.pools * this.store.queuesPerPool;
  }

  /** The function with this Routing ID: {@link PF}, 1 + i for VF i, or -1 for none that was there at the end of the run. */
  functionOf(routingId: number): number {
    return this.functions.get(routingId) ?? -1;
  }

  /** A function as its endpoint is called in reports. */
  functionName(fn: number): string {
    return fn === PF ? 'host' : this.vfName(fn - 1);
  }

  /** A VPort, as captures call it. */
  portName(port: number): string {
    if (port === this.uplink) return 'port';
    return port === this.scenario.nic.vfs ? 'host' : this.vfName(port);
  }

  /** Function whose queue it is. */
  functionOfQueue(queue: number): number {
    const pool = this.poolOf(queue);
    return pool === this.scenario.nic.vfs ? PF : pool + 1;
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

  private vfName(vf: number): string {
    return this.scenario.vfs[vf]?.name ?? `vf${vf}`;
  }
}

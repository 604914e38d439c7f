import { checkBoolean, checkInteger, type PhysicalMemory, SparseMemory } from '../../base/index.ts';
import type { Component } from '../../kernel/index.ts';
import { compileTable, RegisterFile } from '../../registers/index.ts';
import type { Iommu } from '../iommu.ts';
import type { WalkClock } from '../walk-unit.ts';
import {
  CFI,
  F,
  FAULT_STATUS,
  FRI_SHIFT,
  ICE,
  IQE,
  IRE,
  ITE,
  IWC,
  PFO,
  PPF,
  pageOf,
  QIE,
  SIRTP,
  SRTP,
  TE,
} from './bits.ts';
import type { Capabilities } from './capabilities.ts';
import { type DeviceTlbs, OutstandingInvalidations } from './device-tlbs.ts';
import { EventMessage, type EventSink } from './event-message.ts';
import { type FaultListener, FaultRecording } from './fault-recording.ts';
import { type CommandTarget, GlobalCommands } from './global-commands.ts';
import type { Interrupt } from './interrupt-entry.ts';
import { InterruptRemapper, type InterruptSink } from './interrupt-remapper.ts';
import { DescriptorType, type QueueError } from './invalidation-descriptor.ts';
import { InvalidationQueue, type QueueListener } from './invalidation-queue.ts';
import { Invalidator } from './invalidator.ts';
import { RegisterInvalidation } from './register-invalidation.ts';
import { vtdRegisterTable } from './register-table.ts';

/** What a unit is made of. */
export interface VtdUnitOptions {
  /** What translates. The unit turns it off until software turns it on, and takes its fault log over. */
  readonly iommu: Iommu;
  /** Memory that holds the invalidation queue and what interrupts are remapped by. */
  readonly memory: PhysicalMemory;
  /** Without one, what is asked for is done at once. */
  readonly scheduler?: WalkClock;
  /** Takes the messages by which the unit tells of faults and invalidations. Default: they go nowhere. */
  readonly events?: EventSink;
  /** Takes the interrupts of {@link VtdUnit.sendInterrupt} that were let through. Default: they go nowhere. */
  readonly interrupts?: InterruptSink;
  /** Takes device-TLB invalidations, if the IOMMU has `deviceTlbs`. Default: no device holds anything. */
  readonly deviceTlbs?: DeviceTlbs;
  /** Time in which a device TLB has to answer, in ps. Default 1 ms, an estimate; needs a scheduler. */
  readonly deviceTlbTimeoutPs?: number;
  /** Time of an access to queue, table of interrupts or descriptor, in ps. Default: that of the IOMMU's walks. */
  readonly memoryAccessPs?: number;
  /** Entries of the interrupt remapping table that are cached, 1 to 65,536. Default 64, an estimate. */
  readonly interruptEntries?: number;
  /** PI: interrupts can be posted. Default true. */
  readonly postedInterrupts?: boolean;
  /** Component name, and beginning of the names of its tasks. Default `vtd`. */
  readonly name?: string;
  /** Time from a command to its status, and of an invalidation by registers, in ps. Default 100 ns, an estimate. */
  readonly commandPs?: number;
  /** MAMV, 0 to 40. Default 18, which is 1 GiB. */
  readonly maxAddressMask?: number;
  /** RWBF: software has to flush write buffers. Default false. */
  readonly writeBufferFlush?: boolean;
  /** EIM: interrupts can have destinations of 32 bits. Default true. */
  readonly extendedInterrupts?: boolean;
}

/** Counters of a {@link VtdUnit}. */
export interface VtdCounters {
  /** Commands of GCMD that were carried out. */
  readonly commands: number;
  /** Writes of GCMD that asked for more than one change, or for one before the last was done. Software does neither. */
  readonly commandsAtOnce: number;
  /** Invalidations by registers. */
  readonly registerInvalidations: number;
  /** Those that were ignored: not understood, or while one is under way, or while invalidations are queued. */
  readonly registerInvalidationsIgnored: number;
  /** Messages that told of faults. */
  readonly faultMessages: number;
  /** Messages that told of completed invalidations. */
  readonly invalidationMessages: number;
  /** Descriptors of the queue that were carried out, by type. */
  readonly queuedContext: number;
  readonly queuedIotlb: number;
  readonly queuedDeviceTlb: number;
  readonly queuedInterrupt: number;
  readonly queuedWaits: number;
  /** Times at which the queue stopped at something that cannot be carried out. */
  readonly queueErrors: number;
  /** Descriptors that were in the queue when it was switched off. */
  readonly queueDropped: number;
  /** Status writes of wait descriptors. */
  readonly statusWrites: number;
  /** Those to where no memory is. */
  readonly statusWritesLost: number;
  /** Requests for interrupts. */
  readonly interrupts: number;
  /** Those that found their entry cached. */
  readonly interruptHits: number;
  /** Those whose entry was read. */
  readonly interruptMisses: number;
  readonly interruptsRefused: number;
  /** Interrupts that became a bit of a posted-interrupt descriptor: `notifications` + `spared` + `suppressed`. */
  readonly posted: number;
  /** Posted interrupts that a processor was told of. */
  readonly notifications: number;
  /** Those of which no processor had to be told, because it has been told of others that it has not looked at. */
  readonly spared: number;
  /** Those of which none was told, because none wants to be (SN). */
  readonly suppressed: number;
}

/**
 * The registers of VT-d remapping hardware over an {@link Iommu}, as the driver of an operating system programs them
 * (Architecture Specification, 11). Offsets are from the unit's base. A 64-bit register is two words, of which the
 * upper one acts; {@link VtdUnit.write64} writes both.
 *
 * What software writes never throws: reserved bits are dropped, an invalidation that is not understood reports that
 * nothing was invalidated, and an offset without a register reads as zero.
 *
 * @example
 * const unit = new VtdUnit({ iommu: new Iommu({ memory }), memory });
 * unit.write64(0x20, roots.address, 0); // RTADDR
 * unit.write32(0x18, 1 << 30); // GCMD.SRTP: GSTS.RTPS follows
 * unit.write32(0x18, 1 << 31); // GCMD.TE
 * unit.read32(0x1c) >>> 30; // 3: TES and RTPS
 */
export class VtdUnit implements Component, CommandTarget, FaultListener, QueueListener {
  readonly name: string;
  readonly iommu: Iommu;
  /** What the registers hold. */
  readonly file: RegisterFile;
  /** The fault recording registers: the fault log of the IOMMU. */
  readonly faults: FaultRecording;

  private readonly commands: GlobalCommands;
  private readonly invalidations: RegisterInvalidation;
  private readonly outstanding: OutstandingInvalidations;
  private readonly queue: InvalidationQueue;
  private readonly remapper: InterruptRemapper;
  private readonly faultEvent: EventMessage;
  private readonly invalidationEvent: EventMessage;
  private readonly faultStatus: number;

  /** @throws TypeError or RangeError for an option that is out of range. */
  constructor(options: VtdUnitOptions) {
    const { iommu } = options;
    const name = options.name ?? 'vtd';
    const clock = options.scheduler ?? null;
    const commandPs = checkInteger('commandPs', options.commandPs ?? 100_000, 0, 1e12);
    const capabilities: Capabilities = {
      limits: iommu.limits,
      faultRecords: iommu.faultLog.capacity,
      maxAddressMask: checkInteger('maxAddressMask', options.maxAddressMask ?? 18, 0, 40),
      writeBufferFlush: checkBoolean('writeBufferFlush', options.writeBufferFlush ?? false),
      extendedInterrupts: checkBoolean('extendedInterrupts', options.extendedInterrupts ?? true),
      postedInterrupts: checkBoolean('postedInterrupts', options.postedInterrupts ?? true),
    };
    const { memory } = options;
    const { deviceTlbs } = iommu.limits;
    const ownLimit = memory instanceof SparseMemory ? memory.limit : 2 ** 52;
    const memoryLimit = Math.min(iommu.limits.memoryLimit, ownLimit);
    const accessPs = checkInteger(
      'memoryAccessPs',
      options.memoryAccessPs ?? iommu.profile.memoryAccessPs,
      0,
      1e9,
    );
    const timeoutPs = checkInteger('deviceTlbTimeoutPs', options.deviceTlbTimeoutPs ?? 1e9, 1, 1e13);
    const file = new RegisterFile(compileTable(vtdRegisterTable(capabilities)));
    const sink = options.events ?? nowhere;
    this.name = name;
    this.iommu = iommu;
    this.file = file;
    this.faults = new FaultRecording(file, capabilities.faultRecords, this);
    this.commands = new GlobalCommands(
      file,
      this,
      clock,
      `${name}.command`,
      commandPs,
      capabilities.writeBufferFlush,
    );
    this.remapper = new InterruptRemapper(
      memory,
      memoryLimit,
      checkInteger('interruptEntries', options.interruptEntries ?? 64, 1, 65536),
      capabilities.postedInterrupts,
      (sourceId, index, reason) => this.faults.recordInterrupt(sourceId, index, reason),
      options.interrupts ?? nowhere,
      clock,
      name,
      accessPs,
    );
    const invalidator = new Invalidator(iommu, this.remapper, capabilities.maxAddressMask);
    this.outstanding = new OutstandingInvalidations(
      options.deviceTlbs ?? null,
      deviceTlbs,
      clock,
      `${name}.timeout`,
      timeoutPs,
      (sourceId) => this.deviceTlbTimedOut(sourceId),
    );
    this.queue = new InvalidationQueue(
      file,
      memory,
      memoryLimit,
      invalidator,
      this.outstanding,
      this,
      clock,
      name,
      accessPs,
    );
    this.invalidations = new RegisterInvalidation(file, invalidator, clock, name, commandPs);
    this.faultEvent = new EventMessage(file, 'FE', sink);
    this.invalidationEvent = new EventMessage(file, 'IE', sink);
    this.faultStatus = file.slot('FSTS_REG');
    file.onWrite('FSTS_REG', (_, stored) => this.faultStatusWritten(stored));
    file.onWrite('FRCD_REG_3', () => this.recordWritten());
    file.onWrite('ICS_REG', (_, stored) => {
      if ((stored & IWC) === 0) this.invalidationEvent.serviced();
    });
    this.reset();
  }

  /** Reads a register, as software does. Unsigned. */
  read32(offset: number): number {
    return this.file.read32(offset);
  }

  /** Writes a register, as software does. `byteEnables`: bit i for byte i; default all four. */
  write32(offset: number, value: number, byteEnables = 15): void {
    this.file.write32(offset, value, byteEnables);
  }

  /** Writes both halves of a 64-bit register. */
  write64(offset: number, low: number, high: number): void {
    this.file.write32(offset, low);
    this.file.write32(offset + 4, high);
  }

  /**
   * An interrupt request of a function: a write of `data` to `address`, 0xFEE0_0000 to 0xFEEF_FFFF. The sink gets what
   * is let through, when the entry has been read.
   *
   * @throws RangeError for another address, or a Routing ID of more than 16 bits.
   */
  sendInterrupt(sourceId: number, address: number, data: number): void {
    this.remapper.send(sourceId, address, data);
  }

  /** As {@link VtdUnit.sendInterrupt}, at once: the interrupt, or null if no processor gets one. */
  remapInterrupt(sourceId: number, address: number, data: number): Interrupt | null {
    return this.remapper.remap(sourceId, address, data);
  }

  /** A function's device TLB has carried an invalidation out: `tag` is the one that came with it. */
  deviceTlbAnswered(sourceId: number, tag: number): void {
    if (this.outstanding.answer(sourceId, tag)) {
      this.queue.answered();
      return;
    }
    this.recordQueueError('IQERCD_REG_HI', (sourceId & 0xffff) << 16, 0xffff_0000);
    this.raise(ICE);
  }

  /** As after power-on, the IOMMU too: nothing is translated until software asks for it. */
  reset(): void {
    this.file.reset();
    this.commands.reset();
    this.invalidations.reset();
    this.queue.reset();
    this.remapper.reset();
    this.faultEvent.sent = 0;
    this.invalidationEvent.sent = 0;
    this.iommu.faultLog = this.faults;
    this.iommu.reset();
    this.iommu.rootTable = 0;
    this.iommu.enabled = false;
  }

  counters(): VtdCounters & Readonly<Record<string, number>> {
    const { queue, remapper } = this;
    const { posted } = remapper;
    return {
      commands: this.commands.done,
      commandsAtOnce: this.commands.atOnce,
      registerInvalidations: this.invalidations.done,
      registerInvalidationsIgnored: this.invalidations.ignored,
      faultMessages: this.faultEvent.sent,
      invalidationMessages: this.invalidationEvent.sent,
      queuedContext: queue.done[DescriptorType.CONTEXT_CACHE],
      queuedIotlb: queue.done[DescriptorType.IOTLB],
      queuedDeviceTlb: queue.done[DescriptorType.DEVICE_TLB],
      queuedInterrupt: queue.done[DescriptorType.INTERRUPT_ENTRIES],
      queuedWaits: queue.done[DescriptorType.WAIT],
      queueErrors: queue.errors,
      queueDropped: queue.dropped,
      statusWrites: queue.statusWrites,
      statusWritesLost: queue.statusWritesLost,
      interrupts: remapper.requests,
      interruptHits: remapper.hits,
      interruptMisses: remapper.misses,
      interruptsRefused: remapper.refused,
      posted: posted.posted,
      notifications: posted.notifications,
      spared: posted.spared,
      suppressed: posted.suppressed,
    };
  }

  /** @internal */
  command(command: number, on: boolean): void {
    const { file, iommu } = this;
    if (command === SRTP) iommu.rootTable = pageOf(file.get('RTADDR_REG'), file.get('RTADDR_REG_HI'));
    else if (command === TE) iommu.enabled = on;
    else if (command === QIE) this.queue.enable(on);
    else if (command === SIRTP) this.remapper.setTable(file.get('IRTA_REG'), file.get('IRTA_REG_HI'));
    else if (command === IRE) this.remapper.isEnabled = on;
    else if (command === CFI) this.remapper.passesCompatibility = on;
    // With neither requests nor interrupts remapped, records begin with the first one again (7.3.1).
    const others = command === TE ? IRE : command === IRE ? TE : 0;
    if (!on && others !== 0 && (file.get('GSTS_REG') & others) === 0) this.faults.rewind();
  }

  /** @internal */
  faultRecorded(index: number): void {
    const { values } = this.file;
    const at = this.faultStatus;
    if ((values[at] & PPF) === 0) values[at] = (values[at] & ~(0xff << FRI_SHIFT)) | (index << FRI_SHIFT);
    this.raise(PPF);
  }

  /** @internal */
  faultLost(): void {
    this.raise(PFO);
  }

  /** @internal */
  queueFailed(reason: QueueError): void {
    this.recordQueueError('IQERCD_REG', reason, 0xf);
    this.raise(IQE);
  }

  /** @internal */
  waitCompleted(): void {
    const isNew = (this.file.get('ICS_REG') & IWC) === 0;
    this.file.set('ICS_REG', IWC);
    if (isNew) this.invalidationEvent.raise();
  }

  private deviceTlbTimedOut(sourceId: number): void {
    this.recordQueueError('IQERCD_REG_HI', sourceId, 0xffff);
    this.raise(ITE);
    this.queue.abort();
  }

  private recordQueueError(register: string, value: number, mask: number): void {
    this.file.set(register, (this.file.get(register) & ~mask) | value);
  }

  /** Sets a bit of FSTS. It is news only if software has nothing else to see to (11.4.10, IP). */
  private raise(status: number): void {
    const { values } = this.file;
    const isNew = (values[this.faultStatus] & FAULT_STATUS) === 0;
    values[this.faultStatus] |= status;
    if (isNew) this.faultEvent.raise();
  }

  private faultStatusWritten(stored: number): void {
    this.faults.overflow = (stored & PFO) !== 0;
    if ((stored & IQE) === 0) this.recordQueueError('IQERCD_REG', 0, 0xf);
    if ((stored & FAULT_STATUS) === 0) this.faultEvent.serviced();
    this.queue.resume();
  }

  private recordWritten(): void {
    const { values } = this.file;
    const at = this.faultStatus;
    const { capacity } = this.faults;
    const first = this.file.slot('FRCD_REG_3');
    for (let index = 0; index < capacity; index++) if ((values[first + index] & F) !== 0) return;
    values[at] &= ~PPF;
    this.faultStatusWritten(values[at]);
  }
}

function nowhere(): void {}

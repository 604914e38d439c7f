import { checkBoolean, checkInteger } from '../../base/index.ts';
import type { Component } from '../../kernel/index.ts';
import { compileTable, RegisterFile } from '../../registers/index.ts';
import type { Iommu } from '../iommu.ts';
import type { WalkClock } from '../walk-unit.ts';
import { F, FAULT_STATUS, FRI_SHIFT, IRE, PFO, PPF, pageOf, SRTP, TE } from './bits.ts';
import type { Capabilities } from './capabilities.ts';
import { EventMessage, type EventSink } from './event-message.ts';
import { type FaultListener, FaultRecording } from './fault-recording.ts';
import { type CommandTarget, GlobalCommands } from './global-commands.ts';
import { Invalidator } from './invalidator.ts';
import { RegisterInvalidation } from './register-invalidation.ts';
import { vtdRegisterTable } from './register-table.ts';

/** What a unit is made of. */
export interface VtdUnitOptions {
  /** What translates. The unit turns it off until software turns it on, and takes its fault log over. */
  readonly iommu: Iommu;
  /** Without one, what is asked for is done at once. */
  readonly scheduler?: WalkClock;
  /** Takes the messages by which the unit tells of faults and invalidations. Default: they go nowhere. */
  readonly events?: EventSink;
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
 * const unit = new VtdUnit({ iommu: new Iommu({ memory }) });
 * unit.write64(0x20, roots.address, 0); // RTADDR
 * unit.write32(0x18, 1 << 30); // GCMD.SRTP: GSTS.RTPS follows
 * unit.write32(0x18, 1 << 31); // GCMD.TE
 * unit.read32(0x1c) >>> 30; // 3: TES and RTPS
 */
export class VtdUnit implements Component, CommandTarget, FaultListener {
  readonly name: string;
  readonly iommu: Iommu;
  /** What the registers hold. */
  readonly file: RegisterFile;
  /** The fault recording registers: the fault log of the IOMMU. */
  readonly faults: FaultRecording;

  private readonly commands: GlobalCommands;
  private readonly invalidations: RegisterInvalidation;
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
    };
    const file = new RegisterFile(compileTable(vtdRegisterTable(capabilities)));
    const sink = options.events ?? nowhere;
    const invalidator = new Invalidator(iommu, capabilities.maxAddressMask);
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
    this.invalidations = new RegisterInvalidation(file, invalidator, clock, name, commandPs);
    this.faultEvent = new EventMessage(file, 'FE', sink);
    this.invalidationEvent = new EventMessage(file, 'IE', sink);
    this.faultStatus = file.slot('FSTS_REG');
    file.onWrite('FSTS_REG', (_, stored) => this.faultStatusWritten(stored));
    file.onWrite('FRCD_REG_3', () => this.recordWritten());
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

  /** As after power-on, the IOMMU too: nothing is translated until software asks for it. */
  reset(): void {
    this.file.reset();
    this.commands.reset();
    this.invalidations.reset();
    this.faultEvent.sent = 0;
    this.invalidationEvent.sent = 0;
    this.iommu.faultLog = this.faults;
    this.iommu.reset();
    this.iommu.rootTable = 0;
    this.iommu.enabled = false;
  }

  counters(): VtdCounters & Readonly<Record<string, number>> {
    return {
      commands: this.commands.done,
      commandsAtOnce: this.commands.atOnce,
      registerInvalidations: this.invalidations.done,
      registerInvalidationsIgnored: this.invalidations.ignored,
      faultMessages: this.faultEvent.sent,
      invalidationMessages: this.invalidationEvent.sent,
    };
  }

  /** @internal */
  command(command: number, on: boolean): void {
    const { file, iommu } = this;
    if (command === SRTP) iommu.rootTable = pageOf(file.get('RTADDR_REG'), file.get('RTADDR_REG_HI'));
    else if (command === TE) iommu.enabled = on;
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

  /** Sets a bit of FSTS. It is news only if software has nothing else to see to (11.4.10, IP). */
  private raise(status: number): void {
    const { values } = this.file;
    const isNew = (values[this.faultStatus] & FAULT_STATUS) === 0;
    values[this.faultStatus] |= status;
    if (isNew) this.faultEvent.raise();
  }

  private faultStatusWritten(stored: number): void {
    this.faults.overflow = (stored & PFO) !== 0;
    if ((stored & FAULT_STATUS) === 0) this.faultEvent.serviced();
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

const nowhere: EventSink = () => {};

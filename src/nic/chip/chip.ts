import type { Component, Scheduler } from '../../kernel/index.ts';
import type { PcieFunction } from '../../pcie/index.ts';
import { compileTable, RegisterFile, type RegisterTable } from '../../registers/index.ts';
import type { ExtendCard, ExtensibleCard, ExtensiblePlane } from '../card-extension.ts';
import { NicDrop, type NicDrops } from '../drops.ts';
import { queuesOfPools } from '../queue-modes.ts';
import { ChipInterrupts, PF_VECTORS, TCP_TIMER } from './chip-interrupts.ts';
import { CountingProbe } from './counting-probe.ts';
import { buildEeprom, type EepromContents, macOf } from './eeprom.ts';
import { EepromAccess } from './eeprom-access.ts';
import { FrameStatistics } from './frame-statistics.ts';
import { I2cMemory } from './i2c-memory.ts';
import { InterruptRegisters, ivarShift, vectorIn } from './interrupt-registers.ts';
import { Mdio, type PhyRegisters } from './mdio.ts';
import { PfFront } from './pf-front.ts';
import { isLinkUp, PortLink } from './port-link.ts';
import { QueueDrops } from './queue-drops.ts';
import { StatisticsRegisters } from './statistics-registers.ts';
import { TcpTimer } from './tcp-timer.ts';
import { UnknownRegisters } from './unknown-registers.ts';
import { VfFront } from './vf-front.ts';
import { WireChecks } from './wire-checks.ts';

/** What a chip has beyond the registers of a plain card. */
export interface ChipOptions {
  /** Registers of the PF, in front of the card's own, and the VFs'. */
  readonly registers: RegisterTable;
  readonly vfRegisters: RegisterTable;
  readonly eeprom: EepromContents;
  /** AUTOC and AUTOC2 as the EEPROM sets them: the kind of link. */
  readonly autoc: number;
  readonly autoc2: number;
  /** Memory of the SFP+ module; null without one. */
  readonly module: Uint8Array | null;
  /** Whether the link needs a module. */
  readonly hasCage: boolean;
  /** PHYs at the management interface, by address. */
  readonly phys: Readonly<Record<number, PhyRegisters>>;
  /** An access to a register that is not known throws. */
  readonly strict: boolean;
}

/** Bits of the registers that a reset is asked for with, and told by (82599 data sheet 8.2.3.1). */
const CTRL = 0x0;
const MASTER_DISABLE = 1 << 2;
const LRST = 1 << 3;
const RST = 1 << 26;
const STATUS_LINK_UP = 1 << 7;
const MASTER_ENABLE_STATUS = 1 << 19;
const DMAIDONE = 1 << 3;
const RDRXCTL = 0x2f00;
const STATUS = 0x8;
const RAL0 = 0xa200;
const RAH0 = 0xa204;
const RAH_AV = 1 << 31;
/** Pins of ESDP that are inputs unless bits 15:8 say otherwise; SDP2 is high while there is a module. */
const SDP_DIRECTION_SHIFT = 8;
const SDP_VALUES = 0xff;
const SDP_MODULE = 1 << 2;
/** I2CCTL. */
const I2C_CLK_IN = 1 << 0;
const I2C_CLK_OUT = 1 << 1;
const I2C_DATA_IN = 1 << 2;
const I2C_DATA_OUT = 1 << 3;
/** Where an SFP+ module answers (SFF-8472). */
const MODULE_DEVICE = 0xa0;
/** SECRXCTRL: the receive path is stopped; SECRXSTAT: it is empty. */
const RX_DIS = 1 << 1;
const SECRX_RDY = 1 << 0;
/** SWSM.SMBI: read as 0 it is the reader's. */
const SMBI = 1 << 0;
/** Bits of EICR: a frame found no room in the packet buffer, the link status has changed. */
const EICR_RX_MISS = 17;
const EICR_LSC = 20;

/** Registers that drivers know at an older place, too, beside those of `olderPlaceOf`: name there, and where the first one is, how far apart they are. */
const SECOND_PLACES: readonly (readonly [string, number, number])[] = [
  ['DCA_RXCTRL_LOW', 0x100c, 0x40],
  ['VT_CTL', 0x51b0, 0],
];

/** Registers that say how the queues are divided among pools and classes, where the card has them. */
const QUEUE_MODES: readonly (readonly [string, number])[] = [
  ['MTQC', 0x8120],
  ['MRQC', 0xec80],
];

/** Estimate: how long CTRL says that a reset is going on, and until the memories for DMA are initialised. */
const RESET_PS = 1_000_000;
const DMA_INIT_PS = 100_000_000;

/** Registers that only a reset of the bus, or power, brings back: semaphores, pins, and those of the bus interface. */
const KEPT = ['SWSM', 'SW_FW_SYNC', 'ESDP', 'LEDCTL', 'I2CCTL', 'GCR', 'GCR_EXT', 'MSCA', 'MSRWD'];

/**
 * The parts of a controller of the 82599's kind that a driver meets while it initialises one, and that frames do not: reset
 * and what survives it, EEPROM, semaphores, management interfaces, the link. It stands in front of the card's registers.
 */
export class Chip implements Component {
  readonly name: string;
  readonly file: RegisterFile;
  readonly link: PortLink;
  readonly eeprom: Uint16Array;
  readonly mdio: Mdio;
  readonly unknown: UnknownRegisters;
  readonly statistics: FrameStatistics;
  readonly vfs: readonly VfFront[];
  /** How the queues are divided: its `queuesPerPool`. */
  readonly division: { readonly queuesPerPool: number };
  readonly interrupts: ChipInterrupts;
  private readonly interruptRegisters: InterruptRegisters;
  /** Times that the card was reset by CTRL. */
  resets = 0;
  private readonly card: ExtensibleCard;
  private readonly scheduler: Scheduler;
  private readonly options: ChipOptions;
  private readonly access: EepromAccess;
  private readonly module: I2cMemory | null;
  private readonly counts: StatisticsRegisters;
  private readonly timer: TcpTimer;
  private resetPs = Number.NEGATIVE_INFINITY;
  /** With which bits of CTRL the last reset was asked for. */
  private resetBits = 0;

  constructor(card: ExtensibleCard, scheduler: Scheduler, options: ChipOptions) {
    this.name = `${card.name}.chip`;
    this.card = card;
    this.scheduler = scheduler;
    this.options = options;
    this.file = new RegisterFile(compileTable(options.registers));
    const { file, name } = this;
    this.eeprom = buildEeprom(options.eeprom);
    this.unknown = new UnknownRegisters(options.strict);
    this.access = new EepromAccess(scheduler, file, this.eeprom);
    this.module = options.module === null ? null : new I2cMemory(options.module, MODULE_DEVICE);
    this.mdio = new Mdio(scheduler, file, () => card.registers.file.get('HLREG0'), options.phys);
    const { profile, data, interrupts } = card;
    if (!(interrupts instanceof ChipInterrupts))
      throw new TypeError('profile.interrupts must be ChipInterrupts');
    this.interrupts = interrupts;
    interrupts.connect(card.pf, card.requester);
    const { registers } = card;
    registers.vectorOf = (queue, transmit) => {
      const vector = vectorIn(registers.file.get('IVAR', queue >> 1) >> ivarShift(queue, transmit));
      return vector < 0 ? -1 : PF_VECTORS + vector;
    };
    const { pools, queuesPerPool } = profile;
    this.division = data;
    // The wire is the port behind all pools.
    this.statistics = new FrameStatistics(data.frames, pools, pools, pools * queuesPerPool, data);
    const checks = new WireChecks(data.frames, card.registers.file, file, this.statistics);
    data.wireCheck = (slot) => checks.check(slot);
    if (card.probe instanceof CountingProbe) card.probe.counter = this.statistics;
    data.receive.sink = new QueueDrops(data.receive.sink, this.statistics.toQueues);
    this.counts = new StatisticsRegisters(file, this.statistics, (index) => missed(data, pools, index));
    const links = card.registers.file.get('LINKS') | 0;
    const hasMedium = !options.hasCage || options.module !== null;
    this.link = new PortLink(name, scheduler, file, links, hasMedium, () => interrupts.raise(0, EICR_LSC));
    this.timer = new TcpTimer(name, scheduler, file, () => interrupts.raise(0, TCP_TIMER));
    this.noteMissed(data.drops, pools);
    this.hookControl();
    this.hookPins();
    for (const [name, at, step] of SECOND_PLACES) {
      file.onRead(name, (index) => card.registers.read32(at + step * index, 4) | 0);
      file.onWrite(name, (index, _, written) => card.registers.write32(at + step * index, written, 15));
    }
    const vfTable = compileTable(options.vfRegisters);
    this.vfs = Array.from({ length: pools }, (_, vf) => new VfFront(vf, vfTable, this));
    this.interruptRegisters = new InterruptRegisters(file, card.registers, interrupts, this.vfs);
    this.attach();
    card.extensions.push(this);
    this.restore(true);
  }

  /** Time in ps. */
  get now(): number {
    return this.scheduler.now;
  }

  reset(): void {
    this.unknown.reset();
    this.resets = 0;
    this.restore(true);
  }

  counters(): Record<string, number> {
    const unknown = Object.entries(this.unknown.counters()).map(([at, count]) => [`unknown.${at}`, count]);
    return { resets: this.resets, ...Object.fromEntries(unknown) };
  }

  private attach(): void {
    const { pf, registers } = this.card;
    pf.attachBar(0, new PfFront(this.file, registers, this.unknown));
    const { events, sriov } = pf;
    events.on('reset', (fn) => {
      if (fn.isVirtual) this.vfs[fn.vfIndex].reset();
      else this.restore(true);
    });
    for (const event of ['busMaster', 'vfsEnabled', 'vfsDisabled'] as const)
      events.on(event, () => this.applyMaster());
    if (sriov === null || !('onVfCreated' in sriov)) return;
    const created = sriov.onVfCreated;
    sriov.onVfCreated = (vf: PcieFunction) => {
      created?.(vf);
      const front = this.vfs[vf.vfIndex];
      front.core = vf.bar(0);
      vf.attachBar(0, front);
    };
  }

  /** A frame from the wire that finds no room interrupts. */
  private noteMissed(drops: NicDrops, uplink: number): void {
    const { interrupts } = this;
    const count = drops.count.bind(drops);
    drops.count = (port, reason, frames) => {
      count(port, reason, frames);
      if (port === uplink && reason === NicDrop.BUFFER_FULL) interrupts.raise(0, EICR_RX_MISS);
    };
  }

  private hookControl(): void {
    const { file, card } = this;
    const core = card.registers;
    file.onWrite('CTRL', (_, stored) => {
      const kind = stored & (RST | LRST);
      if (kind !== 0) this.softwareReset(kind);
      else this.applyMaster();
    });
    file.onRead('CTRL', (_, stored) =>
      this.now < this.resetPs + RESET_PS ? stored | this.resetBits : stored,
    );
    file.onRead('STATUS', () => {
      const pending = !this.isBlocked || card.requester.counters()['tagsInUse'] > 0;
      const status = core.read32(STATUS, 4) & ~MASTER_ENABLE_STATUS;
      return status | (pending ? MASTER_ENABLE_STATUS : 0) | (isLinkUp(this.link.links) ? STATUS_LINK_UP : 0);
    });
    file.onWrite('RDRXCTL', (_, __, written) => core.write32(RDRXCTL, written, 15));
    file.onRead('RDRXCTL', () => {
      const isDone = this.now >= this.resetPs + DMA_INIT_PS;
      return (core.read32(RDRXCTL, 4) & ~DMAIDONE) | (isDone ? DMAIDONE : 0);
    });
    for (const [name, offset] of QUEUE_MODES) {
      file.onRead(name, () => core.read32(offset, 4) | 0);
      file.onWrite(name, (_, __, written) => {
        core.write32(offset, written, 15);
        this.divideQueues();
      });
    }
    file.onWrite('GCR_EXT', () => {
      this.divideQueues();
      this.interruptRegisters.apply();
    });
    file.onRead('SECRXSTAT', (_, stored) =>
      (file.get('SECRXCTRL') & RX_DIS) !== 0 ? stored | SECRX_RDY : stored,
    );
    file.onRead('SWSM', (_, stored) => {
      file.set('SWSM', stored | SMBI);
      return stored;
    });
  }

  private divideQueues(): void {
    const { file, card } = this;
    const { file: core } = card.registers;
    card.divideQueues(queuesOfPools(file.get('GCR_EXT'), core.get('MTQC'), core.get('MRQC')));
  }

  private hookPins(): void {
    const { file, module } = this;
    file.onRead('ESDP', (_, stored) => {
      const driven = (stored >> SDP_DIRECTION_SHIFT) & SDP_VALUES;
      const pins = module === null ? 0 : SDP_MODULE;
      return (stored & ~SDP_VALUES) | (stored & driven) | (pins & ~driven);
    });
    file.onWrite('I2CCTL', (_, stored) =>
      module?.drive((stored & I2C_CLK_OUT) !== 0 ? 1 : 0, (stored & I2C_DATA_OUT) !== 0 ? 1 : 0),
    );
    file.onRead('I2CCTL', (_, stored) => {
      const clock = (stored & I2C_CLK_OUT) !== 0 ? I2C_CLK_IN : 0;
      const isHigh = (stored & I2C_DATA_OUT) !== 0 && module?.level !== 0;
      return (stored & (I2C_CLK_OUT | I2C_DATA_OUT)) | clock | (isHigh ? I2C_DATA_IN : 0);
    });
  }

  private get isBlocked(): boolean {
    return (this.file.get('CTRL') & MASTER_DISABLE) !== 0;
  }

  /** The PF's queues send no new request while PCIe Master Disable is set (5.2.5.3.2). */
  private applyMaster(): void {
    const { pf, data } = this.card;
    const allowed = pf.busMaster && !this.isBlocked;
    for (const engine of [data.transmit, data.receive]) {
      for (const ring of engine.rings.all) {
        if (ring.routingId === pf.routingId && (ring.master === 1) !== allowed)
          engine.setMaster(ring.queue, allowed);
      }
    }
  }

  private softwareReset(bits: number): void {
    this.resets++;
    this.resetBits = bits;
    this.card.registers.write32(CTRL, RST, 15);
    this.restore(false, (bits & LRST) !== 0);
  }

  /** Registers as after a reset, and the address from the EEPROM; the link goes down if it is part of it. */
  private restore(ofBus: boolean, ofLink = ofBus): void {
    const { file, options, card } = this;
    const kept = ofBus ? [] : KEPT.map((name) => [name, file.get(name)] as const);
    const { autoc, autoc2 } = { autoc: file.get('AUTOC'), autoc2: file.get('AUTOC2') };
    file.reset();
    for (const [name, value] of kept) file.set(name, value);
    file.set('AUTOC', options.autoc);
    file.set('AUTOC2', options.autoc2);
    this.divideQueues();
    this.timer.reset();
    this.interruptRegisters.apply();
    this.statistics.reset();
    this.counts.reset();
    this.resetPs = this.now;
    this.access.reload();
    const mac = macOf(this.eeprom);
    card.registers.write32(RAL0, mac[0] | (mac[1] << 8) | (mac[2] << 16) | (mac[3] << 24), 15);
    card.registers.write32(RAH0, mac[4] | (mac[5] << 8) | RAH_AV, 15);
    this.applyMaster();
    // A reset by software keeps a link that has the settings of the EEPROM.
    const isChanged = autoc !== options.autoc >>> 0 || autoc2 !== options.autoc2 >>> 0;
    if (ofLink || isChanged) this.link.restart();
  }
}

/** Frames from the wire ever that found no room in the packet buffer of a class; without classes all are the first's. */
function missed({ classPath, drops }: ExtensiblePlane, uplink: number, index: number): number {
  if (classPath !== null) return classPath.classed.buffer.refusedBy[index] ?? 0;
  return index === 0 ? drops.byReason(uplink).packetBufferFull : 0;
}

/** Makes what a card with such a chip is extended by, for its profile. */
export function extendByChip(options: ChipOptions): ExtendCard {
  return (card, scheduler) => {
    new Chip(card, scheduler, options);
  };
}

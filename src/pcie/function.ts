import { EventEmitter } from 'eventemitter3';
import type * as typed from 'typed-emitter';
import { checkInteger } from '../base/index.ts';
import { type BarDefinition, type BarTarget, barAddress, ROM_BAR } from './bar.ts';
import type { Capability, CapabilityHost, FunctionContext } from './capabilities/capability.ts';
import { type ConfigLayout, capabilityOffset } from './config-layout.ts';
import { type ConfigOwner, ConfigSpace, type ResetKind } from './config-space.ts';
import {
  BAR0,
  COMMAND,
  COMMAND_BUS_MASTER,
  COMMAND_INTERRUPT_DISABLE,
  COMMAND_IO,
  COMMAND_MEMORY,
  type FunctionIdentity,
  ROM_ADDRESS,
} from './header.ts';
import { formatRoutingId, type RoutingId } from './routing-id.ts';

/** A function as a chip has it: frozen data. */
export interface FunctionProfile {
  /** What lists call it, as `Ethernet controller: ...`. */
  readonly title: string;
  readonly identity: FunctionIdentity;
  readonly bars: readonly BarDefinition[];
  /** Size of the expansion ROM in bytes, a power of two. Default 0, none. */
  readonly romBytes?: number;
  readonly capabilities: readonly Capability[];
}

/** Why a function was reset: a conventional reset, Initiate Function Level Reset, or the step from D3hot to D0. */
export type ResetCause = ResetKind | 'd3hot';

/** Low-rate events of a PF and its VFs; the first argument is the function that they are about. */
export type FunctionEvents = {
  /** Software wrote the dword of configuration space at `offset`; `before` and `after` are signed 32-bit. */
  configWrite: (fn: PcieFunction, offset: number, before: number, after: number) => void;
  /** Bus Master Enable took effect or ended, by Command or by the power state. */
  busMaster: (fn: PcieFunction, enabled: boolean) => void;
  /** MSI-X Enable or Function Mask changed. */
  msix: (fn: PcieFunction, enabled: boolean, masked: boolean) => void;
  /** The function was reset; its configuration space has been already. */
  reset: (fn: PcieFunction, cause: ResetCause) => void;
  /** A PF brought its VFs: they exist when this is called. */
  vfsEnabled: (fn: PcieFunction, count: number) => void;
  /** The VFs of a PF have vanished. */
  vfsDisabled: (fn: PcieFunction) => void;
};

/** Typed emitter of {@link FunctionEvents}. */
export type FunctionEmitter = typed.default<FunctionEvents>;

/**
 * The VFs of a PF, as the functions themselves and the device see them. {@link SriovControl} is what stands
 * behind it.
 */
export interface VirtualFunctions {
  /** VF Enable is set. */
  readonly enabled: boolean;
  /** VFs that exist. */
  readonly count: number;
  /** VF MSE is set, and the PF is in D0. */
  readonly memoryEnabled: boolean;
  readonly totalVfs: number;
  readonly firstVfOffset: number;
  readonly vfStride: number;
  /** VF `index`, from 0. */
  vf(index: number): PcieFunction;
  /** The VFs that have been asked for since VF Enable was set; all others are as after reset. */
  made(): PcieFunction[];
  /** Routing ID of VF `index`. */
  routingIdOf(index: number): RoutingId;
  /** Which VF has this Routing ID, or -1. */
  indexOf(routingId: RoutingId): number;
  /** Address of VF BAR `bar` of VF `index`. */
  vfBarBase(bar: number, index: number): number;
  /** Bytes of VF BAR `bar` of one VF: its size, or the system page size if that is larger. */
  vfBarBytes(bar: number): number;
  readonly vfBars: readonly BarDefinition[];
  /** Called with every VF right after it is made, so that the device model can attach what is behind its BARs. */
  onVfCreated: ((vf: PcieFunction) => void) | null;
  /** Takes over what the registers of the capability at `base` say. */
  decode(base: number): void;
  /** The Routing ID of the PF changed. */
  renumber(): void;
}

/** Told when the addresses that a function answers to have changed. */
export interface DecodeListener {
  decodeChanged(): void;
}

/** What a function is made of. */
export interface FunctionParts {
  readonly profile: FunctionProfile;
  readonly layout: ConfigLayout;
  readonly context: FunctionContext;
  readonly routingId: RoutingId;
  /** For a VF: its PF, and which of its VFs it is. */
  readonly physical?: PcieFunction;
  readonly vfIndex?: number;
}

/** Bits of what listeners are told of. */
const MASTER = 1;
const MSIX_ON = 2;
const MSIX_MASKED = 4;

/** Answers for a BAR that no device model stands behind: reads as zero, writes are lost. */
const NOBODY: BarTarget = { read32: () => 0, write32: () => {} };

/**
 * A function of an endpoint: a PF (or a function without SR-IOV) or a VF. What it may do is decoded when
 * software writes it, so that the data path reads plain fields.
 *
 * @example
 * const endpoint = new Endpoint({ functions: intel82599Config() });
 * const pf = endpoint.functions[0];
 * pf.events.on('busMaster', (fn, enabled) => console.log(fn.name, enabled));
 * pf.config.write16(0x04, 0x0006);
 * pf.busMaster; // true
 */
export class PcieFunction implements CapabilityHost, ConfigOwner {
  readonly profile: FunctionProfile;
  readonly config: ConfigSpace;
  readonly context: FunctionContext;
  readonly isVirtual: boolean;
  /** Of a VF, its PF; of any other function, null. */
  readonly physical: PcieFunction | null;
  /** Of a VF, which of its PF's VFs it is; of any other function, -1. */
  readonly vfIndex: number;
  /** Of a PF, its VFs; of any other function, null. Set once, when the device is built. */
  sriov: VirtualFunctions | null = null;
  /** False for a VF that has vanished with VF Enable. Nobody else sets this or any field below. */
  present = true;
  routingId: RoutingId;
  /** It may send memory requests: Bus Master Enable is set, and it is in D0. */
  busMaster = false;
  /** Memory Space Enable of its own Command register; see {@link PcieFunction.memoryEnabled} for a VF's. */
  ownMemoryEnabled = false;
  /** I/O Space Enable. */
  ioEnabled = false;
  /** Interrupt Disable: it must not use INTx. */
  intxDisabled = false;
  msixEnabled = false;
  msixMasked = false;
  msiEnabled = false;
  powerState = 0;
  ownMaxPayloadBytes = 128;
  ownMaxReadRequestBytes = 128;
  ownRelaxedOrdering = false;
  ownNoSnoop = false;
  ownExtendedTags = false;
  /** Sends an error message of this PF, or of a VF of its, to the root: Routing ID and Message Code. Default: none goes. */
  sendError: ((routingId: RoutingId, code: number) => void) | null = null;
  /** Whether requests of this PF, or of a VF of its, await completions. Default: it makes none. */
  requestsPending: ((routingId: RoutingId) => boolean) | null = null;
  /** Told of changes of BARs and of their enables. */
  decodeListener: DecodeListener | null = null;
  /** What the listeners were last told, as bits. */
  private announced = 0;
  private emitter: EventEmitter | null = null;
  private telling = 0;
  private targets: (BarTarget | undefined)[] | null = null;

  constructor(parts: FunctionParts) {
    this.profile = parts.profile;
    this.context = parts.context;
    this.routingId = parts.routingId;
    this.physical = parts.physical ?? null;
    this.vfIndex = parts.vfIndex ?? -1;
    this.isVirtual = this.physical !== null;
    this.config = new ConfigSpace(parts.layout, this);
    // All that a VF decodes is zero after reset: nothing to be read for each of many thousand VFs.
    if (!this.isVirtual) this.decodes();
  }

  /** Its address as text: `01:10.2`. */
  get name(): string {
    return formatRoutingId(this.routingId);
  }

  /** Events of the PF and of all its VFs: a VF reports through its PF's. */
  get events(): FunctionEmitter {
    const owner = this.physical ?? this;
    owner.emitter ??= new EventEmitter();
    return owner.emitter as unknown as FunctionEmitter;
  }

  /** It answers in memory space: Memory Space Enable, for a VF that of its PF's SR-IOV Control, and D0. */
  get memoryEnabled(): boolean {
    if (this.physical !== null) return this.present && (this.physical.sriov?.memoryEnabled ?? false);
    return this.ownMemoryEnabled;
  }

  /** Max_Payload_Size in bytes; a VF's is its PF's (SR-IOV 1.1 3.5.4). */
  get maxPayloadBytes(): number {
    return (this.physical ?? this).ownMaxPayloadBytes;
  }

  /** Max_Read_Request_Size in bytes; a VF's is its PF's. */
  get maxReadRequestBytes(): number {
    return (this.physical ?? this).ownMaxReadRequestBytes;
  }

  /** Enable Relaxed Ordering; a VF's is its PF's. */
  get relaxedOrdering(): boolean {
    return (this.physical ?? this).ownRelaxedOrdering;
  }

  /** Enable No Snoop; a VF's is its PF's. */
  get noSnoop(): boolean {
    return (this.physical ?? this).ownNoSnoop;
  }

  /** Extended Tag Field Enable; a VF's is its PF's. */
  get extendedTags(): boolean {
    return (this.physical ?? this).ownExtendedTags;
  }

  /** The BARs that it has; a VF's are the VF BARs of its PF. */
  get bars(): readonly BarDefinition[] {
    return this.physical?.sriov?.vfBars ?? this.profile.bars;
  }

  /**
   * Address that BAR `index` is set to, whether it is enabled or not; 6 is the expansion ROM.
   *
   * @throws RangeError if the function has no such BAR.
   */
  barBase(index: number): number {
    if (this.physical !== null) return this.physical.sriov!.vfBarBase(index, this.vfIndex);
    if (index === ROM_BAR && this.profile.romBytes) {
      return (this.config.read32(ROM_ADDRESS) & ~1) >>> 0;
    }
    const { kind } = this.barAt(index);
    const at = BAR0 + 4 * index;
    return barAddress(kind, this.config.read32(at), kind === 'memory64' ? this.config.read32(at + 4) : 0);
  }

  /**
   * Bytes of BAR `index`; 6 is the expansion ROM.
   *
   * @throws RangeError if the function has no such BAR.
   */
  barBytes(index: number): number {
    if (this.physical !== null) return this.physical.sriov!.vfBarBytes(index);
    return index === ROM_BAR && this.profile.romBytes ? this.profile.romBytes : this.barAt(index).bytes;
  }

  /**
   * What answers to accesses within BAR `index`. Reads as zero until {@link PcieFunction.attachBar} named a
   * target.
   *
   * @throws RangeError if the function has no such BAR.
   */
  bar(index: number): BarTarget {
    const target = this.targets?.[index];
    if (target !== undefined) return target;
    this.barBytes(index);
    return NOBODY;
  }

  /**
   * Names what answers to accesses within BAR `index`.
   *
   * @throws RangeError if the function has no such BAR.
   */
  attachBar(index: number, target: BarTarget): void {
    this.barBytes(index);
    this.targets ??= [];
    this.targets[index] = target;
  }

  /** Offset of its capability with this ID, or 0. */
  findCapability(id: number): number {
    return capabilityOffset(this.config.layout, id, false);
  }

  /** Offset of its extended capability with this ID, or 0. */
  findExtendedCapability(id: number): number {
    return capabilityOffset(this.config.layout, id, true);
  }

  /** Function Level Reset (PCIe 3.0 6.6.2). That of a PF takes its VFs away (SR-IOV 1.1 2.2.2). */
  functionLevelReset(): void {
    this.resetTo('flr', 'flr');
  }

  /** The internal reset at the step from D3hot to D0 (PCI-PM 1.2 5.4.1). */
  softReset(): void {
    const { config } = this;
    const kept: [offset: number, bits: number][] = [];
    for (const { capability, offset: base } of config.layout.capabilities) {
      for (const { offset, mask } of capability.keptOverD3hot ?? []) {
        kept.push([base + offset, config.read32(base + offset) & mask]);
      }
    }
    this.resetTo('flr', 'd3hot', kept);
  }

  /** A conventional reset; `cold` is a loss of power. */
  conventionalReset(kind: 'cold' | 'hot'): void {
    this.resetTo(kind, kind);
  }

  /** The configuration space has been set from outside, by a restore: decodes it anew. */
  refresh(): void {
    this.decodes();
    this.decodeListener?.decodeChanged();
    this.announce();
  }

  /** Moves it to another Routing ID, with its VFs: its device has captured another bus number. */
  renumber(routingId: RoutingId): void {
    this.routingId = routingId;
    this.sriov?.renumber();
  }

  /** It has issued non-posted requests that await completions (PCIe 3.0 7.8.5). */
  get transactionsPending(): boolean {
    return (this.physical ?? this).requestsPending?.(this.routingId) ?? false;
  }

  configGuard(offset: number, mask: number, value: number): number {
    const { layout } = this.config;
    const { capability, offset: base } = layout.capabilities[layout.capabilityAt[offset >> 2]];
    return capability.guard === undefined ? mask : capability.guard(this, base, offset - base, mask, value);
  }

  configWritten(offset: number, before: number, after: number, written: number, lanes: number): void {
    if (offset < 0x40) {
      if (after !== before) {
        this.decodeCommand();
        if (offset !== 0x3c) this.decodeListener?.decodeChanged();
      }
    } else {
      this.capabilityWritten(offset, before, after, written, lanes);
    }
    this.announce();
    this.emit('configWrite', offset, before, after);
  }

  private capabilityWritten(
    offset: number,
    before: number,
    after: number,
    written: number,
    lanes: number,
  ): void {
    const { layout } = this.config;
    const number = layout.capabilityAt[offset >> 2];
    if (number < 0) return;
    const { capability, offset: base } = layout.capabilities[number];
    if (after !== before && capability.decode !== undefined) {
      const wasPower = this.powerState;
      capability.decode(this, base);
      if (this.powerState !== wasPower) {
        this.decodeCommand();
        this.decodeListener?.decodeChanged();
        for (const vf of this.sriov?.made() ?? []) vf.refresh();
      }
    }
    capability.written?.(this, base, offset - base, written, lanes, before);
  }

  private resetTo(
    kind: ResetKind,
    cause: ResetCause,
    kept: readonly [offset: number, bits: number][] = [],
  ): void {
    this.config.reset(kind);
    for (const [offset, bits] of kept) this.config.poke32(offset, this.config.read32(offset) | bits);
    this.decodes();
    this.decodeListener?.decodeChanged();
    this.announce();
    this.emit('reset', cause);
  }

  private decodes(): void {
    for (const { capability, offset } of this.config.layout.capabilities) capability.decode?.(this, offset);
    this.decodeCommand();
  }

  private decodeCommand(): void {
    const command = this.config.read16(COMMAND);
    // In D3hot a function answers to configuration requests only and sends no memory requests (PCIe 3.0
    // 5.3.1.4).
    // A VF sleeps with its PF (SR-IOV 1.1 5.1).
    const awake = this.powerState === 0 && (this.physical === null || this.physical.powerState === 0);
    this.busMaster = awake && (command & COMMAND_BUS_MASTER) !== 0;
    this.ownMemoryEnabled = awake && (command & COMMAND_MEMORY) !== 0;
    this.ioEnabled = awake && (command & COMMAND_IO) !== 0;
    this.intxDisabled = (command & COMMAND_INTERRUPT_DISABLE) !== 0;
  }

  /** Tells of what has changed since it was last told, so that a reset within a write is told of once. */
  private announce(): void {
    const now =
      (this.busMaster ? MASTER : 0) | (this.msixEnabled ? MSIX_ON : 0) | (this.msixMasked ? MSIX_MASKED : 0);
    const changed = now ^ this.announced;
    if (changed === 0) return;
    this.announced = now;
    if ((changed & MASTER) !== 0) this.emit('busMaster', this.busMaster);
    if ((changed & (MSIX_ON | MSIX_MASKED)) !== 0) this.emit('msix', this.msixEnabled, this.msixMasked);
  }

  /** Whether a listener is being told of something: then what has changed is not whole. Of a VF its PF says so. */
  get isTelling(): boolean {
    return this.telling > 0;
  }

  /** @internal Tells the listeners of the PF. */
  emit(event: keyof FunctionEvents, ...rest: unknown[]): void {
    const owner = this.physical ?? this;
    owner.telling++;
    try {
      owner.emitter?.emit(event, this, ...rest);
    } finally {
      owner.telling--;
    }
  }

  private barAt(index: number): BarDefinition {
    checkInteger('BAR', index, 0, 5);
    const bar = this.profile.bars.find((candidate) => candidate.index === index);
    if (bar === undefined) throw new RangeError(`${this.name} has no BAR ${index}`);
    return bar;
  }
}

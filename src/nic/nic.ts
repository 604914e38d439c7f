import type { FramePool, RandomStream } from '../base/index.ts';
import { type Component, type Probe, ProbeKind, type Scheduler } from '../kernel/index.ts';
import {
  type CompleterTarget,
  type ConfigType,
  Endpoint,
  EndpointPort,
  followFunctions,
  NOT_CLAIMED,
  type PcieFunction,
  type PcieLink,
  Requester,
  type TlpPool,
} from '../pcie/index.ts';
import { CutThrough } from './cut-through.ts';
import { DataPlane } from './data-plane.ts';
import { EcnMarker } from './ecn-marker.ts';
import { needsFlowControl, readFlowControl } from './flow-registers.ts';
import { type CardInterrupts, InterruptBlock, type InterruptBus } from './interrupts.ts';
import { Mailboxes, type MailboxInterrupts } from './mailbox.ts';
import { EICR_MAILBOX, linksUp, PfRegisters } from './pf-registers.ts';
import type { NicProfile } from './profile.ts';
import { divideAmongPools } from './queue-division.ts';
import { QueueRegisters } from './queue-registers.ts';
import type { QueueInterrupts } from './ring-progress.ts';
import { SwitchControl } from './switch-control.ts';
import { tableBar } from './table-bar.ts';
import { useTransmitCutThrough } from './transmit-plane.ts';
import { TransmitScheduling } from './transmit-scheduling.ts';
import { VfRegisters } from './vf-registers.ts';
import { type CardVPort, cardVPorts } from './vport-view.ts';

const { REGISTER_READ, REGISTER_WRITE } = ProbeKind;

/** How a card is made. */
export interface NicOptions {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly probe: Probe;
  readonly tlps: TlpPool;
  readonly link: PcieLink;
  readonly profile: NicProfile;
  /** Rate of the physical port in Gb/s. */
  readonly linkGbps: number;
  /** Max_Payload_Size and Max_Read_Request_Size in force. */
  readonly maxPayloadBytes: number;
  readonly maxReadRequestBytes: number;
  /** Read Completion Boundary of the root complex, as Link Control has it. Default 64. */
  readonly readCompletionBoundary?: number;
  /** For marks by chance; a card with ECN needs it. */
  readonly random?: RandomStream;
}

/** The PF's number in the interrupt block; VF i has 1 + i. */
const PF = 0;

/**
 * The card: functions, registers, data plane, interrupts and mailboxes, wired together. It knows no host: its
 * only ways out are the PCI Express link and the wire.
 */
export class Nic implements Component, CompleterTarget, QueueInterrupts, InterruptBus, MailboxInterrupts {
  readonly name: string;
  readonly profile: NicProfile;
  readonly probe: Probe;
  readonly endpoint: Endpoint;
  readonly pf: PcieFunction;
  readonly requester: Requester;
  readonly port: EndpointPort;
  readonly data: DataPlane;
  readonly interrupts: CardInterrupts;
  readonly mailboxes: Mailboxes;
  readonly queues: QueueRegisters;
  readonly registers: PfRegisters;
  readonly scheduling: TransmitScheduling;
  /** What the profile's `extend` has added. */
  readonly extensions: Component[] = [];
  /** Offsets of VF registers that the model does not know, and how often they were touched. */
  readonly unknownVfRegisters = new Map<number, number>();

  private readonly control: SwitchControl;
  private readonly applyControl = () => this.control.apply();
  readonly configRetry = (id: number, type: ConfigType) => this.endpoint.configRetry(id, type);
  readonly vfRegisters: VfRegisters[] = [];

  constructor(options: NicOptions) {
    const { name, scheduler, tlps, link, profile } = options;
    const probe = profile.makeProbe?.(options.probe) ?? options.probe;
    this.probe = probe;
    this.name = name;
    this.profile = profile;
    this.endpoint = new Endpoint({ name: `${name}.functions`, functions: profile.functions });
    this.pf = this.endpoint.functions[0];
    let requester: Requester | undefined;
    const makeRequester = (frames: FramePool) => {
      requester = new Requester(`${name}.requester`, link.upstream, tlps, frames, {
        tags: profile.tags,
        maxPayloadBytes: options.maxPayloadBytes,
        maxReadRequestBytes: options.maxReadRequestBytes,
        readCompletionBoundary: options.readCompletionBoundary,
      });
      return profile.makePort?.(`${name}.dma`, scheduler, requester) ?? requester;
    };
    this.data = new DataPlane(name, scheduler, probe, profile, options.linkGbps, makeRequester, this);
    this.requester = requester as unknown as Requester;
    this.port = new EndpointPort(
      `${name}.port`,
      scheduler,
      link,
      tlps,
      this,
      this.requester,
      profile.registerReadPs,
    );
    this.queues = new QueueRegisters(this.data.receive, this.data.transmit, {
      receiveStarted: (queue) => this.data.received[queue].start(),
      transmitStarted: (queue) => this.data.transmitted[queue].start(),
      tagStrippingChanged: (queue) => {
        this.control.poolChanged(this.data.pools[queue]);
        this.switchChanged();
      },
      dropChanged: () => this.dropChanged(),
    });
    const { pools, interruptPs, interrupts: Interrupts = InterruptBlock } = profile;
    this.interrupts = new Interrupts(`${name}.interrupts`, scheduler, probe, this, 1 + pools, interruptPs);
    this.mailboxes = new Mailboxes(`${name}.mailboxes`, profile.pools, this);
    this.registers = new PfRegisters(profile.registers, {
      queues: this.queues,
      queueCount: profile.pools * profile.queuesPerPool,
      interrupts: this.interrupts,
      mailboxes: this.mailboxes,
      throttleUnitPs: profile.throttleUnitPs,
      switchChanged: (name, index) => {
        this.control.registerChanged(name, index);
        this.switchChanged();
      },
      framesSpoofed: () => this.data.switch.dropped('macSpoof') + this.data.switch.dropped('vlanSpoof'),
      flowChanged: () => this.flowChanged(),
      transmitBufferChanged: () => {
        this.flowChanged();
        this.scheduling.bufferChanged();
      },
      flowCounts: () => this.data.classPath,
      receiveBufferBytes: profile.receiveBufferBytes,
      resetDevice: () => this.resetDevice(),
      setReceive: (enabled) => {
        this.data.receives = enabled;
      },
      linkGbps: options.linkGbps,
      vfs: () => ({ count: this.pf.sriov?.count ?? 0, enabled: this.pf.sriov?.enabled ?? false }),
    });
    this.scheduling = new TransmitScheduling(
      `${name}.transmit`,
      scheduler,
      this.data.transmit,
      this.registers.file,
      profile,
      options.linkGbps,
    );
    this.control = new SwitchControl(this.registers.file, this.data.switch, profile.pools, (pool) =>
      this.queues.stripsTags(pool * this.data.queuesPerPool),
    );
    if (profile.ecn !== undefined && options.random !== undefined) {
      this.data.ecn = new EcnMarker(this.data.frames, profile.ecn, options.random);
      this.useClasses();
    }
    // What waits for its turn has its room in the receive buffer already: only one with classes knows.
    if ((profile.switchArbitration ?? 'arrival') !== 'arrival') this.useClasses();
    if (profile.switching === 'cut-through') {
      const { data } = this;
      const { maxPayloadBytes } = options;
      data.cutThrough = new CutThrough(
        name,
        scheduler,
        data.frames,
        data,
        profile.pcie.rate,
        maxPayloadBytes,
      );
      this.useClasses();
      useTransmitCutThrough(data, scheduler, profile, link.downstream, {
        maxPayloadBytes,
        readCompletionBoundary: options.readCompletionBoundary ?? 64,
        psPerByte: link.downstream.psPerByte,
      });
    }
    this.switchChanged();
    for (let vf = 0; vf < profile.pools; vf++)
      this.vfRegisters.push(this.makeVfRegisters(vf, options.linkGbps));
    this.attachBars();
    followFunctions(this.endpoint, this.requester, this.port);
    this.mailboxes.reset();
    this.assignQueues();
    profile.extend?.(this, scheduler);
  }

  memoryRead(address: number, bytes: number): number {
    const { endpoint } = this;
    if (!endpoint.claim(address)) return NOT_CLAIMED;
    const offset = endpoint.hitOffset;
    const target = (endpoint.hitFunction as PcieFunction).bar(endpoint.hitBar);
    const word = target.read32(offset & ~3, bytes) >>> 0;
    const value = bytes === 4 ? word : (word >>> (8 * (offset & 3))) & (2 ** (8 * bytes) - 1);
    this.noteAccess(REGISTER_READ, value);
    return value;
  }

  memoryWrite(address: number, value: number, byteEnables: number): boolean {
    const { endpoint } = this;
    if (!endpoint.claim(address)) return false;
    const target = (endpoint.hitFunction as PcieFunction).bar(endpoint.hitBar);
    // Before it: what comes of the write comes after it.
    this.noteAccess(REGISTER_WRITE, value);
    target.write32(endpoint.hitOffset & ~3, value, byteEnables);
    return true;
  }

  /** An access to what {@link Endpoint.claim} has found. */
  private noteAccess(kind: ProbeKind, value: number): void {
    const { hitFunction, hitBar, hitOffset } = this.endpoint;
    this.probe.record(kind, (hitFunction as PcieFunction).routingId | (hitBar << 16), hitOffset, value);
  }

  configRead(routingId: number, offset: number, bytes: number, type: ConfigType): number {
    return this.endpoint.configRead(routingId, offset, bytes, type);
  }

  configWrite(routingId: number, offset: number, bytes: number, value: number, type: ConfigType): boolean {
    return this.endpoint.configWrite(routingId, offset, bytes, value, type);
  }

  hotReset(): void {
    this.endpoint.hotReset();
  }

  queueDone(queue: number, transmit: boolean): void {
    const vf = this.vfOfQueue(queue);
    const fn = vf < 0 ? PF : vf + 1;
    const bit =
      vf < 0
        ? this.registers.vectorOf(queue, transmit)
        : this.vfRegisters[vf].vectorOf(queue % this.data.queuesPerPool, transmit);
    if (bit >= 0) this.interrupts.raise(fn, bit);
  }

  messagesEnabled(fn: number): boolean {
    const target = this.functionOf(fn);
    return target?.msixEnabled === true && !target.msixMasked && target.busMaster;
  }

  sendMessage(fn: number, address: number, data: number): boolean {
    const target = this.functionOf(fn);
    if (target === null || !this.requester.canWrite()) return false;
    this.requester.message(target.routingId, address, data);
    return true;
  }

  toPf(): void {
    this.interrupts.raise(PF, EICR_MAILBOX);
  }

  toVf(vf: number): void {
    const vector = this.vfRegisters[vf].mailboxVector;
    if (vector >= 0) this.interrupts.raise(vf + 1, vector);
  }

  /** VF that owns a queue's pool, or -1 for the PF's. */
  vfOfQueue(queue: number): number {
    const pool = this.data.pools[queue];
    return pool < (this.pf.sriov?.count ?? 0) ? pool : -1;
  }

  reset(): void {
    this.endpoint.reset();
    this.resetDevice();
  }

  counters(): Record<string, number> {
    const named: Record<string, number> = {};
    let all = 0;
    for (const touched of this.unknownVfRegisters.values()) all += touched;
    for (const [offset, { reads, writes }] of this.registers.file.unknown)
      all += named[`unknown.pf.0x${offset.toString(16)}`] = reads + writes;
    return { unknownRegisterAccesses: all, ...named };
  }

  /** Everything in the card that counts. */
  get components(): readonly Component[] {
    const { data } = this;
    return [
      this,
      this.endpoint,
      this.port,
      this.requester,
      data,
      data.transmit,
      data.receive,
      data.switch,
      data.mac,
      ...(data.classPath === null ? [] : [data.classPath.flow]),
      this.interrupts,
      this.mailboxes,
      ...this.extensions,
    ];
  }

  /** The VPorts that there are, the default one first. */
  get vports(): readonly CardVPort[] {
    return cardVPorts(this.registers.file, this.pf.sriov?.enabled ? this.pf.sriov.count : 0);
  }

  private functionOf(fn: number): PcieFunction | null {
    if (fn === PF) return this.pf;
    const sriov = this.pf.sriov;
    return sriov !== null && fn - 1 < sriov.count ? sriov.vf(fn - 1) : null;
  }

  /** Every queue sends its requests under the Routing ID of the function that owns it, if that may be bus master. */
  private assignQueues(): void {
    const { transmit, receive } = this.data;
    const queues = this.profile.pools * this.profile.queuesPerPool;
    for (let queue = 0; queue < queues; queue++) {
      const owner = this.functionOf(this.vfOfQueue(queue) + 1) as PcieFunction;
      for (const engine of [transmit, receive]) {
        const ring = engine.rings.ring(queue);
        ring.routingId = owner.routingId;
        if ((ring.master === 1) !== owner.busMaster) engine.setMaster(queue, owner.busMaster);
      }
    }
  }

  private attachBars(): void {
    const { events } = this.pf;
    this.pf.attachBar(0, this.registers);
    this.pf.attachBar(4, tableBar(this.interrupts, PF, this.profile.pfVectors));
    const vfsChanged = () => {
      for (let vf = 0; vf < this.profile.pools; vf++) this.resetVf(vf);
      this.assignQueues();
    };
    events.on('vfsEnabled', vfsChanged);
    events.on('vfsDisabled', vfsChanged);
    events.on('busMaster', () => this.assignQueues());
    events.on('msix', (fn) => this.interrupts.recheck(fn.vfIndex + 1));
    events.on('reset', (fn) => {
      if (fn.isVirtual) this.resetVf(fn.vfIndex);
      else this.resetDevice();
    });
    const { sriov } = this.pf;
    // The class that a PF's VFs come from says when it has made one.
    if (sriov === null || !('onVfCreated' in sriov)) return;
    sriov.onVfCreated = (vf: PcieFunction) => {
      vf.attachBar(0, this.vfRegisters[vf.vfIndex]);
      vf.attachBar(3, tableBar(this.interrupts, vf.vfIndex + 1, this.profile.vfVectors));
    };
  }

  private makeVfRegisters(vf: number, linkGbps: number): VfRegisters {
    return new VfRegisters(vf, {
      queues: this.queues,
      division: this.data,
      interrupts: this.interrupts,
      mailboxes: this.mailboxes,
      throttleUnitPs: this.profile.throttleUnitPs,
      vectors: this.profile.vfVectors,
      links: () => linksUp(linkGbps),
      resetVf: (index) => this.resetVf(index),
      unknown: (offset) =>
        this.unknownVfRegisters.set(offset, (this.unknownVfRegisters.get(offset) ?? 0) + 1),
    });
  }

  /** VFCTRL.RST or a Function Level Reset of a VF: its queues, interrupts and mailbox, and the PF is told. */
  private resetVf(vf: number): void {
    this.data.pools.forEach((pool, queue) => {
      if (pool === vf) this.queues.resetQueue(queue);
    });
    this.interrupts.resetFunction(vf + 1);
    this.mailboxes.resetVf(vf);
    this.vfRegisters[vf].reset();
    const { file } = this.registers;
    file.set('PFVFLRE', file.get('PFVFLRE', vf >> 5) | (1 << (vf & 31)), vf >> 5);
    this.interrupts.raise(PF, EICR_MAILBOX);
  }

  private resetDevice(): void {
    const { pools, queuesPerPool } = this.profile;
    for (let queue = 0; queue < pools * queuesPerPool; queue++) this.queues.resetQueue(queue);
    for (let fn = 0; fn <= pools; fn++) this.interrupts.resetFunction(fn);
    this.mailboxes.reset();
    this.registers.reset();
    this.control.reset();
    this.scheduling.reset();
    this.switchChanged();
    this.flowChanged();
    this.assignQueues();
  }

  /** From now on each pool has so many queues, a power of two, and pools beyond the last queue have none. */
  divideQueues(queuesPerPool: number): void {
    if (!divideAmongPools(this.data, queuesPerPool)) return;
    this.control.usePools(this.data.pools.length / queuesPerPool);
    this.switchChanged();
    this.assignQueues();
  }

  /** Most cards do without classes and flow control, and are not burdened with them before they are asked for. */
  private flowChanged(): void {
    const { data, registers } = this;
    if (data.classPath !== null || needsFlowControl(registers.file)) this.useClasses();
  }

  /**
   * Whether queues drop, or which there are, has changed. Among several a queue that does not drop can block
   * others, which only a buffer with classes shows.
   */
  private dropChanged(): void {
    const { classPath } = this.data;
    if (classPath !== null) {
      classPath.giveOn();
      return;
    }
    let enabled = 0;
    let blocking = 0;
    for (const ring of this.data.receive.rings.all) {
      enabled += ring.enabled;
      blocking += ring.enabled & ~ring.dropEnable;
    }
    if (enabled > 1 && blocking > 0) this.useClasses();
  }

  /** @internal */
  useClasses(): void {
    const { data, profile, registers } = this;
    data.setFlowControl(
      readFlowControl(registers.file, {
        bufferBytes: profile.receiveBufferBytes,
        maxFrameBytes: profile.maxFrameBytes,
        shared: profile.sharedBuffer,
      }),
    );
  }

  private switchChanged(): void {
    this.data.beforeSwitch = this.applyControl;
  }
}

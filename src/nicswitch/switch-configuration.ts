import { checkBoolean, checkInteger, checkKeys, checkOneOf, type FramePool } from '../base/index.ts';
import { macHighWord, macLowWord } from '../wire/index.ts';
import { HASH_ENTRIES } from './hash-filter.ts';
import { checkMac, type MacAddress } from './mac-address.ts';
import type { MirrorRule } from './mirror-rules.ts';
import { type PortVlan, RecordCompiler, type VPortSettings } from './record-compiler.ts';
import {
  checkLongest,
  checkOptions,
  MAX_FRAME_BYTES,
  MIN_FRAME_BYTES,
  type NicSwitchOptions,
} from './switch-options.ts';
import { FILTER_SETS, SwitchTables, VPORT_SET } from './switch-tables.ts';
import { checkVlan, UNTAGGED } from './vlan-table.ts';

const CHECKS = { mac: true, vlan: true } as const;

/**
 * What a {@link NicSwitch} is told: who may send and receive, who takes which addresses and VLANs. Each
 * change is compiled at once into the tables that the data path reads, and holds from the next frame on.
 *
 * All methods throw TypeError or RangeError that name the argument.
 */
export class SwitchConfiguration {
  readonly name: string;
  readonly frames: FramePool;
  readonly vports: number;
  /** Number of the physical port: the one behind the last VPort. */
  readonly uplink: number;
  /** @internal What all this is compiled to. */
  readonly tables: SwitchTables;
  /** Compiles the settings of a port whenever they change. */
  protected readonly records: RecordCompiler;
  private readonly settings: VPortSettings[] = [];

  constructor(options: NicSwitchOptions) {
    const { frames } = checkOptions(options);
    this.name = options.name ?? 'switch';
    this.frames = frames;
    this.vports = checkInteger('vports', options.vports, 1, 16_384);
    this.uplink = this.vports;
    this.tables = new SwitchTables(
      this.vports,
      checkInteger('macFilters', options.macFilters ?? 4096, 1, 32_767),
      checkLongest(options.maxFrameBytes, frames.slotBytes),
      checkOneOf('localMatch', options.localMatch ?? 'vlan', ['vlan', 'mac']),
      checkInteger('mirrorRules', options.mirrorRules ?? 4, 0, 64),
      options.clock ?? null,
      checkOneOf('untaggedCheck', options.untaggedCheck ?? 'accepted', ['accepted', 'vlanZero']),
    );
    this.records = new RecordCompiler(this.tables, this.settings);
    this.records.compileUplink();
    for (let vport = 0; vport < this.vports; vport++) {
      this.tables.writeSet(VPORT_SET.ACTIVE, vport, true);
      this.setDefaults(vport);
    }
  }

  /** Whether `vport` may receive (82599: PFVFRE) and send (PFVFTE). Neither, at first. */
  setVPortEnabled(vport: number, rx: boolean, tx: boolean): void {
    const settings = this.vport(vport);
    settings.rx = checkBoolean('rx', rx);
    settings.tx = checkBoolean('tx', tx);
    this.writeSet(VPORT_SET.RX, vport, rx);
    this.writeSet(VPORT_SET.TX, vport, tx);
    this.records.compile(vport);
  }

  /**
   * `vport` takes frames to `mac`, a single or a group address, in any VLAN it belongs to. A single address
   * is one of its own: it may send from it. Several VPorts can ask for the same address.
   *
   * @returns false if the filters are used up; nothing has changed then.
   */
  addMac(vport: number, mac: MacAddress): boolean {
    const { addresses } = this.vport(vport);
    const address = checkMac(mac);
    if (!this.tables.macs.add(vport, macLowWord(address), macHighWord(address))) return false;
    addresses.add(address);
    this.records.compile(vport);
    return true;
  }

  /** Takes back {@link SwitchConfiguration.addMac}; false if there was nothing to take back. */
  removeMac(vport: number, mac: MacAddress): boolean {
    const { addresses } = this.vport(vport);
    const address = checkMac(mac);
    if (!this.tables.macs.remove(vport, macLowWord(address), macHighWord(address))) return false;
    addresses.delete(address);
    this.records.compile(vport);
    return true;
  }

  /** True if `vport` asked for `mac`. */
  hasMac(vport: number, mac: MacAddress): boolean {
    return this.vport(vport).addresses.has(checkMac(mac));
  }

  /** Makes `vport` a member of VLAN `vlan`, 0 to 4,095 (82599: PFVLVF, PFVLVFB). */
  addVlan(vport: number, vlan: number): void {
    this.vport(vport);
    this.tables.vlans.setMember(vport, checkVlan(vlan), true);
  }

  /** Takes `vport` out of a VLAN. */
  removeVlan(vport: number, vlan: number): void {
    this.vport(vport);
    this.tables.vlans.setMember(vport, checkVlan(vlan), false);
  }

  /** Whether receivers are filtered by VLAN at all (82599: VLNCTRL.VFE). Not, at first. */
  setVlanFilter(enabled: boolean): void {
    this.tables.vlans.filter = enabled;
  }

  /**
   * Whether frames of VLAN `vlan` pass from the wire while the filter is on (82599: VFTA). All do, at first.
   * From a VPort, a frame of a VLAN that is not admitted goes to the wire only.
   */
  setVlanAdmitted(vlan: number, admitted: boolean): void {
    this.tables.vlans.setAdmitted(checkVlan(vlan), admitted);
  }

  /** Whether `vport` takes untagged frames while the filter is on (82599: PFVML2FLT.AUPE). It does, at first. */
  setAcceptUntagged(vport: number, accept: boolean): void {
    this.vport(vport);
    this.tables.vlans.setMember(vport, UNTAGGED, accept);
  }

  /** Whether `vport` takes broadcasts (82599: PFVML2FLT.BAM). It does, at first. */
  setAcceptBroadcast(vport: number, accept: boolean): void {
    this.writeSet(VPORT_SET.BROADCAST, vport, accept);
  }

  /** Whether `vport` takes all group addresses but broadcast (82599: PFVML2FLT.MPE). */
  setMulticastPromiscuous(vport: number, promiscuous: boolean): void {
    this.writeSet(VPORT_SET.MULTICAST_PROMISCUOUS, vport, promiscuous);
  }

  /** Whether `vport` takes all unicast frames (X540 and later: PFVML2FLT.UPE). */
  setUnicastPromiscuous(vport: number, promiscuous: boolean): void {
    this.writeSet(VPORT_SET.UNICAST_PROMISCUOUS, vport, promiscuous);
  }

  /** Whether `vport` takes frames of every VLAN (X540 and later: PFVML2FLT.VPE). It does not become a member. */
  setVlanPromiscuous(vport: number, promiscuous: boolean): void {
    this.vport(vport);
    this.tables.vlans.setPromiscuous(vport, promiscuous);
  }

  /**
   * Whether `vport` takes group addresses without exact filter that match the hash table (82599:
   * PFVML2FLT.ROMPE).
   */
  setAcceptMulticastHash(vport: number, accept: boolean): void {
    this.writeSet(VPORT_SET.MULTICAST_HASH, vport, accept);
  }

  /** Whether `vport` takes unicast without exact filter that matches the hash table (82599: PFVML2FLT.ROPE). */
  setAcceptUnicastHash(vport: number, accept: boolean): void {
    this.writeSet(VPORT_SET.UNICAST_HASH, vport, accept);
  }

  /** Sets an entry of the hash table for group addresses, 0 to 4,095 (82599: MTA). */
  setMulticastHash(index: number, on: boolean): void {
    this.tables.multicastHash.set(checkInteger('index', index, 0, HASH_ENTRIES - 1), on);
  }

  /** Sets an entry of the hash table for single addresses, 0 to 4,095 (82599: PFUTA). */
  setUnicastHash(index: number, on: boolean): void {
    this.tables.unicastHash.set(checkInteger('index', index, 0, HASH_ENTRIES - 1), on);
  }

  /** Which 12 bits of an address index the hash tables, 0 to 3 (82599: MCSTCTRL.MO). 0, at first. */
  setHashOffset(offset: number): void {
    this.tables.hashOffset = checkInteger('offset', offset, 0, 3);
  }

  /** Who takes unicast frames from the wire that nobody else takes (82599: PFVTCTL.DEF_PL), or null for nobody. */
  setDefaultVPort(vport: number | null): void {
    if (vport !== null) this.vport(vport);
    this.tables.defaultVPort = vport ?? -1;
    if (this.tables.isolation) this.records.compileAllDirect();
  }

  /**
   * Whether frames to group addresses are replicated (82599: PFVTCTL.RPL_EN). They are, at first. If not,
   * those from VPorts go to the wire only, and those from the wire to the default VPort only; and nothing is
   * mirrored.
   */
  setReplication(enabled: boolean): void {
    this.tables.replication = enabled;
    if (this.tables.mirrors.active) this.records.compileAll();
  }

  /** Mirroring rules that there can be. */
  get mirrorRules(): number {
    return this.tables.mirrors.capacity;
  }

  /**
   * Sets mirroring rule `index`, from 0 on, or takes it away with null (82599: MRCTL, VMRVLAN, VMRVM). A
   * frame that several rules copy to one VPort comes there once, and not again where it goes anyway. A copy
   * has the form in which the VPort receives any frame: its own port VLAN and tag stripping apply.
   */
  setMirrorRule(index: number, rule: MirrorRule | null): void {
    const { mirrors } = this.tables;
    mirrors.set(checkInteger('index', index, 0, mirrors.capacity - 1), rule);
    this.records.compileAll();
  }

  /**
   * Whether frames are switched between VPorts (true, at first: VEB) or all go to the wire and the adjacent
   * bridge sends back what is for another VPort (false: VEPA). 82599: PFDTXGSWC.LBE; IEEE 802.1Qbg.
   */
  setLoopback(enabled: boolean): void {
    this.tables.loopback = enabled;
    this.records.compileAllDirect();
  }

  /**
   * Whether, in VEPA, a VPort is spared its own frames to group addresses when the adjacent bridge sends them
   * back; known by the source address. True, at first.
   */
  setSourcePruning(enabled: boolean): void {
    this.tables.sourcePruning = enabled;
  }

  /** Whether `vport` gets frames that it sends to itself (82599: PFVMTXSW). It does not, at first. */
  setSelfDelivery(vport: number, enabled: boolean): void {
    this.writeSet(VPORT_SET.SELF_DELIVERY, vport, enabled);
  }

  /**
   * What becomes of the tag of frames that `vport` sends: see {@link PortVlan}; 'descriptor' at first. With a
   * TCI, frames to `vport` lose their (inner) VLAN tag: its guest knows of no VLAN. A priority tag (VLAN 0)
   * that the guest sends is replaced: the frame is one of the port VLAN, and keeps its priority.
   */
  setPortVlan(vport: number, tag: PortVlan): void {
    const settings = this.vport(vport);
    settings.portVlan =
      typeof tag === 'number'
        ? checkInteger('tag', tag, 0, 0xffff)
        : checkOneOf('tag', tag, ['descriptor', 'never']);
    this.records.compile(vport);
  }

  /** Whether frames to `vport` lose their outermost 802.1Q tag even without a port VLAN. They do not, at first. */
  setTagStrip(vport: number, enabled: boolean): void {
    this.vport(vport).tagStrip = enabled;
    this.records.compile(vport);
  }

  /**
   * What of the frames that `vport` sends is checked (82599: PFVFSPOOF): that the source address is one of
   * its own, that the VLAN is one of its own; of frames without a VLAN see {@link NicSwitchOptions.untaggedCheck}. Nothing, at
   * first.
   */
  setAntiSpoof(vport: number, check: { mac?: boolean; vlan?: boolean }): void {
    const settings = this.vport(vport);
    checkKeys<typeof check>('check', check, CHECKS);
    const mac = checkBoolean('check.mac', check.mac ?? settings.checkMac);
    settings.checkVlan = checkBoolean('check.vlan', check.vlan ?? settings.checkVlan);
    settings.checkMac = mac;
    this.records.compile(vport);
  }

  /**
   * Longest frame that `vport` receives, in bytes without frame check sequence and 802.1Q tag. No limit, at
   * first.
   */
  setMaxFrameBytes(vport: number, bytes: number): void {
    this.vport(vport).maxFrameBytes = checkInteger('bytes', bytes, MIN_FRAME_BYTES, MAX_FRAME_BYTES);
    this.records.compile(vport);
  }

  /**
   * Takes from `vport` what the methods of this class set, its filters and all else: as after construction.
   * What the host lets it do stays: see {@link SwitchPolicy}.
   */
  resetFilters(vport: number): void {
    const { addresses } = this.vport(vport);
    const { tables } = this;
    for (const address of addresses) tables.macs.remove(vport, macLowWord(address), macHighWord(address));
    tables.vlans.removePort(vport);
    if (tables.defaultVPort === vport) tables.defaultVPort = -1;
    this.setDefaults(vport);
  }

  /** Everything as after construction. */
  protected resetConfiguration(): void {
    this.tables.clear();
    for (let vport = 0; vport < this.vports; vport++) this.setDefaults(vport);
    this.records.compileUplink();
  }

  /** The settings of `vport`, which is checked. */
  protected vport(vport: number): VPortSettings {
    return this.settings[checkInteger('vport', vport, 0, this.vports - 1)];
  }

  private setDefaults(vport: number): void {
    this.settings[vport] = {
      rx: false,
      tx: false,
      addresses: new Set(),
      checkMac: false,
      checkVlan: false,
      portVlan: 'descriptor',
      tagStrip: false,
      maxFrameBytes: MAX_FRAME_BYTES,
    };
    for (let set = 0; set < FILTER_SETS; set++) this.writeSet(set, vport, set === VPORT_SET.BROADCAST);
    this.tables.vlans.setMember(vport, UNTAGGED, true);
    this.tables.tags.resetVPort(vport);
    this.records.compile(vport);
  }

  protected writeSet(set: number, vport: number, member: boolean): void {
    this.vport(vport);
    if (this.tables.writeSet(set, vport, member)) this.records.compileAllDirect();
  }
}

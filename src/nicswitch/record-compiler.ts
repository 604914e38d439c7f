import { isMulticast, macHighWord, macLowWord } from '../wire/index.ts';
import {
  ALL_DIRECT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  FILTERED_DIRECT,
  KEEP_TAG,
  NO_TAG,
  NONE_DIRECT,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
  WIRE_DIRECT,
} from './port-record.ts';
import { UNKNOWN_UNICAST_STORM } from './storm-control.ts';
import { type SwitchTables, VPORT_SET } from './switch-tables.ts';
import { TAG_SHIFT } from './target.ts';

/**
 * What becomes of the tag of frames that a VPort sends (82599: PFVMVIR.VLANA): a TCI that always travels
 * beside the frame, or what the descriptor asked for, or never one.
 */
export type PortVlan = number | 'descriptor' | 'never';

/** What a VPort is set to, as far as no table has it. */
export interface VPortSettings {
  rx: boolean;
  tx: boolean;
  addresses: Set<number>;
  checkMac: boolean;
  checkVlan: boolean;
  portVlan: PortVlan;
  tagStrip: boolean;
  maxFrameBytes: number;
}

/**
 * Compiles what ports are set to into their records, which the direct way reads (port-record.ts): also which of
 * their frames it may decide at all.
 */
export class RecordCompiler {
  private readonly tables: SwitchTables;
  private readonly settings: readonly VPortSettings[];

  /** @param settings of each VPort; read whenever a record is compiled. */
  constructor(tables: SwitchTables, settings: readonly VPortSettings[]) {
    this.tables = tables;
    this.settings = settings;
  }

  /** The record of a VPort. */
  compile(vport: number): void {
    const { records, tags, vlans } = this.tables;
    const settings = this.settings[vport];
    const { rx, checkMac, checkVlan, portVlan, tagStrip, maxFrameBytes } = settings;
    const source = ownSource(settings);
    const at = vport << RECORD_SHIFT;
    const tag = tags.egress(vport, tagStrip || typeof portVlan === 'number');
    const receives = rx && this.tables.isInSet(VPORT_SET.ACTIVE, vport);
    this.compileEgress(vport, receives ? Math.min(maxFrameBytes, this.tables.maxFrameBytes) : 0, tag);
    this.compileDirect(vport);
    records[at + CHECK_MAC] = checkMac ? -1 : 0;
    records[at + SOURCE_FIRST] = source === undefined ? 0 : macLowWord(source) << 16;
    records[at + SOURCE_LAST] =
      source === undefined ? 0 : (macLowWord(source) >>> 16) | (macHighWord(source) << 16);
    vlans.setChecked(vport, checkVlan);
    records[at + CHECK_VLAN] = checkVlan || vlans.hasList(vport) ? 1 : 0;
    if (typeof portVlan === 'number') records[at + PORT_TAG] = tags.portTag(vport, portVlan);
    else records[at + PORT_TAG] = portVlan === 'never' ? NO_TAG : KEEP_TAG;
  }

  /** The record of the physical port. */
  compileUplink(): void {
    const { records, tags, uplink, maxFrameBytes } = this.tables;
    this.compileEgress(uplink, maxFrameBytes, tags.egress(uplink, false));
    records[(uplink << RECORD_SHIFT) + PORT_TAG] = KEEP_TAG;
    this.compileDirect(uplink);
  }

  /** All records: what the rules of the whole switch make of them has changed. */
  compileAll(): void {
    for (let vport = 0; vport < this.settings.length; vport++) this.compile(vport);
    this.compileUplink();
  }

  /** Of all records which frames go the direct way. */
  compileAllDirect(): void {
    for (let vport = 0; vport < this.settings.length; vport++) this.compileDirect(vport);
    this.compileDirect(this.tables.uplink);
  }

  private compileEgress(port: number, longest: number, tag: number): void {
    const { records, mirrors, mirroring, tags, vlans } = this.tables;
    this.tables.longest[port] = longest;
    this.tables.version = (this.tables.version + 1) | 0;
    // What the direct way does not look at: mirroring, and in a port extender the VLANs of receivers.
    const looked =
      (mirroring && mirrors.watchesTo(port)) || (tags.virtual.kind !== null && vlans.hasList(port));
    const direct = looked ? 0 : longest;
    records[(port << RECORD_SHIFT) + EGRESS] = direct | (tag << TAG_SHIFT);
  }

  private compileDirect(port: number): void {
    const { records, mirrors, mirroring, tags, uplink } = this.tables;
    const direct = port === uplink ? this.directFromWire() : this.directFrom(port, this.settings[port]);
    const watched = mirroring && mirrors.watchesFrom(port);
    records[(port << RECORD_SHIFT) + DIRECT] = watched || tags.isIntricate(port) ? NONE_DIRECT : direct;
  }

  private directFromWire(): number {
    const { unicastPromiscuity, isolation, tags } = this.tables;
    if (tags.virtual.kind !== null) return FILTERED_DIRECT;
    return unicastPromiscuity || isolation ? NONE_DIRECT : FILTERED_DIRECT;
  }

  private directFrom(vport: number, settings: VPortSettings): number {
    const { tables } = this;
    if (!settings.tx || !tables.isInSet(VPORT_SET.ACTIVE, vport)) return NONE_DIRECT;
    if (settings.checkMac && ownSource(settings) === undefined) return NONE_DIRECT;
    if (tables.tags.virtual.kind !== null) return WIRE_DIRECT;
    if (tables.goesToVPort(vport)) return NONE_DIRECT;
    const limited = tables.storms.isLimited(vport, UNKNOWN_UNICAST_STORM);
    if (tables.goesToWire(vport)) return limited ? NONE_DIRECT : WIRE_DIRECT;
    if (tables.unicastPromiscuity || (tables.isolation && !tables.isOpen(vport))) return NONE_DIRECT;
    return tables.unicastHashing || limited ? FILTERED_DIRECT : ALL_DIRECT;
  }
}

/** The first of a VPort's own addresses, if it has any. */
function ownSource({ addresses }: VPortSettings): number | undefined {
  for (const address of addresses) if (!isMulticast(address)) return address;
  return undefined;
}

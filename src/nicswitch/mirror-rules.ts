import { checkBoolean, checkInteger, checkIntegers, checkKeys } from '../base/index.ts';
import { hasBit, rowWords, writeBit } from './bitmap.ts';
import { targetPort } from './target.ts';
import { UNTAGGED } from './vlan-table.ts';

/**
 * What a mirroring rule copies, and to whom: frames that any of its conditions holds for (82599 data sheet, section
 * 7.10.3.6). The data sheet has one condition a rule, and none for what a VPort sends.
 */
export interface MirrorRule {
  /** VPort that gets the copies (82599: MRCTL.MP). */
  readonly to: number;
  /** Frames that one of these VPorts receives, from the wire or from VPorts (82599: MRCTL.VPME, VMRVM). */
  readonly receivedBy?: Iterable<number>;
  /** Frames that one of these VPorts sends, as far as they come to the switch: not in VEPA. */
  readonly sentBy?: Iterable<number>;
  /** Frames from the wire that some VPort receives (82599: MRCTL.UPME). */
  readonly uplink?: boolean;
  /** Frames from VPorts that go to the wire (82599: MRCTL.DPME). */
  readonly downlink?: boolean;
  /** Tagged frames of these VLANs, from the wire or from VPorts, received or not (82599: MRCTL.VLME, VMRVLAN). */
  readonly vlans?: Iterable<number>;
}

/** Every key of a rule. */
export const MIRROR_RULE_KEYS = {
  to: true,
  receivedBy: true,
  sentBy: true,
  uplink: true,
  downlink: true,
  vlans: true,
} as const;

/** A rule as the data path looks at it. */
interface CompiledRule {
  readonly to: number;
  readonly receivedBy: Int32Array;
  readonly sentBy: Int32Array;
  readonly uplink: boolean;
  readonly downlink: boolean;
  readonly vlans: Int32Array;
}

/**
 * The mirroring rules of a switch, in order. Each looks at who receives a frame without mirroring: a copy is
 * no reason for another copy.
 */
export class MirrorRules {
  /** Rules that there can be. */
  readonly capacity: number;
  /** True while some rule is set. */
  active = false;
  /** Told of each copy: the slot that it shares with the frame, and the VPort that gets it. */
  onCopy: ((slot: number, port: number) => void) | null = null;
  private readonly ports: number;
  private readonly rules: (CompiledRule | null)[];

  /** @param ports ports, the last of them the uplink. */
  constructor(capacity: number, ports: number) {
    this.capacity = capacity;
    this.ports = ports;
    this.rules = Array.from({ length: capacity }, () => null);
  }

  /** @throws TypeError or RangeError that names the field, or if the rule has no condition. */
  set(index: number, rule: MirrorRule | null): void {
    this.rules[index] = rule === null ? null : this.compile(rule);
    this.active = this.rules.some((other) => other !== null);
  }

  /**
   * No rule copies to `port`, or what it sends or receives; one that then copies nothing is gone. Returns whether some
   * rule did.
   */
  forget(port: number): boolean {
    let changed = false;
    for (const [index, rule] of this.rules.entries()) {
      if (rule === null) continue;
      const names = rule.to === port || hasBit(rule.receivedBy, 0, port) || hasBit(rule.sentBy, 0, port);
      if (!names) continue;
      changed = true;
      writeBit(rule.receivedBy, 0, port, false);
      writeBit(rule.sentBy, 0, port, false);
      const rows = [rule.receivedBy, rule.sentBy, rule.vlans];
      const copies = rule.uplink || rule.downlink || rows.some((row) => row.some((word) => word !== 0));
      if (rule.to === port || !copies) this.rules[index] = null;
    }
    this.active = this.rules.some((rule) => rule !== null);
    return changed;
  }

  clear(): void {
    this.rules.fill(null);
    this.active = false;
  }

  /** The VPort that rule `index` copies to, -1 for no rule. */
  destination(index: number): number {
    return this.rules[index]?.to ?? -1;
  }

  /**
   * Whether rule `index` copies the frame that has come from `ingress` in VLAN `vlan` and goes to the first
   * `count` of `targets`, in ascending order of ports: see target.ts.
   */
  copies(index: number, ingress: number, vlan: number, targets: Int32Array, count: number): boolean {
    const rule = this.rules[index];
    if (rule === null) return false;
    if (vlan !== UNTAGGED && hasBit(rule.vlans, 0, vlan)) return true;
    const uplink = this.ports - 1;
    if (ingress === uplink) {
      if (rule.uplink && count > 0) return true;
    } else {
      if (hasBit(rule.sentBy, 0, ingress)) return true;
      if (rule.downlink && count > 0 && targetPort(targets[count - 1]) === uplink) return true;
    }
    for (let i = 0; i < count; i++) if (hasBit(rule.receivedBy, 0, targetPort(targets[i]))) return true;
    return false;
  }

  /** Whether a frame that comes from `port` may be copied, whoever receives it. */
  watchesFrom(port: number): boolean {
    const fromWire = port === this.ports - 1;
    return this.rules.some(
      (rule) =>
        rule !== null &&
        (rule.vlans.some((word) => word !== 0) || (fromWire ? rule.uplink : hasBit(rule.sentBy, 0, port))),
    );
  }

  /** Whether a frame that goes to `port` may be copied, whoever sends it. */
  watchesTo(port: number): boolean {
    const toWire = port === this.ports - 1;
    return this.rules.some(
      (rule) => rule !== null && (toWire ? rule.downlink : hasBit(rule.receivedBy, 0, port)),
    );
  }

  private compile(rule: MirrorRule): CompiledRule {
    checkKeys<MirrorRule>('rule', rule, MIRROR_RULE_KEYS);
    const vports = this.ports - 1;
    const compiled = {
      to: checkInteger('rule.to', rule.to, 0, vports - 1),
      receivedBy: members('rule.receivedBy', rule.receivedBy, this.ports, vports - 1),
      sentBy: members('rule.sentBy', rule.sentBy, this.ports, vports - 1),
      uplink: checkBoolean('rule.uplink', rule.uplink ?? false),
      downlink: checkBoolean('rule.downlink', rule.downlink ?? false),
      vlans: members('rule.vlans', rule.vlans, 4096, 4095),
    };
    if (Object.values(rule).filter((value) => value !== undefined && value !== false).length < 2) {
      throw new TypeError('rule must copy something: what receivedBy, sentBy, uplink, downlink or vlans say');
    }
    return compiled;
  }
}

/** A row of bits with the given numbers. */
function members(name: string, numbers: Iterable<number> = [], size: number, highest: number): Int32Array {
  const row = new Int32Array(rowWords(size));
  for (const number of checkIntegers(name, numbers, 0, highest)) writeBit(row, 0, number, true);
  return row;
}

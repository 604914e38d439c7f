import { hashIndex } from '../../nicswitch/index.ts';
import type { ResolvedMirror, ResolvedScenario, VPortRef } from '../scenario-resolved.ts';
import { type FrameHeaders, macText } from './frame-headers.ts';
import type { Decider } from './life-steps.ts';
import type { RegisterLook } from './register-look.ts';

/** What is asked: a frame, where it came in, and for which VLAN the switch takes it. */
export interface Question {
  readonly headers: FrameHeaders;
  /** VPort; null for the wire. */
  readonly sender: number | null;
  readonly senderName: string;
  /** Null for none, undefined where it is not known. */
  readonly vlan: number | null | undefined;
  /** VPort of the PF. */
  readonly pf: number;
  readonly scenario: ResolvedScenario;
  /** Ports that receive it. */
  readonly receivers: readonly number[];
  readonly uplink: number;
}

const LBE = 1;
const RPL_EN = 1 << 30;
const DIS_DEF_POOL = 1 << 29;
const FCTRL_UPE = 1 << 9;
const FCTRL_MPE = 1 << 8;
const FCTRL_BAM = 1 << 10;
const AUPE = 1 << 24;
const ROMPE = 1 << 25;
const ROPE = 1 << 26;
const BAM = 1 << 27;
const MPE = 1 << 28;
const VFE = 1 << 30;
const MFE = 1 << 2;

/** What let a VPort send a frame: transmit enable, anti-spoofing. */
export function senderChecks(look: RegisterLook, { headers, sender, vlan }: Question): Decider[] {
  if (sender === null || !look.hasPools) return [];
  const found: Decider[] = [look.decider('PFVFTE', sender >> 5, `pool ${sender} may send`)];
  const insert = look.get('PFVMVIR', sender);
  if (insert >>> 30 === 1)
    found.push(look.decider('PFVMVIR', sender, `its frames get the tag of VLAN ${insert & 0xfff}`));
  if (insert >>> 30 === 2)
    found.push(look.decider('PFVMVIR', sender, 'tags of its descriptors are left out'));
  const spoof = look.get('PFVFSPOOF', sender >> 3) >>> (sender & 7);
  if ((spoof & 1) !== 0) {
    found.push(
      look.decider('PFVFSPOOF', sender >> 3, `MACAS: its source address has to be pool ${sender}'s own`),
    );
    found.push(...look.addressOf(headers.source, sender, macText(headers.source)));
  }
  if ((spoof & 0x100) !== 0 && vlan !== undefined) {
    found.push(
      look.decider('PFVFSPOOF', sender >> 3, `VLANAS: pool ${sender} has to be a member of its VLAN`),
    );
    found.push(...look.memberOf(vlan ?? 0, sender));
  }
  return found;
}

/** What made a VPort a receiver. */
export function admission(look: RegisterLook, question: Question, vport: number): Decider[] {
  const { sender, headers, scenario } = question;
  if (question.scenario.nic.portExtender !== undefined) return [];
  const forwarded = forwardingTo(question, vport);
  if (forwarded !== null) return [forwarded];
  const byFilter = headers.frameClass === 'unicast' ? singleAddress : groupAddress;
  const matched = isReplicated(look, question) ? byFilter(look, question, vport) : [];
  if (matched.length > 0) {
    const vlan = membership(look, question, vport);
    // Without its VLAN it would not be one.
    if (vlan !== null) {
      const loop = sender === null ? [] : loopback(look, sender, vport);
      return [...loop, ...matched, ...vlan];
    }
  }
  const byDefault = defaultPool(look, question, vport);
  if (byDefault !== null) return [byDefault];
  const mirrored = mirrorRule(look, question, vport);
  if (mirrored !== null) return [mirrored];
  const host = hostMirror(question, vport, scenario.nic.mirrors ?? []);
  return host === null ? [] : [host];
}

/** What keeps frames between pools in the card, and brings a pool its own back. */
function loopback(look: RegisterLook, sender: number, vport: number): Decider[] {
  const between = look.decider('PFDTXGSWC', 0, 'LBE: frames between pools stay in the card');
  if (sender !== vport) return [between];
  return [between, look.decider('PFVMTXSW', sender >> 5, `pool ${sender} gets its own frames, too`)];
}

/** What sent a frame of a VPort to the wire. */
export function toWire(look: RegisterLook, question: Question): Decider[] {
  const { headers, sender, scenario, vlan, pf } = question;
  if (sender === null || scenario.nic.portExtender !== undefined) return [];
  const mode = sender < pf ? scenario.vfs[sender]?.forwarding : undefined;
  if (mode !== undefined && mode !== 'veb') {
    const where = typeof mode === 'object' ? 'also to the wire' : `"${mode}": all to the wire`;
    return [setting(`vfs[${sender}].forwarding`, `frames of ${question.senderName} go ${where}`)];
  }
  if (mode === undefined && (look.get('PFDTXGSWC') & LBE) === 0)
    return [look.decider('PFDTXGSWC', 0, 'LBE is clear: all that pools send goes to the wire')];
  if (vlan !== undefined && vlan !== null && (look.get('VLNCTRL') & VFE) !== 0 && !look.bit('VFTA', vlan))
    return [look.decider('VFTA', vlan >> 5, `VLAN ${vlan} is not the card's: to the wire alone`)];
  if (headers.frameClass !== 'unicast')
    return [look.decider('PFDTXGSWC', 0, `LBE: a ${headers.frameClass} goes to the wire as well`)];
  if (look.addressFilters(headers.destination).length > 0) return [];
  return [
    look.decider('PFDTXGSWC', 0, 'LBE: frames between pools stay in the card'),
    {
      register: 'RAH[0..127]',
      value: null,
      section: look.decider('RAH', 0, '').section,
      why: `with RAL: none has ${macText(headers.destination)}`,
    },
  ];
}

/** Whether groups are looked up: else they are the default pool's. */
function isReplicated(look: RegisterLook, { headers }: Question): boolean {
  return headers.frameClass === 'unicast' || !look.hasPools || (look.get('PFVTCTL') & RPL_EN) !== 0;
}

function singleAddress(look: RegisterLook, { headers, sender }: Question, vport: number): Decider[] {
  const { destination } = headers;
  const exact = look.addressOf(destination, vport, macText(destination));
  if (exact.length > 0 || look.addressFilters(destination).length > 0) return exact;
  const index = hash(look, destination);
  if (look.hasPools && look.bit('PFUTA', index) && (look.get('PFVML2FLT', vport) & ROPE) !== 0) {
    return [
      look.decider('PFUTA', index >> 5, `entry ${index} of the hash table is set`),
      look.decider('PFVML2FLT', vport, `ROPE: pool ${vport} takes what it has`),
    ];
  }
  if (!look.hasPools && sender === null && (look.get('FCTRL') & FCTRL_UPE) !== 0)
    return [look.decider('FCTRL', 0, 'UPE: all single addresses')];
  return [];
}

function groupAddress(look: RegisterLook, { headers }: Question, vport: number): Decider[] {
  const { destination, frameClass } = headers;
  const filter = look.hasPools ? look.get('PFVML2FLT', vport) : 0;
  if (frameClass === 'broadcast') {
    if ((filter & BAM) !== 0)
      return [look.decider('PFVML2FLT', vport, `BAM: pool ${vport} takes broadcasts`)];
    if (!look.hasPools && (look.get('FCTRL') & FCTRL_BAM) !== 0)
      return [look.decider('FCTRL', 0, 'BAM: broadcasts')];
    return [];
  }
  const exact = look.addressOf(destination, vport, macText(destination));
  if (exact.length > 0) return exact;
  const index = hash(look, destination);
  const isHashed = look.addressFilters(destination).length === 0 && (look.get('MCSTCTRL') & MFE) !== 0;
  if (isHashed && look.bit('MTA', index) && (!look.hasPools || (filter & ROMPE) !== 0)) {
    const table = look.decider('MTA', index >> 5, `entry ${index} of the hash table is set`);
    if (!look.hasPools) return [table];
    return [table, look.decider('PFVML2FLT', vport, `ROMPE: pool ${vport} takes what it has`)];
  }
  if ((filter & MPE) !== 0) return [look.decider('PFVML2FLT', vport, `MPE: pool ${vport} takes all groups`)];
  if (!look.hasPools && (look.get('FCTRL') & FCTRL_MPE) !== 0)
    return [look.decider('FCTRL', 0, 'MPE: all groups')];
  return [];
}

/** By what a VPort is in the frame's VLAN; null if it is not. */
function membership(look: RegisterLook, { vlan }: Question, vport: number): Decider[] | null {
  if (vlan === undefined || !look.hasPools) return [];
  if (vlan === null) {
    const takes = (look.get('PFVML2FLT', vport) & AUPE) !== 0;
    return takes ? [look.decider('PFVML2FLT', vport, `AUPE: pool ${vport} takes untagged frames`)] : null;
  }
  const filter = look.memberOf(vlan, vport);
  return filter.length > 0 ? filter : null;
}

function defaultPool(look: RegisterLook, { sender, headers }: Question, vport: number): Decider | null {
  const control = look.get('PFVTCTL');
  if (sender !== null || !look.hasPools || (control & DIS_DEF_POOL) !== 0) return null;
  if (((control >>> 7) & 0x3f) !== vport) return null;
  if (headers.frameClass !== 'unicast' && (control & RPL_EN) !== 0) return null;
  return look.decider('PFVTCTL', 0, `DEF_PL: pool ${vport} gets what is for nobody`);
}

/** A rule of PFMRCTL that copies to a VPort. */
function mirrorRule(look: RegisterLook, question: Question, vport: number): Decider | null {
  if (!look.hasPools) return null;
  const { receivers, sender, uplink, vlan } = question;
  for (let rule = 0; rule < look.nic.profile.mirrorRules; rule++) {
    const control = look.get('PFMRCTL', rule);
    if ((control & 0xf) === 0 || ((control >>> 8) & 0x3f) !== vport) continue;
    const pools = receivers.filter((port) => port < uplink && inHalves(look, 'PFMRVM', rule, port));
    const filters = Array.from({ length: 64 }, (_, i) => i).filter(
      (i) => inHalves(look, 'PFMRVLAN', rule, i) && (look.get('PFVLVF', i) & 0xfff) === vlan,
    );
    const reasons = [
      (control & 1) !== 0 && pools.length > 0 && `VPME: what pool ${pools[0]} receives`,
      (control & 2) !== 0 && sender === null && 'UPME: what comes from the wire',
      (control & 4) !== 0 && receivers.includes(uplink) && 'DPME: what goes to the wire',
      (control & 8) !== 0 && filters.length > 0 && `VLME: what belongs to VLAN ${vlan}`,
    ].filter((reason) => reason !== false);
    if (reasons.length === 0) continue;
    return look.decider('PFMRCTL', rule, `MP: pool ${vport} gets copies; ${reasons[0]}`);
  }
  return null;
}

function inHalves(look: RegisterLook, name: string, rule: number, n: number): boolean {
  return ((look.get(name, rule + (n >= 32 ? 4 : 0)) >>> (n & 31)) & 1) !== 0;
}

/** A rule that the host has set at the switch. */
function hostMirror(question: Question, vport: number, mirrors: readonly ResolvedMirror[]): Decider | null {
  const { nic } = question.scenario;
  const { sender, receivers, uplink, vlan, pf } = question;
  const number = (ref: VPortRef) => (ref.kind === 'pf' ? pf : ref.vf);
  for (const [i, rule] of mirrors.entries()) {
    if (nic.vfs === 0 || number(rule.to) !== vport) continue;
    const copies =
      rule.receivedBy.some((ref) => receivers.includes(number(ref))) ||
      rule.sentBy.some((ref) => number(ref) === sender) ||
      (rule.uplink && sender === null) ||
      (rule.downlink && receivers.includes(uplink)) ||
      (typeof vlan === 'number' && rule.vlans.includes(vlan));
    if (copies) return setting(`nic.mirrors[${i}]`, `VPort ${vport} gets copies`);
  }
  return null;
}

/** A forwarding mode that leads to one VPort. */
function forwardingTo({ sender, scenario, pf, senderName }: Question, vport: number): Decider | null {
  if (sender === null || sender >= pf) return null;
  const mode = scenario.vfs[sender]?.forwarding;
  if (typeof mode !== 'object') return null;
  if ((mode.to.kind === 'pf' ? pf : mode.to.vf) !== vport) return null;
  return setting(`vfs[${sender}].forwarding`, `all that ${senderName} sends goes to VPort ${vport}`);
}

function hash(look: RegisterLook, mac: number): number {
  const last = mac % 2 ** 16;
  // As RAH has the last two bytes: the very last one above.
  return hashIndex((last >>> 8) | ((last & 0xff) << 8), look.get('MCSTCTRL') & 3);
}

/** A setting of the scenario's. */
export function setting(register: string, why: string): Decider {
  return { register, value: null, section: null, why };
}

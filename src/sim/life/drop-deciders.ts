import type { NicDropReason } from '../../nic/index.ts';
import type { DropReason } from '../../nicswitch/index.ts';
import { type Question, setting } from './admission.ts';
import { macText } from './frame-headers.ts';
import type { Decider } from './life-steps.ts';
import type { RegisterLook } from './register-look.ts';

const VFE = 1 << 30;
const DIS_DEF_POOL = 1 << 29;

/** A reason for a drop, whoever gives it. */
export type AnyDrop = DropReason | NicDropReason;

/** What is asked of a drop: the port is that of the record. */
export interface Dropped extends Question {
  readonly port: number;
  /** First receive queue of that port. */
  readonly queue: number;
}

type Rule = (look: RegisterLook, dropped: Dropped) => readonly Decider[];

/** What decided, for the reasons that a register or a setting stands behind. */
const RULES: Readonly<Partial<Record<AnyDrop, Rule>>> = {
  txDisabled: (look, { port }) => [look.decider('PFVFTE', port >> 5, `pool ${port} may not send`)],
  macSpoof: (look, { port, headers }) => [
    look.decider('PFVFSPOOF', port >> 3, `MACAS: the source address has to be pool ${port}'s own`),
    addresses(look, `none with ${macText(headers.source)} leads to pool ${port}`),
  ],
  vlanSpoof: (look, { port, vlan }) => [
    look.decider('PFVFSPOOF', port >> 3, `VLANAS: pool ${port} has to be a member of the frame's VLAN`),
    vlanFilters(look, `none of ${vlanText(vlan ?? 0)} has pool ${port}`),
  ],
  vlanNotAllowed: (_, { port }) => [setting(`vfs[${port}].allowedVlans`, 'the VLAN is none of these')],
  broadcastStorm: (_, { port }) => [storm(port, 'broadcast')],
  multicastStorm: (_, { port }) => [storm(port, 'multicast')],
  unknownUnicastStorm: (_, { port }) => [storm(port, 'unknownUnicast')],
  privateVPort: (_, { port, uplink }) =>
    port === uplink ? [] : [setting(`vfs[${port}].private`, 'private VPorts exchange no frames with others')],
  vlanFilter: (look, { sender, vlan }) => {
    const isRefused =
      typeof vlan === 'number' && (look.get('VLNCTRL') & VFE) !== 0 && !look.bit('VFTA', vlan);
    if (sender === null && isRefused) {
      return [
        look.decider('VLNCTRL', 0, 'VFE: VLANs are filtered'),
        look.decider('VFTA', vlan >> 5, `VLAN ${vlan} is not admitted`),
      ];
    }
    if (vlan === undefined || !look.hasPools) return [];
    if (vlan !== null) return [vlanFilters(look, `none of ${vlanText(vlan)} has a pool that matched`)];
    return [setting('PFVML2FLT', 'AUPE is clear in all that matched: they take no untagged frames')];
  },
  noMatch: (look, { headers, sender }) => {
    const control = look.get('PFVTCTL');
    const filters =
      headers.frameClass === 'broadcast'
        ? [setting('PFVML2FLT', 'BAM is clear in all: no pool takes broadcasts')]
        : [addresses(look, `none has ${macText(headers.destination)}`)];
    if (sender !== null || !look.hasPools || (control & DIS_DEF_POOL) === 0) return filters;
    return [...filters, look.decider('PFVTCTL', 0, 'Dis_Def_Pool: there is no default pool')];
  },
  sourcePruned: (look, { sender }) =>
    sender === null
      ? []
      : [look.decider('PFVMTXSW', sender >> 5, `frames of pool ${sender} do not come back`)],
  vportDisabled: (look, { headers, uplink }) => {
    const pools = Array.from({ length: uplink }, (_, pool) => pool);
    const matched = pools.find((pool) => look.addressOf(headers.destination, pool, '').length > 0);
    return matched === undefined
      ? []
      : [look.decider('PFVFRE', matched >> 5, `pool ${matched} may not receive`)];
  },
  noDescriptor: (look, { queue }) => {
    const access = look.nic.queues.readReceive(queue, SRRCTL);
    const own = (access & DROP_EN) !== 0;
    if (!own) return [look.decider('PFQDE', 0, `QDE: queue ${queue} drops what it has no descriptor for`)];
    return [
      {
        register: `SRRCTL[${queue}]`,
        value: access,
        section: SRRCTL_SECTION,
        why: `DROP_EN: queue ${queue} drops what it has no descriptor for`,
      },
    ];
  },
};

/** Split Receive Control of a queue, its bit for drops, and where the data sheet has it. */
const SRRCTL = 0x14;
const DROP_EN = 1 << 28;
const SRRCTL_SECTION = '8.2.3.8.7';

/** What decided that a frame is dropped. */
export function dropDeciders(look: RegisterLook, reason: AnyDrop, dropped: Dropped): readonly Decider[] {
  return RULES[reason]?.(look, dropped) ?? [];
}

function addresses(look: RegisterLook, why: string): Decider {
  const { section } = look.decider('RAH', 0, '');
  return { register: 'RAH[0..127]', value: null, section, why: `with RAL and MPSAR: ${why}` };
}

function vlanFilters(look: RegisterLook, why: string): Decider {
  const { section } = look.decider('PFVLVF', 0, '');
  return { register: 'PFVLVF[0..63]', value: null, section, why: `with PFVLVFB: ${why}` };
}

function vlanText(vlan: number): string {
  return `VLAN ${vlan}`;
}

function storm(port: number, kind: string): Decider {
  return setting(`vfs[${port}].stormLimits.${kind}`, 'more than so many a second');
}

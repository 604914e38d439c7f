import { describe, expect, it } from 'vitest';
import { type DropReason, hashIndex } from '../../src/nicswitch/index.ts';
import { macHighWord } from '../../src/wire/index.ts';
import {
  AUPE,
  BAM,
  BROADCAST,
  DIS_DEF_POOL,
  DPME,
  GROUP,
  MCSTCTRL,
  MPE,
  MTA,
  mac,
  PFDTXGSWC,
  PFMRCTL,
  PFMRVLAN,
  PFMRVM,
  PFUTA,
  PFVFRE,
  PFVFSPOOF,
  PFVFTE,
  PFVML2FLT,
  PFVMTXSW,
  PFVMVIR,
  PFVTCTL,
  Pools,
  ROMPE,
  ROPE,
  RPL_EN,
  SSVPC,
  STRANGER,
  UPME,
  VLME,
  VPME,
  VT_EN,
  WIRE,
} from './pools.ts';

/** So many frames of one kind, from a pool or from the wire. */
interface Frames {
  readonly count: number;
  readonly from: number;
  readonly to: number;
  readonly vlan?: number;
  /** Source address. Default: the sender's own. */
  readonly source?: number;
}

interface Situation {
  readonly name: string;
  readonly registers?: readonly (readonly [offset: number, value: number])[];
  /** Members of VLANs: filter, VLAN, bits of pools below 32. */
  readonly vlans?: readonly (readonly [filter: number, vlan: number, pools: number])[];
  readonly frames: readonly Frames[];
  /** Frames that come to each port. */
  readonly given: Record<string, number>;
  readonly dropped?: Partial<Record<DropReason, number>>;
  readonly mirrored?: number;
}

const rule = (n: number, what: number, pool: number) => [PFMRCTL + 4 * n, what | (pool << 8)] as const;
const pools = (n: number, bits: number) => [PFMRVM + 4 * n, bits] as const;
const filter = (pool: number, bits: number) => [PFVML2FLT + 4 * pool, bits] as const;
const hashBit = (table: number, address: number) => {
  const index = hashIndex(macHighWord(address), 0);
  return [table + 4 * (index >> 5), 1 << (index & 31)] as const;
};

/** The pools 0 to 3 and 40 take broadcasts and untagged frames; there is no default pool unless one is given. */
const BROADCASTS: readonly Situation[] = [
  {
    name: 'from a pool: each other one and the wire, once',
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: { 1: 10, 2: 10, 3: 10, 40: 10, wire: 10 },
  },
  {
    name: 'from each pool in turn: nobody its own',
    frames: [0, 1, 2, 3, 40].map((from) => ({ count: 3, from, to: BROADCAST })),
    given: { 0: 12, 1: 12, 2: 12, 3: 12, 40: 12, wire: 15 },
  },
  {
    name: 'from the wire: each pool, and not back',
    frames: [{ count: 40, from: WIRE, to: BROADCAST }],
    given: { 0: 40, 1: 40, 2: 40, 3: 40, 40: 40 },
  },
  {
    name: 'not to a pool without BAM',
    registers: [filter(2, AUPE)],
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: { 1: 10, 3: 10, 40: 10, wire: 10 },
  },
  {
    name: 'not to a pool without PFVFRE',
    registers: [[PFVFRE + 4, 0]],
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: { 1: 10, 2: 10, 3: 10, wire: 10 },
  },
  {
    name: 'untagged: not to a pool without AUPE',
    registers: [filter(3, BAM)],
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: { 1: 10, 2: 10, 40: 10, wire: 10 },
  },
  {
    name: 'tagged: to the members of the VLAN',
    vlans: [[0, 100, 0b0110]],
    frames: [{ count: 10, from: 0, to: BROADCAST, vlan: 100 }],
    given: { 1: 10, 2: 10, wire: 10 },
  },
  {
    name: 'from a pool without PFVFTE: to nobody',
    registers: [[PFVFTE, 0b1110]],
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: {},
    dropped: { txDisabled: 10 },
  },
  {
    name: 'from a pool while LBE is clear: to the wire alone',
    registers: [[PFDTXGSWC, 0]],
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: { wire: 10 },
  },
  {
    name: 'without replication: from a pool to the wire, from the wire to the default pool',
    registers: [[PFVTCTL, VT_EN | (3 << 7)]],
    frames: [
      { count: 10, from: 0, to: BROADCAST },
      { count: 7, from: WIRE, to: BROADCAST },
    ],
    given: { 3: 7, wire: 10 },
  },
  {
    name: 'to the sender as well with PFVMTXSW',
    registers: [[PFVMTXSW, 0b0001]],
    frames: [{ count: 10, from: 0, to: BROADCAST }],
    given: { 0: 10, 1: 10, 2: 10, 3: 10, 40: 10, wire: 10 },
  },
];

const GROUPS: readonly Situation[] = [
  {
    name: 'that nobody asked for: from a pool to the wire, from the wire to nobody',
    frames: [
      { count: 10, from: 0, to: GROUP },
      { count: 10, from: WIRE, to: GROUP },
    ],
    given: { wire: 10 },
    dropped: { noMatch: 10 },
  },
  {
    name: 'by MTA to the pools with ROMPE, by MPE whatever the MTA says',
    registers: [
      [MCSTCTRL, 4],
      hashBit(MTA, GROUP),
      filter(1, AUPE | ROMPE),
      filter(2, AUPE | ROMPE),
      filter(3, AUPE | MPE),
    ],
    frames: [
      { count: 10, from: WIRE, to: GROUP },
      { count: 5, from: 1, to: GROUP },
    ],
    given: { 1: 10, 2: 15, 3: 15, wire: 5 },
  },
  {
    name: 'MPE takes no unicast',
    registers: [filter(3, AUPE | MPE)],
    frames: [{ count: 10, from: WIRE, to: STRANGER }],
    given: {},
    dropped: { noMatch: 10 },
  },
];

const UNICAST: readonly Situation[] = [
  {
    name: 'between pools: not on the wire',
    frames: [{ count: 10, from: 0, to: mac(1) }],
    given: { 1: 10 },
  },
  {
    name: 'between pools while LBE is clear: on the wire only',
    registers: [[PFDTXGSWC, 0]],
    frames: [{ count: 10, from: 0, to: mac(1) }],
    given: { wire: 10 },
  },
  {
    name: 'to an address of nobody: on the wire only, though there is a default pool',
    registers: [[PFVTCTL, VT_EN | RPL_EN | (3 << 7)]],
    frames: [{ count: 10, from: 0, to: STRANGER }],
    given: { wire: 10 },
  },
  {
    name: 'by PFUTA from a pool: to the pools with ROPE and on the wire, for no exact filter has it',
    registers: [hashBit(PFUTA, STRANGER), filter(1, AUPE | ROPE)],
    frames: [
      { count: 10, from: 0, to: STRANGER },
      { count: 10, from: WIRE, to: STRANGER },
    ],
    given: { 1: 20, wire: 10 },
  },
  {
    name: 'from the wire for nobody: to the default pool',
    registers: [[PFVTCTL, VT_EN | RPL_EN | (3 << 7)]],
    frames: [{ count: 10, from: WIRE, to: STRANGER }],
    given: { 3: 10 },
  },
  {
    name: 'from the wire in a VLAN of which its pool is no member: to the default pool',
    registers: [[PFVTCTL, VT_EN | RPL_EN | (3 << 7)]],
    vlans: [[0, 100, 0b0100]],
    frames: [{ count: 10, from: WIRE, to: mac(1), vlan: 100 }],
    given: { 3: 10 },
  },
  {
    name: 'for a pool without PFVFRE: to nobody, not to the default pool, which was asked before',
    registers: [
      [PFVTCTL, VT_EN | RPL_EN | (3 << 7)],
      [PFVFRE, 0b1101],
    ],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: {},
    dropped: { vportDisabled: 10 },
  },
  {
    name: 'for nobody, and the default pool is without PFVFRE',
    registers: [
      [PFVTCTL, VT_EN | RPL_EN | (3 << 7)],
      [PFVFRE, 0b0111],
    ],
    frames: [{ count: 10, from: WIRE, to: STRANGER }],
    given: {},
    dropped: { vportDisabled: 10 },
  },
  {
    name: 'between pools of different VLANs: to nobody, and not on the wire',
    vlans: [
      [0, 100, 0b0011],
      [1, 200, 0b0100],
    ],
    frames: [
      { count: 10, from: 0, to: mac(1), vlan: 100 },
      { count: 10, from: 0, to: mac(2), vlan: 100 },
    ],
    given: { 1: 10 },
    dropped: { vlanFilter: 10 },
  },
  {
    name: 'between pools with port VLANs, at first another one and then the same',
    registers: [[PFVMVIR, 0x4000_0001]],
    vlans: [
      [0, 1, 0b0001],
      [1, 2, 0b0010],
    ],
    frames: [{ count: 100, from: 0, to: mac(1) }],
    given: {},
    dropped: { vlanFilter: 100 },
  },
  {
    name: 'between pools with the same port VLAN',
    registers: [[PFVMVIR, 0x4000_0001]],
    vlans: [[0, 1, 0b0011]],
    frames: [{ count: 100, from: 0, to: mac(1) }],
    given: { 1: 100 },
  },
];

const SPOOFED: readonly Situation[] = [
  {
    name: 'source addresses of others, of which SSVPC tells as many',
    registers: [[PFVFSPOOF, 0b0001]],
    frames: [
      { count: 10, from: 0, to: mac(1) },
      { count: 7, from: 0, to: mac(1), source: mac(2) },
      { count: 5, from: 0, to: BROADCAST, source: STRANGER },
      { count: 3, from: 1, to: mac(2), source: STRANGER },
    ],
    given: { 1: 10, 2: 3 },
    dropped: { macSpoof: 12 },
  },
  {
    name: 'VLANs of others',
    registers: [[PFVFSPOOF, 0x0101]],
    vlans: [
      [0, 100, 0b0011],
      [1, 200, 0b0010],
    ],
    frames: [
      { count: 10, from: 0, to: mac(1), vlan: 100 },
      { count: 7, from: 0, to: mac(1), vlan: 200 },
      { count: 4, from: 0, to: STRANGER, vlan: 300 },
    ],
    given: { 1: 10 },
    dropped: { vlanSpoof: 11 },
  },
  {
    name: 'the VLAN that PFVMVIR inserts is the one that is checked',
    registers: [
      [PFVFSPOOF, 0x0101],
      [PFVMVIR, 0x4000_0000 | 100],
    ],
    vlans: [[0, 100, 0b0010]],
    frames: [{ count: 10, from: 0, to: mac(1) }],
    given: {},
    dropped: { vlanSpoof: 10 },
  },
];

const MIRRORED: readonly Situation[] = [
  {
    name: 'two pools of 51 frames each: one rule for the first, one for all',
    registers: [pools(0, 0b001), rule(0, VPME, 1), pools(1, -1), pools(5, -1), rule(1, VPME, 2)],
    frames: [
      { count: 51, from: WIRE, to: mac(0) },
      { count: 51, from: WIRE, to: mac(1) },
    ],
    given: { 0: 51, 1: 102, 2: 102 },
    mirrored: 153,
  },
  {
    name: 'pool: tagged frames as untagged ones, and nothing that its VLAN keeps from the pool',
    registers: [pools(0, 0b0010), rule(0, VPME, 40)],
    vlans: [
      [0, 100, 0b0010],
      [1, 200, 0b0100],
    ],
    frames: [
      { count: 10, from: WIRE, to: mac(1) },
      { count: 10, from: WIRE, to: mac(1), vlan: 100 },
      { count: 10, from: WIRE, to: mac(1), vlan: 200 },
    ],
    given: { 1: 20, 40: 20 },
    dropped: { vlanFilter: 10 },
    mirrored: 20,
  },
  {
    name: 'pool: what another pool sends there too',
    registers: [pools(0, 0b0010), rule(0, VPME, 3)],
    frames: [
      { count: 10, from: 0, to: mac(1) },
      { count: 10, from: 1, to: mac(0) },
    ],
    given: { 0: 10, 1: 10, 3: 10 },
    mirrored: 10,
  },
  {
    name: 'pool: broadcasts, of which the destination has one already',
    registers: [pools(0, 0b0010), rule(0, VPME, 3)],
    frames: [{ count: 10, from: WIRE, to: BROADCAST }],
    given: { 0: 10, 1: 10, 2: 10, 3: 10, 40: 10 },
  },
  {
    name: 'uplink: from the wire for some pool; not for nobody, not between pools, not to the wire',
    registers: [rule(0, UPME, 40)],
    frames: [
      { count: 10, from: WIRE, to: mac(0) },
      { count: 10, from: WIRE, to: mac(1) },
      { count: 10, from: WIRE, to: STRANGER },
      { count: 10, from: 0, to: mac(1) },
      { count: 10, from: 0, to: STRANGER },
    ],
    given: { 0: 10, 1: 20, 40: 20, wire: 10 },
    dropped: { noMatch: 10 },
    mirrored: 20,
  },
  {
    name: 'downlink: 16 frames to the wire; not between pools',
    registers: [rule(0, DPME, 1)],
    frames: [
      { count: 16, from: 0, to: STRANGER },
      { count: 10, from: 0, to: mac(2) },
    ],
    given: { 1: 16, 2: 10, wire: 16 },
    mirrored: 16,
  },
  {
    name: 'downlink: what the destination sends comes back to it',
    registers: [rule(0, DPME, 1)],
    frames: [{ count: 10, from: 1, to: STRANGER }],
    given: { 1: 10, wire: 10 },
    mirrored: 10,
  },
  {
    name: 'VLAN: its frames, from the wire and from pools',
    registers: [[PFMRVLAN, 1 << 5], rule(0, VLME, 3)],
    vlans: [
      [5, 100, 0b0011],
      [6, 200, 0b0011],
    ],
    frames: [
      { count: 10, from: WIRE, to: mac(1), vlan: 100 },
      { count: 10, from: 0, to: mac(1), vlan: 100 },
      { count: 10, from: 0, to: STRANGER, vlan: 100 },
      { count: 10, from: WIRE, to: mac(1), vlan: 200 },
      { count: 10, from: WIRE, to: mac(1) },
    ],
    given: { 1: 40, 3: 30, wire: 10 },
    mirrored: 30,
  },
  {
    name: 'pool and uplink to one destination: one copy',
    registers: [pools(0, 0b0010), rule(0, VPME, 3), rule(1, UPME, 3), rule(2, UPME | VPME, 3), pools(2, -1)],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: { 1: 10, 3: 10 },
    mirrored: 10,
  },
  {
    name: 'four rules to four destinations',
    registers: [
      [PFMRVLAN, 1 << 5],
      rule(0, VLME, 0),
      pools(1, 0b0010),
      rule(1, VPME, 2),
      rule(2, UPME, 3),
      rule(3, DPME, 40),
    ],
    vlans: [[5, 100, 0b0010]],
    frames: [
      { count: 10, from: WIRE, to: mac(1), vlan: 100 },
      { count: 10, from: 1, to: STRANGER, vlan: 100 },
    ],
    given: { 0: 20, 1: 10, 2: 10, 3: 10, 40: 10, wire: 10 },
    mirrored: 50,
  },
  {
    name: 'a destination needs neither BAM nor AUPE nor the VLAN',
    registers: [rule(0, UPME, 3), filter(3, 0)],
    vlans: [[0, 100, 0b0010]],
    frames: [
      { count: 10, from: WIRE, to: mac(1), vlan: 100 },
      { count: 10, from: WIRE, to: BROADCAST },
    ],
    given: { 0: 10, 1: 20, 2: 10, 3: 20, 40: 10 },
    mirrored: 20,
  },
  {
    name: 'a destination needs PFVFRE',
    registers: [rule(0, UPME, 3), [PFVFRE, 0b0111]],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: { 1: 10 },
  },
  {
    name: 'what pools without PFVFRE do not receive is not mirrored',
    registers: [rule(0, UPME | VPME, 3), pools(0, -1), [PFVFRE, 0b1101]],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: {},
    dropped: { vportDisabled: 10 },
  },
  {
    name: 'nothing while RPL_EN is clear',
    registers: [rule(0, UPME | DPME | VPME, 3), pools(0, -1), [PFVTCTL, VT_EN | DIS_DEF_POOL]],
    frames: [
      { count: 10, from: WIRE, to: mac(1) },
      { count: 10, from: 1, to: STRANGER },
    ],
    given: { 1: 10, wire: 10 },
  },
  {
    name: 'while LBE is clear what comes from the wire, not what pools send',
    registers: [rule(0, UPME | DPME | VPME, 3), pools(0, -1), [PFDTXGSWC, 0]],
    frames: [
      { count: 10, from: WIRE, to: mac(1) },
      { count: 10, from: 1, to: mac(2) },
    ],
    given: { 1: 10, 3: 10, wire: 10 },
    mirrored: 10,
  },
  {
    name: 'nothing that was spoofed',
    registers: [rule(0, DPME | VPME, 3), pools(0, -1), [PFVFSPOOF, 1]],
    frames: [{ count: 10, from: 0, to: STRANGER, source: mac(1) }],
    given: {},
    dropped: { macSpoof: 10 },
  },
  {
    name: 'a rule that has been taken away copies nothing',
    registers: [rule(0, UPME, 3), [PFMRCTL, 0]],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: { 1: 10 },
  },
];

describe.each<[string, readonly Situation[]]>([
  ['broadcasts', BROADCASTS],
  ['group frames', GROUPS],
  ['unicast frames', UNICAST],
  ['spoofed frames', SPOOFED],
  ['mirrored frames', MIRRORED],
])('an 82599 gives %s', (_, situations) => {
  it.each(situations)(
    '$name',
    ({ registers = [], vlans = [], frames, given, dropped = {}, mirrored = 0 }) => {
      const card = new Pools();
      for (const [filterIndex, vlan, members] of vlans) card.vlan(filterIndex, vlan, members);
      for (const [offset, value] of registers) card.write(offset, value);
      let sent = 0;
      for (const { count, from, to, vlan, source } of frames) {
        for (let i = 0; i < count; i++) card.send(from, to, vlan, source);
        sent += count;
      }
      expect(card.given()).toEqual(given);

      const { switch: nicSwitch } = card.nic.data;
      const counters = nicSwitch.counters();
      const lost = Object.entries(counters).filter(
        ([name, count]) => name.startsWith('dropped.') && count > 0,
      );
      expect(Object.fromEntries(lost.map(([name, count]) => [name.slice(8), count]))).toEqual(dropped);
      expect(counters.mirrored).toBe(mirrored);
      expect(card.read(SSVPC)).toBe((dropped.macSpoof ?? 0) + (dropped.vlanSpoof ?? 0));
      const delivered = Object.values(given).reduce((sum, each) => sum + each, 0);
      const droppedInAll = Object.values(dropped).reduce((sum, each) => sum + each, 0);
      expect(nicSwitch.balance()).toEqual({
        framesIn: sent,
        replicas: delivered + droppedInAll - sent,
        delivered,
        dropped: droppedInAll,
      });
    },
  );
});

import { describe, it } from 'vitest';
import {
  AUPE,
  BAM,
  BROADCAST,
  GROUP,
  MCSTCTRL,
  MPE,
  MTA,
  mac,
  PFDTXGSWC,
  PFUTA,
  PFVFRE,
  PFVFSPOOF,
  PFVFTE,
  PFVLVF,
  PFVMTXSW,
  PFVMVIR,
  PFVTCTL,
  ROMPE,
  ROPE,
  RPL_EN,
  STRANGER,
  VT_EN,
  WIRE,
} from './pools.ts';
import { expectSituation, filter, hashBit, type Situation } from './situations.ts';

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
    name: 'of a pool in one VLAN: those of that VLAN pass, others do not, and none without a VLAN, with AUPE or not',
    registers: [[PFVFSPOOF, 0x0101]],
    vlans: [[5, 100, 0b0011]],
    frames: [
      { count: 10, from: 0, to: mac(1), vlan: 100 },
      { count: 7, from: 0, to: mac(1), vlan: 102 },
      { count: 5, from: 0, to: mac(1) },
      { count: 3, from: 0, to: mac(1), vlan: 0 },
      { count: 2, from: 0, to: STRANGER },
    ],
    given: { 1: 10 },
    dropped: { vlanSpoof: 17 },
  },
  {
    name: 'of a pool in one VLAN, with the check off: all pass, and come where their VLAN lets them',
    registers: [[PFVFSPOOF, 0x0001]],
    vlans: [[5, 100, 0b0011]],
    frames: [
      { count: 10, from: 0, to: STRANGER, vlan: 100 },
      { count: 7, from: 0, to: STRANGER, vlan: 102 },
      { count: 5, from: 0, to: STRANGER },
    ],
    given: { wire: 22 },
  },
  {
    name: 'of a pool in VLAN 0: untagged ones pass, and those with a priority tag, as with the driver of Linux',
    registers: [[PFVFSPOOF, 0x0101]],
    vlans: [
      [0, 0, 0b0011],
      [5, 100, 0b0010],
    ],
    frames: [
      { count: 10, from: 0, to: mac(1) },
      { count: 5, from: 0, to: mac(1), vlan: 0 },
      { count: 7, from: 0, to: mac(1), vlan: 100 },
    ],
    given: { 1: 15 },
    dropped: { vlanSpoof: 7 },
  },
  {
    name: 'of a pool in VLAN 0 without AUPE, which is about what it receives',
    registers: [[PFVFSPOOF, 0x0101], filter(0, BAM)],
    vlans: [[0, 0, 0b0001]],
    frames: [
      { count: 10, from: 0, to: mac(1) },
      { count: 4, from: WIRE, to: mac(0) },
    ],
    given: { 1: 10 },
    dropped: { vlanFilter: 4 },
  },
  {
    name: 'of a pool whose filter for VLAN 0 has been taken away',
    registers: [
      [PFVFSPOOF, 0x0101],
      [PFVLVF, 0],
    ],
    vlans: [[0, 0, 0b0001]],
    frames: [{ count: 10, from: 0, to: mac(1) }],
    given: {},
    dropped: { vlanSpoof: 10 },
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

/** What a PF driver sets up for a VF that the tests of DPDK's plan `vf_vlan` send frames to. */
const VLANS: readonly Situation[] = [
  {
    name: 'in a port VLAN: those of the VLAN, none without a VLAN and none of another',
    registers: [[PFVMVIR, 0x4000_0002], filter(0, BAM)],
    vlans: [[63, 2, 0b0001]],
    frames: [
      { count: 10, from: WIRE, to: mac(0), vlan: 2 },
      { count: 7, from: WIRE, to: mac(0) },
      { count: 5, from: WIRE, to: mac(0), vlan: 3 },
      { count: 3, from: WIRE, to: mac(0), vlan: 0 },
    ],
    given: { 0: 10 },
    dropped: { vlanFilter: 15 },
  },
  {
    name: 'without a port VLAN: those without a VLAN, tagged with VLAN 0 or not, and none of a VLAN',
    vlans: [[0, 0, 0b0001]],
    frames: [
      { count: 10, from: WIRE, to: mac(0) },
      { count: 7, from: WIRE, to: mac(0), vlan: 0 },
      { count: 5, from: WIRE, to: mac(0), vlan: 2 },
    ],
    given: { 0: 17 },
    dropped: { vlanFilter: 5 },
  },
  {
    name: 'without a port VLAN, once it has asked for one: that as well',
    vlans: [
      [0, 0, 0b0001],
      [63, 4094, 0b0001],
    ],
    frames: [
      { count: 10, from: WIRE, to: mac(0) },
      { count: 7, from: WIRE, to: mac(0), vlan: 0 },
      { count: 5, from: WIRE, to: mac(0), vlan: 4094 },
      { count: 3, from: WIRE, to: mac(0), vlan: 1 },
    ],
    given: { 0: 22 },
    dropped: { vlanFilter: 3 },
  },
  {
    name: 'with AUPE alone: those with VLAN 0, though neither PFVLVF nor VFTA has it',
    frames: [{ count: 10, from: WIRE, to: mac(0), vlan: 0 }],
    given: { 0: 10 },
  },
];

describe.each<[string, readonly Situation[]]>([
  ['broadcasts', BROADCASTS],
  ['group frames', GROUPS],
  ['unicast frames', UNICAST],
  ['spoofed frames', SPOOFED],
  ['a pool its frames', VLANS],
])('an 82599 gives %s', (_, situations) => {
  it.each(situations)('$name', expectSituation);
});

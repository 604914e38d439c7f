import { describe, it } from 'vitest';
import {
  BROADCAST,
  DIS_DEF_POOL,
  DPME,
  mac,
  PFDTXGSWC,
  PFMRCTL,
  PFMRVLAN,
  PFVFRE,
  PFVFSPOOF,
  PFVTCTL,
  STRANGER,
  UPME,
  VLME,
  VPME,
  VT_EN,
  WIRE,
} from './pools.ts';
import { expectSituation, filter, pools, rule, type Situation } from './situations.ts';

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
    name: 'pools and VLANs of a rule that names none: nothing',
    registers: [rule(0, VPME, 3), rule(1, VLME, 3), rule(2, VPME | VLME, 3)],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: { 1: 10 },
  },
  {
    name: 'a rule that has been taken away copies nothing',
    registers: [rule(0, UPME, 3), [PFMRCTL, 0]],
    frames: [{ count: 10, from: WIRE, to: mac(1) }],
    given: { 1: 10 },
  },
];

describe('an 82599 gives mirrored frames', () => {
  it.each(MIRRORED)('$name', expectSituation);
});

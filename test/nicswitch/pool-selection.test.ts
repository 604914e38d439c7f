import { describe, expect, it } from 'vitest';
import { DROP_REASONS, hashIndex, type NicSwitch } from '../../src/nicswitch/index.ts';
import { macHighWord } from '../../src/wire/index.ts';
import { Bench, BROADCAST, type FrameFields, GROUP, mac, STRANGER } from './fixtures.ts';

/**
 * The pool selection of the 82576 and the 82599 as tables: a situation, who receives the frame, and what is counted. VPorts
 * 0 to 3 send, receive and have an address each; everything else is as after a reset unless the situation says otherwise.
 */
type Row = [
  situation: string,
  configure: (s: NicSwitch) => void,
  ingress: number,
  frame: FrameFields,
  /** VPorts and the wire, or the reason of the drop. */
  receivers: string,
];

const WIRE = 4;
const nothing = () => {};
/** VPorts 0 and 1 in VLAN 10, 2 in VLAN 20, 3 in none; the filter on. */
const vlans = (s: NicSwitch) => {
  s.setVlanFilter(true);
  s.addVlan(0, 10);
  s.addVlan(1, 10);
  s.addVlan(2, 20);
};
const toDefault = (s: NicSwitch) => s.setDefaultVPort(3);
const both =
  (...all: ((s: NicSwitch) => void)[]) =>
  (s: NicSwitch) => {
    for (const each of all) each(s);
  };

/** Sets the entries of an address in both hash tables, as offset `mo` finds them, and lets VPorts take them. */
const hashed = (address: number, mo: number, multicast: number[], unicast: number[]) => (s: NicSwitch) => {
  s.setHashOffset(mo);
  s.setMulticastHash(hashIndex(macHighWord(address), mo), true);
  s.setUnicastHash(hashIndex(macHighWord(address), mo), true);
  for (const v of multicast) s.setAcceptMulticastHash(v, true);
  for (const v of unicast) s.setAcceptUnicastHash(v, true);
};

const RECEIVE: Row[] = [
  ['1: longer than the switch passes', toDefault, WIRE, { to: mac(1), bytes: 1515 }, 'giant'],
  ['1: as long as it passes', nothing, WIRE, { to: mac(1), bytes: 1514 }, '1'],
  [
    '1: VLAN not admitted, though a pool is in it',
    both(vlans, (s) => s.setVlanAdmitted(10, false)),
    WIRE,
    { to: mac(1), tci: 10 },
    'vlanFilter',
  ],
  [
    '1: VLAN not admitted, default pool or not',
    both(vlans, toDefault, (s) => s.setVlanAdmitted(10, false)),
    WIRE,
    { to: STRANGER, tci: 10 },
    'vlanFilter',
  ],
  [
    '1: untagged passes the table of VLANs',
    both(vlans, (s) => {
      for (let v = 0; v < 4096; v++) s.setVlanAdmitted(v, false);
    }),
    WIRE,
    { to: mac(1) },
    '1',
  ],
  [
    '1: the table does not matter while the filter is off',
    (s) => s.setVlanAdmitted(10, false),
    WIRE,
    { to: mac(1), tci: 10 },
    '1',
  ],

  [
    '2: broadcast, to pools with BAM',
    (s) => s.setAcceptBroadcast(1, false),
    WIRE,
    { to: BROADCAST },
    '0 2 3',
  ],
  [
    '2: broadcast, no pool with BAM',
    (s) => {
      for (let v = 0; v < 4; v++) s.setAcceptBroadcast(v, false);
    },
    WIRE,
    { to: BROADCAST },
    'noMatch',
  ],
  ['2: exact match', nothing, WIRE, { to: mac(2) }, '2'],
  ['2: exact match, union of the pools', (s) => s.addMac(0, mac(2)), WIRE, { to: mac(2) }, '0 2'],
  [
    '2: exact match of a group',
    both(
      (s) => s.addMac(1, GROUP),
      (s) => s.addMac(3, GROUP),
    ),
    WIRE,
    { to: GROUP },
    '1 3',
  ],
  [
    '2: exact match, the hash tables are not looked at',
    hashed(mac(2), 0, [], [0, 1]),
    WIRE,
    { to: mac(2) },
    '2',
  ],
  [
    '2: exact match of a group, the hash tables are not looked at',
    both((s) => s.addMac(1, GROUP), hashed(GROUP, 0, [2, 3], [])),
    WIRE,
    { to: GROUP },
    '1',
  ],
  ...[0, 1, 2, 3].flatMap((mo): Row[] => [
    [
      `2: hash of a group, MO ${mo}, to pools with ROMPE`,
      hashed(GROUP, mo, [1, 3], [0]),
      WIRE,
      { to: GROUP },
      '1 3',
    ],
    [
      `2: hash of a single address, MO ${mo}, to pools with ROPE`,
      hashed(STRANGER, mo, [0], [1, 2]),
      WIRE,
      { to: STRANGER },
      '1 2',
    ],
    [
      `2: hash, the table was filled for another MO than ${mo}`,
      both(hashed(0x02abcdef1230, mo, [], [1]), (s) => s.setHashOffset((mo + 1) & 3)),
      WIRE,
      { to: 0x02abcdef1230 },
      'noMatch',
    ],
  ]),
  [
    '2: hash, another address with the same 12 bits',
    hashed(STRANGER, 0, [], [1]),
    WIRE,
    { to: STRANGER - 0x0100_0000_0000 + 0x0000_0001_0000 },
    '1',
  ],
  ['2: hash, entry not set', (s) => s.setAcceptMulticastHash(1, true), WIRE, { to: GROUP }, 'noMatch'],
  ['2: hash, entry set and no pool takes it', hashed(GROUP, 0, [], [1]), WIRE, { to: GROUP }, 'noMatch'],
  [
    '2: MPE adds pools to the exact match',
    both(
      (s) => s.addMac(1, GROUP),
      (s) => s.setMulticastPromiscuous(2, true),
    ),
    WIRE,
    { to: GROUP },
    '1 2',
  ],
  [
    '2: MPE is no BAM',
    both(
      (s) => s.setMulticastPromiscuous(2, true),
      (s) => s.setAcceptBroadcast(2, false),
    ),
    WIRE,
    { to: BROADCAST },
    '0 1 3',
  ],

  ['3: tagged, intersected with the pools of the VLAN', vlans, WIRE, { to: BROADCAST, tci: 10 }, '0 1'],
  ['3: tagged, no pool that matched is in the VLAN', vlans, WIRE, { to: mac(2), tci: 10 }, 'vlanFilter'],
  ['3: tagged, a VLAN without pools', vlans, WIRE, { to: BROADCAST, tci: 30 }, 'vlanFilter'],
  [
    '3: untagged, pools with AUPE',
    both(vlans, (s) => s.setAcceptUntagged(1, false)),
    WIRE,
    { to: BROADCAST },
    '0 2 3',
  ],
  [
    '3: untagged, AUPE off',
    both(vlans, (s) => s.setAcceptUntagged(1, false)),
    WIRE,
    { to: mac(1) },
    'vlanFilter',
  ],
  [
    '3: untagged, AUPE off, the filter off too',
    (s) => s.setAcceptUntagged(1, false),
    WIRE,
    { to: mac(1) },
    '1',
  ],
  [
    '3: a priority tag of VLAN 0 counts as untagged',
    both(vlans, (s) => s.setAcceptUntagged(1, false)),
    WIRE,
    { to: BROADCAST, tci: 0xa000 },
    '0 2 3',
  ],
  [
    '3: hash match, then the VLAN',
    both(vlans, hashed(STRANGER, 0, [], [0, 2])),
    WIRE,
    { to: STRANGER, tci: 20 },
    '2',
  ],

  ['4: nobody, default pool', toDefault, WIRE, { to: STRANGER }, '3'],
  [
    '4: nobody, default pool disabled',
    both(toDefault, (s) => s.setDefaultVPort(null)),
    WIRE,
    { to: STRANGER },
    'noMatch',
  ],
  [
    '4: nobody after the VLAN filter, default pool',
    both(vlans, toDefault),
    WIRE,
    { to: mac(2), tci: 10 },
    '3',
  ],
  [
    '4: nobody of an untagged frame, AUPE off everywhere, default pool',
    both(vlans, toDefault, (s) => {
      for (let v = 0; v < 4; v++) s.setAcceptUntagged(v, false);
    }),
    WIRE,
    { to: mac(2) },
    '3',
  ],
  ['4: nobody of a group: no default pool', toDefault, WIRE, { to: GROUP }, 'noMatch'],
  [
    '4: nobody of a broadcast: no default pool',
    both(toDefault, (s) => {
      for (let v = 0; v < 4; v++) s.setAcceptBroadcast(v, false);
    }),
    WIRE,
    { to: BROADCAST },
    'noMatch',
  ],
  ['4: somebody: no default pool', toDefault, WIRE, { to: mac(1) }, '1'],

  ['5: VFRE off', (s) => s.setVPortEnabled(1, false, true), WIRE, { to: mac(1) }, 'vportDisabled'],
  [
    '5: VFRE off, the default pool was chosen before',
    both(toDefault, (s) => s.setVPortEnabled(1, false, true)),
    WIRE,
    { to: mac(1) },
    'vportDisabled',
  ],
  [
    '5: VFRE off of the default pool',
    both(toDefault, (s) => s.setVPortEnabled(3, false, true)),
    WIRE,
    { to: STRANGER },
    'vportDisabled',
  ],
  [
    '5: VFRE off of one of several',
    (s) => s.setVPortEnabled(1, false, true),
    WIRE,
    { to: BROADCAST },
    '0 2 3',
  ],
  [
    '5: too long for one of several pools',
    (s) => s.setMaxFrameBytes(1, 100),
    WIRE,
    { to: BROADCAST, bytes: 101 },
    '0 2 3',
  ],
  [
    '5: too long for every pool that matched',
    (s) => s.setMaxFrameBytes(1, 100),
    WIRE,
    { to: mac(1), bytes: 101 },
    'giant',
  ],
  [
    '5: too long but for its tag',
    (s) => s.setMaxFrameBytes(1, 100),
    WIRE,
    { to: mac(1), bytes: 104, tci: 10 },
    '1',
  ],
  [
    '5: too long for the default pool',
    both(toDefault, (s) => s.setMaxFrameBytes(3, 100)),
    WIRE,
    { to: STRANGER, bytes: 101 },
    'giant',
  ],
];

const TRANSMIT: Row[] = [
  ['exact match of another pool: not to the wire', nothing, 0, { to: mac(1) }, '1'],
  ['exact match of several pools: not to the wire', (s) => s.addMac(2, mac(1)), 0, { to: mac(1) }, '1 2'],
  ['exact match of itself: neither back nor to the wire', nothing, 0, { to: mac(0) }, 'sourcePruned'],
  ['exact match of itself with PFVMTXSW', (s) => s.setSelfDelivery(0, true), 0, { to: mac(0) }, '0'],
  ['exact match of itself and another', (s) => s.addMac(1, mac(0)), 0, { to: mac(0) }, '1'],
  [
    'exact match of a pool that may not receive',
    (s) => s.setVPortEnabled(1, false, true),
    0,
    { to: mac(1) },
    'vportDisabled',
  ],
  [
    'exact match of a pool that takes shorter frames',
    (s) => s.setMaxFrameBytes(1, 100),
    0,
    { to: mac(1), bytes: 101 },
    'giant',
  ],
  ['no match: to the wire', nothing, 0, { to: STRANGER }, 'wire'],
  ['no match: not to the default pool', toDefault, 0, { to: STRANGER }, 'wire'],
  ['hash match: also to the wire', hashed(STRANGER, 0, [], [1]), 0, { to: STRANGER }, '1 wire'],
  ['group without members: to the wire', nothing, 0, { to: GROUP }, 'wire'],
  ['group with members: also to the wire', (s) => s.addMac(2, GROUP), 0, { to: GROUP }, '2 wire'],
  ['group by hash: also to the wire', hashed(GROUP, 0, [0, 1], []), 0, { to: GROUP }, '1 wire'],
  ['broadcast: also to the wire', nothing, 0, { to: BROADCAST }, '1 2 3 wire'],
  ['VFTE off', (s) => s.setVPortEnabled(0, true, false), 0, { to: mac(1) }, 'txDisabled'],
  ['LBE off: to the wire, whoever has the address', (s) => s.setLoopback(false), 0, { to: mac(1) }, 'wire'],
  ['LBE off: broadcast', (s) => s.setLoopback(false), 0, { to: BROADCAST }, 'wire'],
  ['tagged: the pools of its VLAN', vlans, 0, { to: BROADCAST, tci: 10 }, '1 wire'],
  ['tagged, exact match in another VLAN: to the wire', vlans, 0, { to: mac(2), tci: 10 }, 'wire'],
];

/** Sentence of section 7.10.3.10 of the 82599's data sheet on PFVTCTL.RPL_EN. */
const replicationOff = (s: NicSwitch) => s.setReplication(false);
const REPLICATION: Row[] = [
  [
    'from the wire, broadcast: the default pool',
    both(toDefault, replicationOff),
    WIRE,
    { to: BROADCAST },
    '3',
  ],
  [
    'from the wire, group with members: the default pool',
    both(toDefault, replicationOff, (s) => s.addMac(1, GROUP)),
    WIRE,
    { to: GROUP },
    '3',
  ],
  ['from the wire, broadcast, no default pool', replicationOff, WIRE, { to: BROADCAST }, 'noMatch'],
  [
    'from the wire, broadcast, the default pool takes none',
    both(toDefault, replicationOff, (s) => s.setAcceptBroadcast(3, false)),
    WIRE,
    { to: BROADCAST },
    '3',
  ],
  [
    'from the wire, broadcast, the default pool may not receive',
    both(toDefault, replicationOff, (s) => s.setVPortEnabled(3, false, true)),
    WIRE,
    { to: BROADCAST },
    'vportDisabled',
  ],
  ['from a pool, broadcast: the wire only', both(toDefault, replicationOff), 0, { to: BROADCAST }, 'wire'],
  [
    'from a pool, group with members: the wire only',
    both(replicationOff, (s) => s.addMac(1, GROUP)),
    0,
    { to: GROUP },
    'wire',
  ],
  ['from a pool, unicast: as ever', replicationOff, 0, { to: mac(1) }, '1'],
  ['from the wire, unicast: as ever', both(toDefault, replicationOff), WIRE, { to: mac(1) }, '1'],
];

describe.each([
  ['a frame from the wire', RECEIVE],
  ['a frame from a pool', TRANSMIT],
  ['without replication, a frame', REPLICATION],
])('%s', (_, rows) => {
  it.each(rows)('%s', (__, configure, ingress, frame, receivers) => {
    const bench = new Bench(4);
    configure(bench.nicSwitch);
    expect(bench.receivers(ingress, frame)).toBe(receivers);
    const dropped = (DROP_REASONS as readonly string[]).includes(receivers);
    const delivered = dropped ? 0 : receivers.split(' ').length;
    expect(bench.nicSwitch.balance()).toEqual({
      framesIn: 1,
      replicas: Math.max(0, delivered - 1),
      delivered,
      dropped: dropped ? 1 : 0,
    });
    for (const reason of DROP_REASONS)
      expect(bench.nicSwitch.dropped(reason)).toBe(reason === receivers ? 1 : 0);
    const { framesIn, replicas } = bench.nicSwitch.portCounters(ingress);
    expect([framesIn, replicas]).toEqual([1, Math.max(0, delivered - 1)]);
    for (let port = 0; port <= WIRE; port++) {
      const takes = !dropped && receivers.split(' ').includes(port === WIRE ? 'wire' : `${port}`);
      expect(bench.nicSwitch.portCounters(port).framesOut).toBe(takes ? 1 : 0);
    }
  });
});

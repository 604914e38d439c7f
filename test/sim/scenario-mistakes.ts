/** One thing that is wrong with a scenario, and the line that says so, without the name of the scenario. */
export interface Mistake {
  name: string;
  scenario: unknown;
  line: string;
}

const a = { name: 'a' };
const b = { name: 'b' };
const guests = [a, b];
const flow = { from: 'a', to: 'b', ratePps: 1000 };
const KEYS =
  '$schema, name, description, seed, host, nic, pcie, guests, hostInterface, adjacentBridge, traffic, captures, faults, warmUpMs, durationMs';
const FLOW_KEYS =
  'name, from, to, frameBytes, vlan, priority, ecn, ratePps, rateMbps, saturate, arrivals, startMs, stopMs, count';
const UNICAST = 'unicast addresses such as 02:00:00:00:01:00';

/** Captures stand beside the scenario: namespaces.pcap (82 frames), truncated.pcap, text.txt. */
export const MISTAKES: readonly Mistake[] = [
  {
    name: 'a misspelt key',
    scenario: { guests, traffic: [{ from: 'a', to: 'b', ratePsp: 1000 }] },
    line: `traffic[0].ratePsp: unknown key (did you mean "ratePps"?); allowed ${FLOW_KEYS}`,
  },
  {
    name: 'a misspelt key at the top',
    scenario: { guest: [] },
    line: `guest: unknown key (did you mean "guests"?); allowed ${KEYS}`,
  },
  {
    name: 'more VLANs than the card filters by',
    scenario: { guests: [{ vfs: [{ trustedVlans: Array.from({ length: 64 }, (_, i) => i + 1) }] }] },
    line: 'guests: use 64 VLANs in all; allowed 63 port, trusted and mirrored VLANs',
  },
  {
    name: 'a rate limit on a link of 1 Gb/s',
    scenario: { nic: { linkGbps: 1 }, guests: [{ vfs: [{ maxTxMbps: 100 }] }] },
    line: 'guests[0].vfs[0].maxTxMbps: the card limits rates at 10 Gb/s only, the link has 1000 Mb/s; allowed 11 to 10000 on a link of 10 Gb/s',
  },
  {
    name: 'a guaranteed rate that the 82599 does not have',
    scenario: { guests: [{ vfs: [{ minTxMbps: 100 }] }] },
    line: 'guests[0].vfs[0].minTxMbps: the card guarantees no minimum rate; allowed on the profile generic',
  },
  {
    name: 'a guaranteed rate above that of the link',
    scenario: { nic: { profile: 'generic' }, guests: [{ vfs: [{ minTxMbps: 10_001 }] }] },
    line: 'guests[0].vfs[0].minTxMbps: 10001 Mb/s is not between 0 and 10000; allowed 1 to the rate of the link',
  },
  {
    name: 'a threshold without PAUSE that is sent',
    scenario: { nic: { port: { pause: 'receive', xoffKiB: 64 } } },
    line: 'nic.port.xoffKiB: the port never stops its sender; allowed with pause "send" or "both", or with pfc',
  },
  {
    name: 'a traffic class that the 82599 does not have',
    scenario: { guests: [{ vfs: [{ class: 3 }] }] },
    line: 'guests[0].vfs[0].class: the card has no traffic classes with 64 pools; allowed 0, others on the profile generic',
  },
  {
    name: 'a traffic class that no card has',
    scenario: { nic: { profile: 'generic' }, guests: [{ vfs: [{ class: 8 }] }] },
    line: 'guests[0].vfs[0].class: 8 is out of range; allowed 0 to 7',
  },
  {
    name: 'a guaranteed rate above the limit',
    scenario: { nic: { profile: 'generic' }, guests: [{ vfs: [{ minTxMbps: 300, maxTxMbps: 200 }] }] },
    line: 'guests[0].vfs[0].minTxMbps: 300 Mb/s are more than the VF may send; allowed at most maxTxMbps, 200',
  },
  {
    name: 'guaranteed rates above that of the link',
    scenario: {
      nic: { profile: 'generic' },
      guests: [{ vfs: [{ minTxMbps: 6000 }] }, { vfs: [{ minTxMbps: 5000 }] }],
    },
    line: 'guests: guarantee 11000 Mb/s in all; allowed the 10000 Mb/s of the link',
  },
  {
    name: 'a key that is like no other',
    scenario: { nic: { bandwidth: 3 } },
    line: 'nic.bandwidth: unknown key; allowed profile, vfs, ari, loopback, linkGbps, mtu, port, portExtender, mirrors',
  },
  {
    name: 'a misspelt key inside one of several forms',
    scenario: { guests, traffic: [{ ...flow, frameBytes: { min: 64, maxx: 128 } }] },
    line: 'traffic[0].frameBytes.maxx: unknown key (did you mean "max"?); allowed min, max',
  },
  {
    name: 'a misspelt word',
    scenario: { nic: { loopback: 'vpea' } },
    line: 'nic.loopback: "vpea" is unknown (did you mean "vepa"?); allowed veb, vepa',
  },
  {
    name: 'an unknown profile',
    scenario: { nic: { profile: 'intel-82598' } },
    line: 'nic.profile: "intel-82598" is unknown (did you mean "intel-82599"?); allowed intel-82599, intel-82599-chip, intel-82599-strict, generic, generic-100g',
  },
  {
    name: 'a list instead of an object',
    scenario: [],
    line: `an empty list stands where an object belongs; allowed ${KEYS}`,
  },
  {
    name: 'text instead of a number',
    scenario: { seed: '7' },
    line: 'seed: "7" does not fit; allowed whole numbers from 0 to 9007199254740991',
  },
  {
    name: 'a fraction instead of an integer',
    scenario: { guests, traffic: [{ ...flow, frameBytes: 64.5 }] },
    line: 'traffic[0].frameBytes: 64.5 is not whole; allowed whole numbers from 64 to 9732',
  },
  {
    name: 'a missing end',
    scenario: { guests, traffic: [{ from: 'a', ratePps: 1 }] },
    line: 'traffic[0].to: is missing; allowed host, port, the name of a guest or GUEST.N, broadcast, multicast or a MAC address',
  },
  {
    name: 'a VF beyond the card',
    scenario: { guests: [a, { name: 'b', vfs: [{ vf: 70 }] }] },
    line: 'guests[1].vfs[0].vf: VF 70 does not exist; allowed 0 to 62',
  },
  {
    name: 'a VF that is not enabled',
    scenario: { nic: { vfs: 4 }, guests: [a, { name: 'b', vfs: [{ vf: 4 }] }] },
    line: 'guests[1].vfs[0].vf: VF 4 does not exist; allowed 0 to 3',
  },
  {
    name: 'more VFs than the driver enables',
    scenario: { nic: { vfs: 64 } },
    line: 'nic.vfs: 64 is out of range; allowed 0 to 63',
  },
  {
    name: 'more VFs than are enabled',
    scenario: { nic: { vfs: 2 }, guests: [a, { name: 'b', vfs: 2 }] },
    line: 'guests[1].vfs: the guests ask for 3 VFs, but nic.vfs is 2; allowed 2 VFs in all',
  },
  {
    name: 'two guests on one VF',
    scenario: {
      guests: [
        { name: 'a', vfs: [{ vf: 2 }] },
        { name: 'b', vfs: [{ vf: 2 }] },
      ],
    },
    line: 'guests[1].vfs[0].vf: VF 2 already belongs to guests[0].vfs[0]; allowed a VF of its own',
  },
  {
    name: 'a MAC address that is used twice',
    scenario: {
      guests: [
        { name: 'a', vfs: [{ mac: '02:00:00:00:01:0a' }] },
        { name: 'b', vfs: [{ mac: '02-00-00-00-01-0A' }] },
      ],
    },
    line: 'guests[1].vfs[0].mac: 02:00:00:00:01:0a already belongs to guests[0].vfs[0].mac; allowed an address of its own',
  },
  {
    name: 'the MAC address of the host used again',
    scenario: {
      hostInterface: { mac: '02:00:00:00:07:07' },
      guests: [{ name: 'a', vfs: [{ mac: '02:00:00:00:07:07' }] }],
    },
    line: 'guests[0].vfs[0].mac: 02:00:00:00:07:07 already belongs to hostInterface.mac; allowed an address of its own',
  },
  {
    name: 'a multicast address as the address of a VF',
    scenario: { guests: [{ name: 'a', vfs: [{ mac: '01:00:5e:00:00:01' }] }] },
    line: `guests[0].vfs[0].mac: 01:00:5e:00:00:01 is a multicast address; allowed ${UNICAST}`,
  },
  {
    name: 'an address that is none',
    scenario: { hostInterface: { mac: '02:00:00:00:01' } },
    line: 'hostInterface.mac: "02:00:00:00:01" does not fit; allowed a MAC address such as 02:00:00:00:01:00',
  },
  {
    name: 'a negative rate',
    scenario: { guests, traffic: [{ from: 'a', to: 'b', ratePps: -1 }] },
    line: 'traffic[0].ratePps: -1 is out of range; allowed 0.001 to 1000000000',
  },
  {
    name: 'a rate and saturation',
    scenario: { guests, traffic: [{ ...flow, saturate: true }] },
    line: 'traffic[0]: has ratePps and saturate; allowed exactly one of ratePps, rateMbps, saturate',
  },
  {
    name: 'no rate',
    scenario: { guests, traffic: [{ from: 'a', to: 'b' }] },
    line: 'traffic[0]: has no rate; allowed exactly one of ratePps, rateMbps, saturate',
  },
  {
    name: 'arrivals beside saturation',
    scenario: { guests, traffic: [{ from: 'a', to: 'b', saturate: true, arrivals: 'poisson' }] },
    line: 'traffic[0].arrivals: has no meaning beside saturate; allowed with ratePps or rateMbps',
  },
  {
    name: 'a capture that is missing',
    scenario: { captures: [{ file: 'nowhere.pcap' }] },
    line: 'captures[0].file: "nowhere.pcap": no such file; allowed a pcap or pcapng file of Ethernet frames',
  },
  {
    name: 'a capture that is cut short',
    scenario: { captures: [{ file: 'truncated.pcap' }] },
    line: 'captures[0].file: "truncated.pcap": the file ends within a packet, which takes 42 bytes of which 2 are there, at byte offset 98; allowed a pcap or pcapng file of Ethernet frames',
  },
  {
    name: 'a file that is no capture',
    scenario: { captures: [{ file: 'text.txt' }] },
    line: 'captures[0].file: "text.txt": the file is no capture: it starts with the magic number of neither pcap nor pcapng, at byte offset 0; allowed a pcap or pcapng file of Ethernet frames',
  },
  {
    name: 'a capture none of whose frames pass the filter',
    scenario: { captures: [{ file: 'namespaces.pcap', filter: { source: '02:00:00:00:01:0c' } }] },
    line: 'captures[0].filter: none of the 82 frames of "namespaces.pcap" has these addresses; allowed addresses that occur',
  },
  {
    name: 'a capture with frames above the MTU',
    scenario: { nic: { mtu: 1400 }, captures: [{ file: 'namespaces.pcap' }] },
    line: 'captures[0].file: frame 9 of "namespaces.pcap" has 1514 bytes, which is above the MTU of 1400; allowed up to 1414 bytes without FCS',
  },
  {
    name: 'a frame above the MTU',
    scenario: { guests, traffic: [{ ...flow, frameBytes: 1519 }] },
    line: 'traffic[0].frameBytes: a frame of 1519 bytes is above the MTU of 1500; allowed 64 to 1518',
  },
  {
    name: 'a tagged frame above the MTU',
    scenario: { guests, traffic: [{ ...flow, vlan: 7, frameBytes: [{ bytes: 1523, weight: 1 }] }] },
    line: 'traffic[0].frameBytes[0].bytes: a tagged frame of 1523 bytes is above the MTU of 1500; allowed 64 to 1522',
  },
  {
    name: 'a frame below the smallest of Ethernet',
    scenario: { guests, traffic: [{ ...flow, frameBytes: 63 }] },
    line: 'traffic[0].frameBytes: 63 is out of range; allowed 64 to 9732',
  },
  {
    name: 'an IMIX that does not go through the MTU',
    scenario: { guests, nic: { mtu: 1000 }, traffic: [{ ...flow, frameBytes: { imix: true } }] },
    line: 'traffic[0].frameBytes.imix: a frame of 1518 bytes is above the MTU of 1000; allowed 64 to 1018',
  },
  {
    name: 'a range of sizes that is empty',
    scenario: { guests, traffic: [{ ...flow, frameBytes: { min: 128, max: 64 } }] },
    line: 'traffic[0].frameBytes.max: 64 is below min; allowed 128 to 1518',
  },
  {
    name: 'an unknown endpoint',
    scenario: { guests: [{ name: 'alpha' }, { name: 'c', vfs: 2 }], traffic: [{ ...flow, from: 'alpah' }] },
    line: 'traffic[0].from: no endpoint is called "alpah" (did you mean "alpha"?); allowed host, port, alpha, c.0, c.1',
  },
  {
    name: 'an unknown endpoint to send to',
    scenario: { guests, traffic: [{ ...flow, to: 'b.1' }] },
    line: 'traffic[0].to: no endpoint is called "b.1" (did you mean "b"?); allowed host, port, a, b, broadcast, multicast, a MAC address',
  },
  {
    name: 'an endpoint that has no VF',
    scenario: { guests: [a, { name: 'b', vfs: 0 }], traffic: [flow] },
    line: 'traffic[0].to: guest "b" has no VF; allowed host, port, a, broadcast, multicast, a MAC address',
  },
  {
    name: 'broadcast as the sender',
    scenario: { guests, traffic: [{ ...flow, from: 'broadcast' }] },
    line: 'traffic[0].from: "broadcast" cannot send; allowed host, port, a, b',
  },
  {
    name: 'a guest that sends to itself',
    scenario: { guests, traffic: [{ ...flow, to: 'a' }] },
    line: 'traffic[0].to: "a" is the sender itself; allowed any other endpoint',
  },
  {
    name: 'a guest that sends to its own address',
    scenario: { guests, traffic: [{ ...flow, to: '02:00:00:00:01:00' }] },
    line: 'traffic[0].to: "02:00:00:00:01:00" is the sender itself; allowed any other endpoint',
  },
  {
    name: 'two guests of one name',
    scenario: { guests: [a, b, { name: 'a' }] },
    line: 'guests[2].name: "a" is already the name of guests[0]; allowed a name of its own',
  },
  {
    name: 'a guest with a name that means something else',
    scenario: { guests: [{ name: 'port' }] },
    line: 'guests[0].name: "port" means something else; allowed any name but host, port, broadcast, multicast',
  },
  {
    name: 'a guest with a name that is no name',
    scenario: { guests: [{ name: 'a.1' }] },
    line: 'guests[0].name: "a.1" does not fit; allowed a letter, then up to 31 letters, digits, _ or -',
  },
  {
    name: 'a stop before the start',
    scenario: { guests, traffic: [{ ...flow, startMs: 1, stopMs: 0.5 }] },
    line: 'traffic[0].stopMs: stops at 0.5 ms, but starts at 1 ms; allowed more than 1',
  },
  {
    name: 'a start after the end',
    scenario: { guests, traffic: [{ ...flow, startMs: 5 }] },
    line: 'traffic[0].startMs: starts at 5 ms, but the run ends at 2.2 ms; allowed 0 to less than 2.2',
  },
  {
    name: 'a VLAN that is reserved',
    scenario: { guests: [{ name: 'a', vfs: [{ vlan: 4095 }] }] },
    line: 'guests[0].vfs[0].vlan: 4095 is out of range; allowed 1 to 4094',
  },
  {
    name: 'a port VLAN that is not allowed',
    scenario: { guests: [{ name: 'a', vfs: [{ vlan: 100, allowedVlans: [300, 200] }] }] },
    line: 'guests[0].vfs[0].vlan: VLAN 100 is not among the allowedVlans; allowed 200, 300',
  },
  {
    name: 'a trusted VLAN that is not allowed',
    scenario: { guests: [{ name: 'a', vfs: [{ trustedVlans: [200, 100], allowedVlans: [200] }] }] },
    line: 'guests[0].vfs[0].trustedVlans[1]: VLAN 100 is not among the allowedVlans; allowed 200',
  },
  {
    name: 'a storm limit below none',
    scenario: { guests: [{ name: 'a', vfs: [{ stormLimits: { broadcast: -1 } }] }] },
    line: 'guests[0].vfs[0].stormLimits.broadcast: -1 is out of range; allowed 0 to 1000000000',
  },
  {
    name: 'a misspelt storm limit',
    scenario: { guests: [{ name: 'a', vfs: [{ stormLimits: { unicast: 5 } }] }] },
    line: 'guests[0].vfs[0].stormLimits.unicast: unknown key; allowed broadcast, multicast, unknownUnicast',
  },
  {
    name: 'trust that is no yes or no',
    scenario: { guests: [{ name: 'a', vfs: [{ trust: 'on' }] }] },
    line: 'guests[0].vfs[0].trust: "on" does not fit; allowed true or false',
  },
  {
    name: 'a priority without a port VLAN',
    scenario: { guests: [{ name: 'a', vfs: [{ vlanPriority: 5 }] }] },
    line: 'guests[0].vfs[0].vlanPriority: the VF has no port VLAN; allowed vlanPriority with vlan',
  },
  {
    name: 'a priority above 7',
    scenario: { guests: [{ name: 'a', vfs: [{ vlan: 100, vlanPriority: 8 }] }] },
    line: 'guests[0].vfs[0].vlanPriority: 8 is out of range; allowed 0 to 7',
  },
  {
    name: 'tags of a guest under a port VLAN',
    scenario: { guests: [{ name: 'a', vfs: [{ vlan: 100, trustedVlans: [200] }] }] },
    line: 'guests[0].vfs[0].trustedVlans: the guest cannot tag frames that the card tags with VLAN 100; allowed trustedVlans or vlan, not both',
  },
  {
    name: 'more port and trusted VLANs together than the card filters by',
    scenario: {
      guests: [
        a,
        { name: 'b', vfs: [{ vlan: 4000 }, { trustedVlans: Array.from({ length: 63 }, (_, i) => 100 + i) }] },
      ],
    },
    line: 'guests: use 64 VLANs in all; allowed 63 port, trusted and mirrored VLANs',
  },
  {
    name: 'a run of no length',
    scenario: { durationMs: 0 },
    line: 'durationMs: 0 is out of range; allowed 0.001 to 3600000',
  },
  {
    name: 'a ring that is no power of two',
    scenario: { guests: [{ name: 'a', ringSize: 200 }] },
    line: 'guests[0].ringSize: 200 does not fit; allowed 64, 128, 256, 512, 1024, 2048, 4096',
  },
  {
    name: 'guests larger than the host',
    scenario: { host: { memoryGiB: 1 }, guests: [a, { name: 'b', memoryMiB: 1020 }] },
    line: 'guests[1].memoryMiB: 1020 MiB are more than the host has left of its 1 GiB; allowed up to 934',
  },
  {
    name: 'guests larger than a piece of memory that an IOMMU could not make up',
    scenario: { host: { memoryGiB: 4, iommu: false }, guests: [{ name: 'a', memoryMiB: 3000 }] },
    line: 'guests[0].memoryMiB: 3000 MiB are more than the host has left in one piece of its 4 GiB; allowed up to 2046',
  },
  {
    name: 'a guest too small for its rings',
    scenario: { guests: [{ name: 'a', ringSize: 4096 }] },
    line: 'guests[0].memoryMiB: 16 MiB do not hold rings of 4096 descriptors; allowed 18 or more',
  },
  {
    name: 'a guest too small for the rings of all its VFs',
    scenario: { guests: [{ name: 'a', vfs: 8 }] },
    line: 'guests[0].memoryMiB: 16 MiB do not hold rings of 512 descriptors for 8 VFs; allowed 18 or more',
  },
  {
    name: 'a speed that the port does not have',
    scenario: { nic: { linkGbps: 40 } },
    line: 'nic.linkGbps: the port has no 40 Gb/s; allowed 1, 10',
  },
  {
    name: 'forward error correction that the rate does not have',
    scenario: { nic: { port: { fec: 'rs' } } },
    line: 'nic.port.fec: a port at 10 Gb/s has no "rs"; allowed none',
  },
  {
    name: 'cut-through on a card that has none',
    scenario: { nic: { port: { switching: 'cut-through' } } },
    line: 'nic.port.switching: the card has no "cut-through"; allowed store-and-forward, or the profile generic-100g',
  },
  {
    name: 'bad frames without a distance',
    scenario: { nic: { port: { badFcsEvery: 0 } } },
    line: 'nic.port.badFcsEvery: 0 is out of range; allowed 1 to 1000000000',
  },
  {
    name: 'a use of the transmit buffer that there is not',
    scenario: { nic: { port: { transmitBuffer: 'split' } } },
    line: 'nic.port.transmitBuffer: "split" is unknown; allowed divided, shared',
  },
  {
    name: 'an arbitration that there is not',
    scenario: { nic: { port: { arbitration: 'random' } } },
    line: 'nic.port.arbitration: "random" is unknown; allowed arrival, round-robin, weighted, wire-first',
  },
  {
    name: 'a share of the pipeline without weights',
    scenario: { nic: { port: { arbitration: 'round-robin', wireShare: 60 } } },
    line: 'nic.port.wireShare: nobody has a share without weights; allowed with weighted only',
  },
  {
    name: 'PAUSE beside priority flow control',
    scenario: { nic: { port: { pfc: [3], pause: 'both' } } },
    line: 'nic.port.pfc: a port has PAUSE or priority flow control; allowed pfc or pause, not both',
  },
  {
    name: 'a threshold above the class of the receive buffer',
    scenario: { nic: { port: { pfc: [3], xoffKiB: 257 } } },
    line: 'nic.port.xoffKiB: 257 is out of range; allowed 1 to 256',
  },
  {
    name: 'a priority that there is not',
    scenario: { nic: { port: { pfc: [8] } } },
    line: 'nic.port.pfc[0]: 8 is out of range; allowed 0 to 7',
  },
  {
    name: 'two entries of one name',
    scenario: {
      guests,
      traffic: [
        { ...flow, name: 'x' },
        { ...flow, name: 'x' },
      ],
    },
    line: 'traffic[1].name: "x" is already the name of traffic[0]; allowed a name of its own',
  },
];

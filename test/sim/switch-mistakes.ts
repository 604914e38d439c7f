import type { Mistake } from './scenario-mistakes.ts';

const guests = [{ name: 'a' }, { name: 'b' }];

/** Mistakes in what a scenario says of the card's switch. */
export const SWITCH_MISTAKES: readonly Mistake[] = [
  {
    name: 'a rate limit that the 82599 does not have',
    scenario: { guests: [{ vfs: [{ maxTxMbps: 10 }] }] },
    line: 'guests[0].vfs[0].maxTxMbps: 10 Mb/s is not between 11 and 10000; allowed 11 to 10000 on a link of 10 Gb/s',
  },
  {
    name: 'thresholds where what is free of a shared buffer stops senders',
    scenario: { nic: { profile: 'generic-100g', port: { pfc: [3], xoffKiB: 100 } } },
    line: 'nic.port.xoffKiB: classes share the receive buffer, and what is free of it stops senders; allowed on another profile',
  },
  {
    name: 'an 82599 as port extender',
    scenario: { guests, nic: { portExtender: 'etag' } },
    line: 'nic.portExtender: the card knows no "etag"; allowed a generic profile',
  },
  {
    name: 'a port extender with a tag that there is not',
    scenario: { guests, nic: { profile: 'generic', portExtender: 'e-tag' } },
    line: 'nic.portExtender: "e-tag" is unknown (did you mean "etag"?); allowed etag, vntag',
  },
  {
    name: 'a port extender without VFs',
    scenario: { nic: { profile: 'generic', portExtender: 'etag' } },
    line: 'nic.portExtender: without VFs there is nothing to extend; allowed with one VF or more',
  },
  {
    name: 'a port extender and another bridge',
    scenario: { guests, adjacentBridge: 'plain', nic: { profile: 'generic', portExtender: 'etag' } },
    line: 'nic.portExtender: has a bridge of its own at the wire; allowed portExtender or adjacentBridge, not both',
  },
  {
    name: 'a port extender that switches',
    scenario: { guests, nic: { profile: 'generic', portExtender: 'vntag', loopback: 'veb' } },
    line: 'nic.portExtender: does not switch, the bridge does; allowed portExtender or nic.loopback, not both',
  },
  {
    name: 'a port extender with storm limits',
    scenario: {
      guests: [{ vfs: [{ stormLimits: { broadcast: 0 } }] }],
      nic: { profile: 'generic', portExtender: 'vntag' },
    },
    line: 'nic.portExtender: does not switch, the bridge does; allowed portExtender or stormLimits, not both',
  },
  {
    name: 'a forwarding mode of a VF on an 82599',
    scenario: { guests: [{ vfs: [{ forwarding: 'vepa' }] }] },
    line: 'guests[0].vfs[0].forwarding: the card has one mode for all VFs; allowed nic.loopback, or a generic profile',
  },
  {
    name: 'a forwarding mode that there is not',
    scenario: { nic: { profile: 'generic' }, guests: [{ vfs: [{ forwarding: 'vebb' }] }] },
    line: 'guests[0].vfs[0].forwarding: "vebb" does not fit; allowed "veb", "vepa", "port" or { "to", "port" }',
  },
  {
    name: 'a VF whose frames go to itself',
    scenario: { nic: { profile: 'generic' }, guests: [{ name: 'a', vfs: [{ forwarding: { to: 'a' } }] }] },
    line: 'guests[0].vfs[0].forwarding.to: "a" is the VF itself; allowed any other VPort',
  },
  {
    name: 'a VF whose frames go to a VPort that is none',
    scenario: { nic: { profile: 'generic' }, guests: [{ name: 'a', vfs: [{ forwarding: { to: 'port' } }] }] },
    line: 'guests[0].vfs[0].forwarding.to: "port" is no VPort; allowed host, a',
  },
  {
    name: 'traffic that is marked from the start',
    scenario: { guests, traffic: [{ from: 'a', to: 'b', ratePps: 1, ecn: 'ce' }] },
    line: 'traffic[0].ecn: "ce" does not fit; allowed true, ect0, ect1',
  },
  {
    name: 'ecn that is false',
    scenario: { guests, traffic: [{ from: 'a', to: 'b', ratePps: 1, ecn: false }] },
    line: 'traffic[0].ecn: false does not fit; allowed true, ect0, ect1',
  },
  {
    name: 'more mirroring rules than the 82599 has',
    scenario: { guests, nic: { mirrors: Array.from({ length: 5 }, () => ({ to: 'a', uplink: true })) } },
    line: 'nic.mirrors: 5 mirroring rules are more than the card has; allowed at most 4',
  },
  {
    name: 'more mirroring rules than the generic card has',
    scenario: {
      guests,
      nic: { profile: 'generic', mirrors: Array.from({ length: 17 }, () => ({ to: 'a', uplink: true })) },
    },
    line: 'nic.mirrors: 17 mirroring rules are more than the card has; allowed at most 16',
  },
  {
    name: 'mirroring without VFs',
    scenario: { nic: { mirrors: [{ to: 'host', uplink: true }] } },
    line: 'nic.mirrors: without VFs there is nothing to mirror; allowed with one VF or more',
  },
  {
    name: 'a mirroring rule for what a VF sends on an 82599',
    scenario: { guests, nic: { mirrors: [{ to: 'a', sentBy: ['b'] }] } },
    line: 'nic.mirrors[0].sentBy: the card copies what VPorts receive, not what they send; allowed receivedBy, uplink, downlink, vlans, or a generic profile',
  },
  {
    name: 'a mirroring rule that copies nothing',
    scenario: { guests, nic: { mirrors: [{ to: 'a', uplink: false, receivedBy: [] }] } },
    line: 'nic.mirrors[0]: copies nothing; allowed one of receivedBy, sentBy, uplink, downlink, vlans',
  },
  {
    name: 'a mirroring rule to the port',
    scenario: { guests, nic: { mirrors: [{ to: 'port', uplink: true }] } },
    line: 'nic.mirrors[0].to: "port" is no VPort; allowed host, a, b',
  },
  {
    name: 'a mirroring rule for nobody',
    scenario: { guests, nic: { mirrors: [{ to: 'a', receivedBy: ['host', 'bb'] }] } },
    line: 'nic.mirrors[0].receivedBy[1]: no endpoint is called "bb" (did you mean "b"?); allowed host, a, b',
  },
  {
    name: 'a mirrored VLAN that there is not',
    scenario: { guests, nic: { mirrors: [{ to: 'a', vlans: [4095] }] } },
    line: 'nic.mirrors[0].vlans[0]: 4095 is out of range; allowed 1 to 4094',
  },
  {
    name: 'a misspelt key of a mirroring rule',
    scenario: { guests, nic: { mirrors: [{ to: 'a', uplinks: true }] } },
    line: 'nic.mirrors[0].uplinks: unknown key (did you mean "uplink"?); allowed to, receivedBy, sentBy, uplink, downlink, vlans',
  },
];

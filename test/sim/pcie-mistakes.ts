import type { Mistake } from './scenario-mistakes.ts';

const card = { profile: 'generic-100g' };

/** Of the key `pcie`. */
export const PCIE_MISTAKES: readonly Mistake[] = [
  {
    name: 'a generation that the card does not have',
    scenario: { pcie: { generation: 3 } },
    line: 'pcie.generation: intel-82599 has generation 2; allowed 1, 2',
  },
  {
    name: 'a generation that there is not',
    scenario: { nic: card, pcie: { generation: 7 } },
    line: 'pcie.generation: 7 is out of range; allowed 1 to 6',
  },
  {
    name: 'more lanes than the card has',
    scenario: { nic: { profile: 'generic' }, pcie: { lanes: 16 } },
    line: 'pcie.lanes: generic has 8 lanes; allowed 1, 2, 4, 8',
  },
  {
    name: 'a width that there is not',
    scenario: { nic: card, pcie: { lanes: 3 } },
    line: 'pcie.lanes: 3 does not fit; allowed 1, 2, 4, 8, 12, 16, 32',
  },
  {
    name: 'payloads that the card does not take',
    scenario: { pcie: { maxPayloadBytes: 1024 } },
    line: 'pcie.maxPayloadBytes: intel-82599 has payloads of 512 bytes at most; allowed 128, 256, 512',
  },
  {
    name: 'a size of read requests that there is not',
    scenario: { pcie: { maxReadRequestBytes: 500 } },
    line: 'pcie.maxReadRequestBytes: 500 does not fit; allowed 128, 256, 512, 1024, 2048, 4096',
  },
  {
    name: 'a Read Completion Boundary that there is not',
    scenario: { pcie: { readCompletionBoundary: 32 } },
    line: 'pcie.readCompletionBoundary: 32 does not fit; allowed 64, 128',
  },
  {
    name: 'less data credits than one payload takes',
    scenario: { pcie: { rootCredits: { postedData: 15 } } },
    line: 'pcie.rootCredits.postedData: 15 is out of range; allowed 16 to 2047',
  },
  {
    name: 'a switch on a card in Flit Mode',
    scenario: { nic: card, pcie: { generation: 6, switch: {} } },
    line: 'pcie.generation: a switch has no link in Flit Mode; allowed 1 to 5 with pcie.switch',
  },
  {
    name: 'a switch whose upper link is in Flit Mode',
    scenario: { nic: card, pcie: { switch: { generation: 6 } } },
    line: 'pcie.switch.generation: 6 is out of range; allowed 1 to 5',
  },
  {
    name: 'a way of forwarding that there is not',
    scenario: { pcie: { switch: { forwarding: 'wormhole' } } },
    line: 'pcie.switch.forwarding: "wormhole" is unknown; allowed cut-through, store-and-forward',
  },
  {
    name: 'a switch that takes forever',
    scenario: { pcie: { switch: { latencyNs: 1e6 } } },
    line: 'pcie.switch.latencyNs: 1000000 is out of range; allowed 0 to 100000',
  },
  {
    name: 'an unknown key of a switch',
    scenario: { pcie: { switch: { latency: 100 } } },
    line: 'pcie.switch.latency: unknown key (did you mean "latencyNs"?); allowed forwarding, latencyNs, generation, lanes, acs',
  },
  {
    name: 'bit errors on a link in Flit Mode',
    scenario: {
      nic: card,
      pcie: { generation: 6 },
      faults: [
        { kind: 'flr', target: 'host', atMs: 0.1 },
        { kind: 'bit-error', atMs: 0.1 },
      ],
    },
    line: 'faults[1].kind: a link in Flit Mode has no bit errors; allowed others, or pcie.generation 1 to 5',
  },
];

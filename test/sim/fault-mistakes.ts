import { FAULT_KINDS } from '../../src/sim/scenario-limits.ts';
import type { Mistake } from './scenario-mistakes.ts';

const guests = [{ name: 'a' }, { name: 'b' }];
const traffic = [{ from: 'a', to: 'b', ratePps: 1000 }];
const withFault = (fault: object) => ({ guests, traffic, faults: [fault] });
const NAMES = 'host, a, b';

/** What is wrong with faults. */
export const FAULT_MISTAKES: readonly Mistake[] = [
  {
    name: 'a fault on a VF that does not exist',
    scenario: withFault({ kind: 'flr', atMs: 1, target: 'c' }),
    line: `faults[0].target: no endpoint is called "c" (did you mean "a"?); allowed ${NAMES}`,
  },
  {
    name: 'a fault on a VF that its guest does not have',
    scenario: withFault({ kind: 'iommu-fault', atMs: 1, target: 'a.1' }),
    line: `faults[0].target: no endpoint is called "a.1" (did you mean "a"?); allowed ${NAMES}`,
  },
  {
    name: 'a reset of nobody',
    scenario: withFault({ kind: 'flr', atMs: 1 }),
    line: `faults[0].target: is missing; allowed ${NAMES}`,
  },
  {
    name: 'a reset of the wire',
    scenario: withFault({ kind: 'flr', atMs: 1, target: 'port' }),
    line: `faults[0].target: "port" is no VPort; allowed ${NAMES}`,
  },
  {
    name: 'a fault that nobody knows',
    scenario: withFault({ kind: 'flrr', atMs: 1 }),
    line: `faults[0].kind: "flrr" is unknown (did you mean "flr"?); allowed ${FAULT_KINDS.join(', ')}`,
  },
  {
    name: 'a fault after the end',
    scenario: withFault({ kind: 'flr', atMs: 2.2, target: 'a' }),
    line: 'faults[0].atMs: starts at 2.2 ms, but the run ends at 2.2 ms; allowed 0 to less than 2.2',
  },
  {
    name: 'a fault without a time',
    scenario: withFault({ kind: 'flr', target: 'a' }),
    line: 'faults[0]: says neither when nor how often; allowed one of atMs and probability',
  },
  {
    name: 'a fault at a time and by chance',
    scenario: withFault({ kind: 'flr', target: 'a', atMs: 1, probability: 0.5 }),
    line: 'faults[0]: says both when and how often; allowed one of atMs and probability',
  },
  {
    name: 'a fault at a time with a span',
    scenario: withFault({ kind: 'flr', target: 'a', atMs: 1, toMs: 2 }),
    line: 'faults[0].toMs: a fault at a time has none; allowed with probability',
  },
  {
    name: 'a span that ends before it begins',
    scenario: withFault({ kind: 'slow-memory', probability: 0.5, fromMs: 1, toMs: 1 }),
    line: 'faults[0].toMs: 1 is not behind its begin; allowed more than fromMs',
  },
  {
    name: 'a chance that is none',
    scenario: withFault({ kind: 'slow-memory', probability: 0 }),
    line: 'faults[0].probability: 0 is out of range; allowed 1e-9 to 1',
  },
  {
    name: 'bit errors that let nothing through',
    scenario: withFault({ kind: 'bit-error', probability: 0.6 }),
    line: 'faults[0].probability: 0.6 is out of range; allowed 1e-9 to 0.5',
  },
  {
    name: 'a bit error rate that lets no long TLP through',
    scenario: withFault({ kind: 'bit-error', bitErrorRate: 1e-3 }),
    line: 'faults[0].bitErrorRate: 0.001 is out of range; allowed 1e-12 to 0.0001',
  },
  {
    name: 'two chances',
    scenario: withFault({ kind: 'bit-error', bitErrorRate: 1e-6, probability: 0.1 }),
    line: 'faults[0]: says how often in two ways; allowed one of atMs, probability and bitErrorRate',
  },
  {
    name: 'bits of what has none',
    scenario: withFault({ kind: 'flr', bitErrorRate: 1e-6, target: 'a' }),
    line: 'faults[0].bitErrorRate: a fault of kind flr has none; allowed to leave it out',
  },
  {
    name: 'a direction that a fault does not have',
    scenario: withFault({ kind: 'bit-error', atMs: 1, direction: 'read' }),
    line: 'faults[0].direction: "read" is unknown; allowed upstream, downstream',
  },
  {
    name: 'a fault with a key that its kind has no use for',
    scenario: withFault({ kind: 'slow-memory', atMs: 1, target: 'a' }),
    line: 'faults[0].target: a fault of kind slow-memory has none; allowed to leave it out',
  },
  {
    name: 'a fault of an IOMMU that is not there',
    scenario: { ...withFault({ kind: 'iommu-fault', atMs: 1 }), host: { iommu: false } },
    line: 'faults[0].kind: the host has no IOMMU; allowed with host.iommu true',
  },
  {
    name: 'a fault of requests that are not translated',
    scenario: withFault({ kind: 'iommu-fault', atMs: 1, target: 'host' }),
    line: 'faults[0].target: requests of the host pass untranslated; allowed a guest or GUEST.N',
  },
];

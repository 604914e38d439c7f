import fc from 'fast-check';
import type { Scenario } from '../../src/index.ts';
import type {
  FrameBytes,
  GuestOptions,
  PcieOptions,
  TrafficOptions,
  VfOptions,
} from '../../src/sim/index.ts';
import { CAPTURE } from './rig.ts';

const vlan = fc.constantFrom(100, 200);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const driver = fc.constantFrom('interrupt' as const, 'poll' as const);
const ringSize = fc.constantFrom(64, 128, 512);

const vf: fc.Arbitrary<VfOptions> = fc
  .record({
    vlan: optional(vlan),
    trustedVlans: fc.uniqueArray(vlan),
    spoofCheck: fc.boolean(),
  })
  .map(({ vlan, trustedVlans, spoofCheck }) =>
    vlan === undefined ? { trustedVlans, spoofCheck } : { vlan, spoofCheck },
  );

/** What the host lets a VF do. */
const policy: fc.Arbitrary<VfOptions> = fc.record(
  {
    trust: fc.boolean(),
    private: fc.boolean(),
    stormLimits: fc.record(
      { broadcast: fc.constantFrom(0, 50_000), unknownUnicast: fc.constantFrom(0, 200_000) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const guest: fc.Arbitrary<GuestOptions> = fc.record({
  vfs: fc.array(
    fc.tuple(vf, fc.option(policy, { freq: 3, nil: {} })).map(([one, may]) => ({ ...one, ...may })),
    { minLength: 1, maxLength: 2 },
  ),
  pageSize: fc.constantFrom('4K' as const, '2M' as const),
  driver,
  ringSize,
});

const frameBytes = fc.oneof<fc.Arbitrary<FrameBytes>[]>(
  fc.constantFrom(64, 65, 127, 128, 594, 1517, 1518),
  fc.constant({ imix: true as const }),
  fc.record({ min: fc.integer({ min: 64, max: 500 }), max: fc.integer({ min: 500, max: 1518 }) }),
  fc.integer({ min: 1, max: 3 }).map((weight) => [
    { bytes: 66, weight },
    { bytes: 1514, weight: 1 },
  ]),
);

const rate = fc.oneof(
  fc.constant({ saturate: true as const }),
  fc.record({
    ratePps: fc.integer({ min: 20_000, max: 6_000_000 }),
    arrivals: fc.constantFrom('constant' as const, 'poisson' as const),
  }),
);

function flow(names: readonly string[]): fc.Arbitrary<TrafficOptions> {
  const targets = [...names, 'broadcast', 'multicast', '02:11:22:33:44:55'];
  return fc
    .record({
      from: fc.constantFrom(...names),
      to: fc.constantFrom(...targets),
      frameBytes,
      vlan: optional(fc.constantFrom(100, 200, 300)),
      rate,
      startMs: fc.constantFrom(0, 0.01),
      count: optional(fc.integer({ min: 1, max: 300 })),
    })
    .filter(({ from, to }) => from !== to)
    .map(({ rate, ...rest }) => ({ ...rest, ...rate }));
}

/** Transmit rates and class of a VF, on the card that has all of them. */
const rates = fc.record(
  {
    maxTxMbps: fc.integer({ min: 100, max: 1_000 }),
    minTxMbps: fc.integer({ min: 1, max: 100 }),
    class: fc.nat(7),
  },
  { requiredKeys: [] },
);

/** Links of any kind, as far as an 82599 has them. */
const pcie: fc.Arbitrary<PcieOptions> = fc.record(
  {
    generation: fc.constantFrom(1, 2),
    lanes: fc.constantFrom(1, 4, 8),
    maxPayloadBytes: fc.constantFrom(128, 512),
    maxReadRequestBytes: fc.constantFrom(128, 4096),
    readCompletionBoundary: fc.constantFrom(64, 128),
    rootCredits: fc.constant({ postedHeaders: 8, postedData: 64, nonPostedHeaders: 8 }),
    switch: fc.record(
      {
        forwarding: fc.constantFrom('cut-through' as const, 'store-and-forward' as const),
        latencyNs: fc.constantFrom(0, 1000),
        generation: fc.constantFrom(1, 5),
        lanes: fc.constantFrom(2, 16),
        acs: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

/** Any machine with any traffic, short enough to be run often. */
export const anyScenario: fc.Arbitrary<Scenario> = fc
  .array(guest, { minLength: 1, maxLength: 3 })
  .chain((guests) => {
    const named = guests.map((each, i) => ({ ...each, name: `g${i}` }));
    const limited = fc
      .array(rates, { minLength: 2 * guests.length, maxLength: 2 * guests.length })
      .map((all) =>
        named.map((each, i) => ({
          ...each,
          vfs: (each.vfs as VfOptions[]).map((options, k) => ({ ...options, ...all[2 * i + k] })),
        })),
      );
    const ends = named.flatMap(({ name, vfs }) => (vfs as VfOptions[]).map((_, i) => `${name}.${i}`));
    const names = ['host', 'port', ...ends];
    const any = fc.record({
      seed: fc.nat(1000),
      host: fc.record({ iommu: fc.boolean() }),
      pcie: fc.option(pcie, { freq: 1, nil: undefined }),
      nic: fc.record({
        ari: fc.boolean(),
        loopback: fc.constantFrom('veb' as const, 'vepa' as const),
        linkGbps: fc.constantFrom(1, 10),
      }),
      guests: fc.constant(named),
      hostInterface: fc.record(
        { driver, ringSize, vlan: optional(vlan) },
        { requiredKeys: ['driver', 'ringSize'] },
      ),
      adjacentBridge: fc.constantFrom('none' as const, 'plain' as const),
      traffic: fc.array(flow(names), { minLength: 1, maxLength: 5 }),
      captures: fc.array(
        fc.record({
          file: fc.constant(CAPTURE),
          from: fc.constantFrom(...names),
          timing: fc.constantFrom({ ratePps: 1e6 }, { speedup: 1000 }),
        }),
        { maxLength: 1 },
      ),
      warmUpMs: fc.constantFrom(0, 0.02),
      durationMs: fc.constantFrom(0.03, 0.1),
    });
    // Every third machine limits, weighs and prefers.
    return fc.oneof(
      { weight: 2, arbitrary: any },
      {
        weight: 1,
        arbitrary: fc.tuple(any, limited).map(([scenario, guests]) => ({
          ...scenario,
          guests,
          nic: { ...scenario.nic, profile: 'generic' },
        })),
      },
    );
  })
  .map((scenario) => JSON.parse(JSON.stringify(scenario)) as Scenario);

/** The same in VEPA, with a bridge at the wire that sends frames back: what it floods can reach several. */
export const anyReflected: fc.Arbitrary<Scenario> = anyScenario.map((scenario) => ({
  ...scenario,
  nic: { ...scenario.nic, loopback: 'vepa' },
  adjacentBridge: 'reflective-relay',
}));

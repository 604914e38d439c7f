import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { DROP_REASONS } from '../../src/nicswitch/index.ts';
import {
  type FaultOptions,
  lifeOfFrame,
  logHeader,
  logTrailer,
  recordLog,
  type Simulation,
} from '../../src/sim/index.ts';
import { BinaryLog, LogRing } from '../../src/trace/index.ts';
import { join } from '../trace/log-fixture.ts';
import { countCommitted, framesOf, logRun, stepsOf, toldAsCommitted } from './life-rig.ts';
import { makeSimulation } from './rig.ts';

const TO_B: Scenario = {
  guests: [{ name: 'a' }, { name: 'b', driver: 'poll' }],
  traffic: [{ from: 'port', to: 'b', frameBytes: 1518, rateMbps: 9000 }],
  durationMs: 0.05,
};

function livesOf(scenario: Scenario, prepare?: (simulation: Simulation) => void) {
  const { simulation, log } = logRun(scenario, prepare);
  const lives = Array.from({ length: framesOf(log) }, (_, i) => lifeOfFrame(log, i + 1));
  return { simulation, log, lives };
}

describe('a frame whose writes are under way when the link goes down', () => {
  it.each(['link-down', 'surprise-removal'] as const)('is lost by %s, without a look-up', (kind) => {
    const fault: FaultOptions =
      kind === 'link-down' ? { kind, atMs: 0.0301, forMs: 0.005 } : { kind, atMs: 0.0301 };
    const { simulation, lives } = livesOf({ ...TO_B, faults: [fault] });
    const lost = lives.filter(({ branches }) => branches.some(({ outcome }) => outcome === 'lost'));
    expect(lost).toHaveLength(1);
    const [life] = lost;
    expect(life.branches).toMatchObject([{ name: 'b', outcome: 'lost', lost: 'linkDown', reason: null }]);
    expect(stepsOf(life, 'translation', 0)).toEqual([]);
    expect(stepsOf(life, 'payloadWrite', 0)).toMatchObject([{ arrivesPs: null }]);
    expect(stepsOf(life, 'lost', 0)[0].timePs).toBe(simulation.startPs + 30_100_000);
    expect(simulation.report().conservation.inFlight['receive rings']).toBe(1);
  });
});

describe('a write that the IOMMU refuses', () => {
  it('loses its frame: the descriptor is written back, and software finds what was in the buffer before', () => {
    const { simulation, lives } = livesOf({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      faults: [{ kind: 'iommu-fault', atMs: 0.01, target: 'b', direction: 'write' }],
      durationMs: 0.05,
    });
    const lost = lives.filter(({ branches }) => branches[0]?.lost === 'refused');
    expect(lost).toHaveLength(1);
    const [life] = lost;
    const [refused] = stepsOf(life, 'refused', 0);
    expect(refused.timePs / 1000).toBe(simulation.report().faults?.[0].atNs);
    expect(stepsOf(life, 'translation', 0).some(({ timePs }) => timePs === refused.timePs)).toBe(false);
    expect(stepsOf(life, 'payloadWrite', 0)[0].what).toContain('refused');
  });
});

describe('a log of the last records', () => {
  it('has the numbers of the run, and all steps of a frame that it has the records of', () => {
    const scenario: Scenario = {
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      durationMs: 0.2,
    };
    const whole = logRun(scenario).log;
    const simulation = makeSimulation({ warmUpMs: 0, ...scenario });
    const header = logHeader(simulation);
    const target = new LogRing(4000);
    recordLog(simulation, target);
    simulation.boot();
    simulation.advance(simulation.endPs);
    const ring = new BinaryLog(join(target.parts(header, logTrailer(simulation))));
    const frames = framesOf(whole);
    expect(ring.framesLost).toBe(frames - framesOf(ring));
    expect(ring.framesLost).toBeGreaterThan(0);
    const number = frames - 60;
    const [full, kept] = [lifeOfFrame(whole, number), lifeOfFrame(ring, number)];
    expect(kept).toMatchObject({ number, bytes: full.bytes, branches: full.branches, registersKnown: false });
    expect(full.branches[0].outcome).toBe('received');
    const behind = ({ steps }: typeof full) =>
      steps.filter(({ branch }) => branch === 0).map((step) => ({ ...step, decidedBy: [] }));
    expect(behind(kept)).toEqual(behind(full));
    expect(() => lifeOfFrame(ring, 1)).toThrow(`allowed ${ring.framesLost + 1} to ${frames}`);
  });
});

const at = fc.integer({ min: 0, max: 28 }).map((us) => us / 1000 + 0.000_1);
const target = fc.constantFrom('a', 'b', 'c');
const fault: fc.Arbitrary<FaultOptions> = fc.oneof(
  fc.record({ kind: fc.constant('link-down' as const), atMs: at, forMs: fc.constant(0.003) }),
  fc.record({ kind: fc.constant('surprise-removal' as const), atMs: at }),
  fc.record({ kind: fc.constant('flr' as const), atMs: at, target }),
  fc.record({
    kind: fc.constant('iommu-fault' as const),
    atMs: at,
    target,
    direction: fc.constantFrom('read' as const, 'write' as const),
  }),
  fc.record({ kind: fc.constant('poisoned-data' as const), atMs: at, target }),
  fc.record({ kind: fc.constant('lost-completion' as const), atMs: at, target }),
  fc.record({ kind: fc.constant('bit-error' as const), probability: fc.constantFrom(0.02, 0.3) }),
  fc.record({
    kind: fc.constant('slow-memory' as const),
    atMs: at,
    forMs: fc.constant(0.005),
    factor: fc.constant(5),
  }),
);
const driver = fc.constantFrom('poll' as const, 'interrupt' as const);
const flow = fc.record({
  from: fc.constantFrom('a', 'b', 'port', 'host'),
  to: fc.constantFrom('c', 'port', 'broadcast'),
  frameBytes: fc.constantFrom(64, 594, 1518),
  ratePps: fc.constantFrom(2e5, 5e5),
});
const scenarios = fc.record({
  seed: fc.integer({ min: 1, max: 1000 }),
  guests: fc
    .tuple(driver, driver, driver)
    .map((all) => ['a', 'b', 'c'].map((name, i) => ({ name, driver: all[i] }))),
  traffic: fc.array(
    flow.filter(({ from, to }) => from !== to),
    { minLength: 1, maxLength: 3 },
  ),
  faults: fc.array(fault, { minLength: 1, maxLength: 3 }),
});

describe('what is said of all frames of a run with faults', () => {
  it('adds up to the balance of its report', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        let committed = { count: 0 };
        const { simulation, log, lives } = livesOf({ ...scenario, durationMs: 0.03 }, (each) => {
          committed = countCommitted(each);
        });
        // What waits at the root port when the log ends is not told as it would be behind it.
        const waits = log.trailer.waiting?.length ?? 0;
        const told = toldAsCommitted(lives, simulation.nowPs);
        expect(told).toBeGreaterThanOrEqual(committed.count);
        expect(told).toBeLessThanOrEqual(committed.count + waits);
        const { conservation, endpoints } = simulation.report();
        expect(conservation.balanced).toBe(true);
        const branches = lives.flatMap((life) => life.branches.map((each, i) => ({ ...each, life, i })));
        // Who has a descriptor: software has the frame, or it lies in the ring, for ever if it is lost.
        const inRings = branches.filter(
          ({ life, i, outcome }) => outcome !== 'dropped' && stepsOf(life, 'receiveDescriptor', i).length > 0,
        );
        const received = endpoints.reduce(
          (sum, each) => sum + (each.kind === 'port' ? 0 : each.received.frames),
          0,
        );
        expect(inRings.length).toBe(received + (conservation.inFlight['receive rings'] ?? 0));
        for (const { name } of endpoints.filter(({ kind }) => kind !== 'port')) {
          const known = inRings.filter((each) => each.name === name && each.outcome === 'received').length;
          const has = endpoints.find((each) => each.name === name)?.received.frames ?? 0;
          expect(known, name).toBeLessThanOrEqual(has);
          // What a reset or the link has taken is never software's.
          const never = inRings.filter(
            (each) => each.name === name && (each.lost === 'linkDown' || each.lost === 'ringStopped'),
          ).length;
          const all = inRings.filter((each) => each.name === name).length;
          expect(all - never, name).toBeGreaterThanOrEqual(has);
        }
        // Each drop in the switch or behind it; what the port turns away has no slot, and is no frame of the log.
        const drops = [...lives.map(({ dropped }) => dropped), ...branches.map(({ reason }) => reason)];
        for (const reason of [...DROP_REASONS, 'noDescriptor'] as const) {
          const count = drops.filter((each) => each === reason).length;
          expect(count, reason).toBe(conservation.dropped[reason] ?? 0);
        }
        const sent = branches.filter(({ outcome }) => outcome === 'sent').length;
        const waiting = branches.filter(
          ({ name, outcome }) => name === 'port' && outcome === 'underWay',
        ).length;
        const { framesSent } = simulation.machine.nic.data.mac;
        expect(sent).toBeGreaterThanOrEqual(framesSent);
        expect(waiting).toBeLessThanOrEqual(conservation.inFlight['to the wire'] ?? 0);
      }),
      { numRuns: 10 },
    );
  }, 120_000);
});

import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { TlpKind } from '../../src/pcie/index.ts';
import { lifeOfFrame, timelineFromLog } from '../../src/sim/index.ts';
import { type BinaryLog, type LogTrain, LogTrains, TrainArrivals } from '../../src/trace/index.ts';
import { countCommitted, framesOf, logRun, stepsOf, toldAsCommitted } from './life-rig.ts';

const MICROSECOND = 1_000_000;

/** The lives of the frames of a run: of all, or of every so manieth. */
function livesOf(scenario: Scenario, every = 1) {
  const { simulation, log } = logRun({ durationMs: 0.03, ...scenario });
  const count = Math.floor(framesOf(log) / every);
  const lives = Array.from({ length: count }, (_, i) => lifeOfFrame(log, every * i + 1));
  return { simulation, log, lives };
}

/** Its trains, as they were given to the link. */
function* trainsOf(log: BinaryLog): Generator<LogTrain> {
  const trains = new LogTrains();
  for (const record of log.records()) {
    const train = trains.add(record);
    if (train !== null) yield train;
  }
}

/** When each receive descriptor is written back, by the timeline: the ends of its slices. */
function sliceEnds(log: BinaryLog): Map<string, number> {
  const names: string[] = [];
  const open = new Map<number, string>();
  const ends = new Map<string, number>();
  timelineFromLog(log).write({
    track: (name) => names.push(name) - 1,
    begin: (_, track, name, { args }) => {
      open.set(track, names[track].includes(' rx[') ? `${names[track]} ${args?.['frame']}` : '');
      if (name.startsWith('fetch')) open.set(track, '');
    },
    end: (timePs, track) => ends.set(open.get(track) ?? '', timePs),
    instant: () => {},
    counter: () => {},
    finish: () => {},
  });
  return ends;
}

describe('a write-back that leaves at once', () => {
  // The fourth descriptor of a line sends it while its own frame is being written.
  const { log, lives, simulation } = livesOf(
    {
      guests: [{ name: 'a' }, { name: 'b', driver: 'poll' }],
      traffic: [{ from: 'port', to: 'b', rateMbps: 9500 }],
      durationMs: 0.02,
    },
    7,
  );
  const done = lives.filter(({ steps }) => (steps.at(-1)?.timePs ?? 0) < simulation.endPs - 5 * MICROSECOND);

  it('is that of the frame that fills its line, too', () => {
    expect(done.length).toBeGreaterThan(15);
    for (const life of done) expect(stepsOf(life, 'writeBack', 0), `frame ${life.number}`).toHaveLength(1);
  });

  it('ends the slice of that frame in the timeline', () => {
    const ends = sliceEnds(log);
    for (const life of done) {
      const [writeBack] = stepsOf(life, 'writeBack', 0);
      expect(ends.get(`b rx[0] ${life.number}`)).toBe(writeBack.arrivesPs);
    }
  });
});

describe('a TLP that is hit by a bit error', () => {
  const { lives, log } = livesOf({
    guests: [{ name: 'a' }, { name: 'b' }],
    traffic: [{ from: 'a', to: 'b', ratePps: 5e5, frameBytes: 594 }],
    faults: [{ kind: 'bit-error', probability: 0.2 }],
  });
  const arrivals = new TrainArrivals(log);

  it('is told of each time that it leaves, and arrives the last time', () => {
    const all = lives.flatMap(({ steps }) => steps);
    const discarded = all.filter(({ kind }) => kind === 'discarded');
    expect(discarded.length).toBeGreaterThan(10);
    for (const { arrivesPs, what } of discarded) {
      expect(arrivesPs).toBeNull();
      expect(what).toContain('discarded');
    }
    const again = all.filter(({ what }) => what.endsWith('; sent again'));
    expect(again.length).toBeGreaterThan(10);
    for (const { arrivesPs } of again) expect(arrivesPs).not.toBeNull();
  });

  it('is looked up when it has arrived, and not before', () => {
    let lookedUp = 0;
    for (const { steps } of lives) {
      const arrived = new Set(steps.map(({ arrivesPs }) => arrivesPs));
      for (const { timePs } of steps.filter(({ kind }) => kind === 'translation')) {
        lookedUp++;
        expect(arrived.has(timePs)).toBe(true);
      }
    }
    expect(lookedUp).toBeGreaterThan(lives.length);
  });

  it('takes as many TLPs again as the link has counted', () => {
    let trains = -1;
    let again = 0;
    const counts = new Map<number, number>();
    for (const { kind, c } of log.recordsOf(ProbeKind.TLP_SENT)) {
      if (kind === ProbeKind.TLP_SENT) counts.set(++trains, c);
    }
    for (let train = 0; train <= trains; train++) {
      for (const { first } of arrivals.of(train).slice(1)) again += (counts.get(train) as number) - first;
    }
    const resent = [...log.recordsOf(ProbeKind.TLP_RESENT)].reduce((sum, { b }) => sum + b, 0);
    expect(again).toBe(resent);
    expect(resent).toBeGreaterThan(0);
  });
});

describe('a write that waits at the root port', () => {
  it('is lost with the link, also where no walker is free for it', () => {
    let lost = 0;
    for (const us of [4.3, 7.1, 9.7]) {
      let committed = { count: 0 };
      const { simulation, log } = logRun(
        {
          durationMs: 0.02,
          guests: ['a', 'b', 'c', 'd'].map((name) => ({ name })),
          traffic: ['b', 'c', 'd'].map((to) => ({ from: 'port', to, ratePps: 1e6, frameBytes: 594 })),
          faults: [
            { kind: 'slow-memory', atMs: 0, forMs: 1, factor: 20 },
            { kind: 'surprise-removal', atMs: us / 1000 },
          ],
        },
        (each) => {
          committed = countCommitted(each);
        },
      );
      const lives = Array.from({ length: framesOf(log) }, (_, i) => lifeOfFrame(log, i + 1));
      lost += [...log.recordsOf(ProbeKind.WRITE_LOST)].length;
      expect(toldAsCommitted(lives, simulation.nowPs), `${us} us`).toBe(committed.count);
    }
    expect(lost).toBeGreaterThan(0);
  });

  it('is under way when the log ends', () => {
    const { log, lives } = livesOf({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'port', to: 'b', ratePps: 1e6 }],
      faults: [{ kind: 'slow-memory', atMs: 0, forMs: 1, factor: 500 }],
      durationMs: 0.03,
    });
    expect(log.trailer.waiting?.length).toBeGreaterThan(1);
    const arrived = lives.filter((life) =>
      stepsOf(life, 'payloadWrite', 0).some(({ arrivesPs }) => (arrivesPs ?? Infinity) < log.trailer.endPs),
    );
    expect(arrived.length).toBeGreaterThan(0);
    for (const { branches } of arrived) expect(branches[0].outcome).toBe('underWay');
  });
});

describe('a request that a fault on demand refuses', () => {
  it('is not looked up, and waits for no walk, even if there is one for its page', () => {
    const { lives } = livesOf({
      guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      traffic: [{ from: 'a', to: 'broadcast', ratePps: 2e6 }],
      faults: [{ kind: 'iommu-fault', probability: 0.5, direction: 'write' }],
      durationMs: 0.03,
    });
    const refused = lives.flatMap((life) =>
      life.branches.flatMap((_, i) => stepsOf(life, 'refused', i).map((step) => ({ step, life, i }))),
    );
    expect(refused.length).toBeGreaterThan(10);
    for (const { step, life, i } of refused) {
      const walks = stepsOf(life, 'translation', i).filter(({ what }) => what.includes('walk'));
      const page = /page 0x[0-9a-f]+/.exec(step.what)?.[0] as string;
      expect(walks.filter(({ what }) => what.includes(`${page},`) || what.includes(`${page} `))).toEqual([]);
    }
  });
});

describe('what had not begun to leave when the link went down', () => {
  it('is no step: nothing is on the link behind that', () => {
    const { lives, simulation } = livesOf({
      guests: [{ name: 'a' }, { name: 'b', driver: 'poll' }],
      traffic: [
        { from: 'port', to: 'b', frameBytes: 1518, rateMbps: 9500 },
        { from: 'a', to: 'b', ratePps: 2e6, frameBytes: 1518 },
      ],
      faults: [{ kind: 'surprise-removal', atMs: 0.02 }],
    });
    const downPs = simulation.startPs + 20 * MICROSECOND;
    const links = lives.flatMap(({ steps }) => steps).filter(({ link }) => link?.startsWith('pcie') === true);
    expect(links.some(({ what }) => what.includes('lost'))).toBe(true);
    for (const { timePs, endPs } of links) {
      expect(timePs).toBeLessThan(downPs);
      expect(endPs).toBeLessThanOrEqual(downPs);
    }
  });
});

describe('reads whose completions the link takes with it', () => {
  it('of descriptors end there as lost, and those of frames bring none into the switch', () => {
    const scenario: Scenario = {
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: ['a', 'b'].map((from) => ({ from, to: 'port', saturate: true })),
      durationMs: 0.01,
    };
    const { log: before, simulation: usual } = logRun(scenario);
    const fetched = [...trainsOf(before)].find(
      ({ timePs, client, cookie }) => client >= 0 && cookie < 0 && timePs > usual.startPs + 3 * MICROSECOND,
    ) as LogTrain;
    const downPs = fetched.timePs + 60_000;
    const atMs = (downPs - usual.startPs) / 1e9;
    const { log, lives } = livesOf({ ...scenario, faults: [{ kind: 'link-down', atMs, forMs: 0.005 }] }, 3);
    // By the records alone: reads that have left, less those whose completions have arrived.
    const open = new Map<number, LogTrain>();
    for (const train of trainsOf(log)) {
      if (train.timePs >= downPs || train.client < 0) continue;
      if (!train.downstream && train.kind === TlpKind.MEMORY_READ) open.set(train.index, train);
      else if (train.downstream && train.arrivalPs < downPs) open.delete(train.index);
    }
    const fetches = [...open.values()].filter(({ cookie }) => cookie < 0).length;
    expect(fetches).toBeGreaterThan(0);
    let lost = 0;
    timelineFromLog(log).write({
      track: () => 0,
      begin: (_, __, name) => {
        if (/^fetch of \d+, lost$/.test(name)) lost++;
      },
      end: () => {},
      instant: () => {},
      counter: () => {},
      finish: () => {},
    });
    expect(lost).toBe(fetches);
    for (const life of lives) {
      const completions = stepsOf(life, 'payloadCompletion');
      expect(completions).toHaveLength(stepsOf(life, 'payloadRead').length);
      for (const { arrivesPs } of completions) expect(arrivesPs).toBeLessThan(downPs);
    }
  });
});

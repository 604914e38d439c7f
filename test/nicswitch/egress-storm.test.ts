import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { SECOND } from '../../src/kernel/index.ts';
import { EgressStage, entrySlot, NicSwitch } from '../../src/nicswitch/index.ts';
import { BROADCAST, frameBytes, mac, putFrame, STRANGER } from './fixtures.ts';

const VPORTS = 3;
const CLASSES = 3;
const RUNS = process.env['SRIOVSIM_LONG'] ? 3_000 : 300;

type Step = (rig: Rig) => void;
type Rig = ReturnType<typeof newRig>;

function newRig(queueFrames: number) {
  const frames = new FramePool({ slots: 256 });
  const nicSwitch = new NicSwitch({ frames, vports: VPORTS, queueEntries: 64 });
  for (let v = 0; v < VPORTS; v++) {
    nicSwitch.setVPortEnabled(v, true, true);
    nicSwitch.addMac(v, mac(v));
  }
  const stage = new EgressStage(nicSwitch, { linkGbps: 1, classes: CLASSES, queueFrames });
  return { frames, nicSwitch, stage, now: 0, left: 0 };
}

/** Lets leave what may, until an instant; time goes on as the stage says, or to the instant. */
function runUntil(rig: Rig, untilPs: number): void {
  const { stage, frames } = rig;
  for (let port = stage.next(rig.now); rig.now < untilPs; port = stage.next(rig.now)) {
    if (port >= 0) {
      rig.left++;
      frames.release(entrySlot(stage.entry));
      continue;
    }
    // Nobody is told to wait for what has been: that would be for ever.
    expect(stage.readyPs).toBeGreaterThan(rig.now);
    rig.now = Math.min(untilPs, stage.readyPs);
  }
}

/** What a caller may be refused, in one sentence. */
function orRefused(change: () => void): void {
  try {
    change();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
  }
}

const vport = fc.nat(VPORTS - 1);
const mbps = fc.constantFrom(1, 10, 300, 500, 1000, 1001);
const rate = fc.option(mbps);
const anyClass = fc.nat(CLASSES - 1);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        vport,
        fc.constantFrom(STRANGER, BROADCAST, mac(0), mac(1)),
        fc.constantFrom(60, 1514),
        fc.nat(7),
      )
      .map(
        ([v, to, bytes, priority]): Step =>
          ({ frames, nicSwitch, stage }) => {
            if (frames.available < 8) return;
            const frame = frameBytes({ to, from: mac(v), bytes, tci: priority << 13 });
            const slot = putFrame(frames, frame);
            if (!stage.submit(v, slot)) frames.release(slot);
            nicSwitch.forward();
            stage.collect();
          },
      ),
  },
  fc.tuple(vport, rate).map(
    ([v, max]): Step =>
      ({ stage, now }) =>
        orRefused(() => stage.setMaxRate(v, max, now)),
  ),
  fc.tuple(vport, rate).map(
    ([v, max]): Step =>
      ({ stage, now }) =>
        orRefused(() => stage.setReceiveRate(v, max, now)),
  ),
  fc.tuple(vport, fc.constantFrom(0, 0, 1, 300, 1000)).map(
    ([v, min]): Step =>
      ({ stage }) =>
        orRefused(() => stage.setMinRate(v, min)),
  ),
  fc.tuple(anyClass, fc.constantFrom(1, 100, 5000)).map(
    ([c, quantum]): Step =>
      ({ stage }) =>
        stage.wire.setClassWeight(c, quantum),
  ),
  anyClass.map(
    (c): Step =>
      ({ stage }) =>
        stage.wire.setStrict(c),
  ),
  fc.tuple(anyClass, fc.boolean()).map(
    ([c, paused]): Step =>
      ({ stage }) =>
        stage.wire.setPaused(c, paused),
  ),
  fc.integer({ min: 1, max: 40_000_000 }).map(
    (ps): Step =>
      (rig) =>
        runUntil(rig, rig.now + ps),
  ),
);

describe('limits, minima, weights, priorities and pauses of an egress stage, changed while frames wait', () => {
  it('lose no frame and hold none up for ever', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), fc.constantFrom(1, 4, 64), (steps, queueFrames) => {
        const rig = newRig(queueFrames);
        const { stage, frames, nicSwitch } = rig;
        for (const step of steps) {
          step(rig);
          expect(stage.framesIn).toBe(rig.left + stage.framesDropped + stage.waiting);
          nicSwitch.checkBalance();
        }
        for (let c = 0; c < CLASSES; c++) stage.wire.setPaused(c, false);
        // The slowest is 1 Mb/s: every frame there can be takes less than a minute.
        runUntil(rig, rig.now + 60 * SECOND);
        expect(stage.waiting).toBe(0);
        expect(frames.available).toBe(frames.slots);
        expect(stage.framesIn).toBe(rig.left + stage.framesDropped);
      }),
      { numRuns: RUNS },
    );
  });

  it('can be ended by a reset at any moment, which gives every slot back', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const rig = newRig(64);
        for (const step of steps) step(rig);
        rig.stage.reset();
        expect(rig.frames.available).toBe(rig.frames.slots);
        expect(rig.stage.waiting).toBe(0);
        rig.left = 0;
        for (let c = 0; c < CLASSES; c++) rig.stage.wire.setPaused(c, false);
        const slot = putFrame(rig.frames, frameBytes({ to: STRANGER, from: mac(0) }));
        rig.stage.submit(0, slot);
        rig.nicSwitch.forward();
        rig.stage.collect();
        runUntil(rig, rig.now + 60 * SECOND);
        expect(rig.left).toBe(1);
      }),
      { numRuns: RUNS / 3 },
    );
  });
});

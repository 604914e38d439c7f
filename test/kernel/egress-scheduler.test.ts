import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteTimeOf, EgressScheduler, NO_QUEUE, SECOND } from '../../src/kernel/index.ts';

/** Credit for frames that were held up by others (82599: MMW_SIZE of 4 KB). */
const WINDOW = 4096;

/** Sends from queues that always have frames of the given lengths, over a port with this time a byte. */
function saturate(
  egress: EgressScheduler,
  lengths: readonly number[],
  untilPs: number,
  bytePs: number,
): number[] {
  const bytes = lengths.map(() => 0);
  for (const queue of lengths.keys()) egress.enqueue(queue);
  for (let now = 0; now < untilPs; ) {
    const queue = egress.next(now);
    if (queue === NO_QUEUE) {
      if (!(egress.readyPs > now)) throw new Error(`asked again at ${now} ps for no reason`);
      now = egress.readyPs;
      continue;
    }
    egress.sent(queue, lengths[queue], true);
    bytes[queue] += lengths[queue];
    now += lengths[queue] * bytePs;
  }
  return bytes;
}

/** The next `count` queues, each frame of `bytes`, at one instant; -1 when there is none. */
function order(egress: EgressScheduler, count: number, bytes = 100): number[] {
  return Array.from({ length: count }, () => {
    const queue = egress.next(0);
    if (queue !== NO_QUEUE) egress.sent(queue, bytes, true);
    return queue;
  });
}

function weigh(egress: EgressScheduler, quanta: readonly number[]): void {
  for (const [vport, quantum] of quanta.entries()) egress.setVPortWeight(vport, quantum);
}

describe('EgressScheduler', () => {
  it('takes queues frame by frame in turn', () => {
    const egress = new EgressScheduler({ queues: 4 });
    for (const queue of [2, 0, 3]) egress.enqueue(queue);
    expect(order(egress, 6)).toEqual([2, 0, 3, 2, 0, 3]);
    egress.withdraw(0);
    egress.enqueue(1);
    expect(order(egress, 4)).toEqual([2, 3, 1, 2]);
  });

  it('gives VPorts their turns, and within them their queues', () => {
    const egress = new EgressScheduler({ queues: 4, vports: 2 });
    for (const queue of [0, 1, 2]) egress.enqueue(queue);
    expect(order(egress, 6)).toEqual([0, 2, 1, 2, 0, 2]);
  });

  it('names the same queue until it has sent', () => {
    const egress = new EgressScheduler({ queues: 2 });
    egress.enqueue(0);
    egress.enqueue(1);
    expect([egress.next(0), egress.next(5), egress.next(9)]).toEqual([0, 0, 0]);
    egress.sent(0, 64, false);
    expect(egress.next(9)).toBe(1);
    egress.sent(1, 64, false);
    expect(egress.next(9)).toBe(NO_QUEUE);
    expect(egress.readyPs).toBe(Number.POSITIVE_INFINITY);
    expect(egress.backlogged).toBe(0);
  });

  describe('classes', () => {
    it('go by strict priority, the highest number first', () => {
      const egress = new EgressScheduler({ queues: 3, classes: 3 });
      for (const queue of [0, 1, 2]) egress.place(queue, queue, 0);
      for (const queue of [0, 1, 2]) egress.enqueue(queue);
      expect(order(egress, 3)).toEqual([2, 2, 2]);
      egress.withdraw(2);
      expect(order(egress, 2)).toEqual([1, 1]);
      egress.enqueue(2);
      expect(order(egress, 1)).toEqual([2]);
    });

    it('share by weight what strict ones leave', () => {
      const egress = new EgressScheduler({ queues: 4, classes: 4 });
      for (const queue of [0, 1, 2, 3]) egress.place(queue, queue, 0);
      for (const [index, percent] of [10, 30, 60].entries()) egress.setClassWeight(index, percent * 256);
      egress.setClassRate(3, byteTimeOf(2_000_000), WINDOW, 0);
      const bytes = saturate(egress, [1518, 64, 700, 300], SECOND / 100, 800);
      const total = 1.25e9 / 100;
      expect(bytes[3] / total).toBeCloseTo(0.2, 3);
      expect(bytes[0] / total).toBeCloseTo(0.08, 3);
      expect(bytes[1] / total).toBeCloseTo(0.24, 3);
      expect(bytes[2] / total).toBeCloseTo(0.48, 3);
    });

    it('with a quantum below a frame still share by weight', () => {
      const egress = new EgressScheduler({ queues: 2, classes: 2 });
      egress.place(1, 1, 0);
      egress.setClassWeight(0, 1, 10_000);
      egress.setClassWeight(1, 3, 10_000);
      const [a, b] = saturate(egress, [1518, 1518], SECOND / 1000, 800);
      expect(b / a).toBeCloseTo(3, 1);
    });

    it('of weight 0 never send', () => {
      const egress = new EgressScheduler({ queues: 1 });
      egress.setClassWeight(0, 0);
      egress.enqueue(0);
      expect(egress.next(0)).toBe(NO_QUEUE);
      egress.setStrict(0);
      expect(egress.next(0)).toBe(0);
    });

    it('that are strict go only before lower ones when classes are looked at by their number', () => {
      const egress = new EgressScheduler({ queues: 2, classes: 2 });
      egress.place(1, 1, 0);
      egress.setClassWeight(1, 200);
      egress.enqueue(0);
      egress.enqueue(1);
      expect(order(egress, 2)).toEqual([0, 0]);
      egress.setClassArbitration('index');
      expect(order(egress, 4)).toEqual([1, 1, 0, 0]);
    });

    it('take turns frame by frame when they are told to', () => {
      const egress = new EgressScheduler({ queues: 3, classes: 3 });
      for (const queue of [0, 1, 2]) egress.place(queue, queue, 0);
      for (const queue of [0, 1, 2]) egress.enqueue(queue);
      egress.setClassArbitration('frame');
      expect(order(egress, 5)).toEqual([2, 1, 0, 2, 1]);
    });

    it('stand still while they are paused', () => {
      const egress = new EgressScheduler({ queues: 2, classes: 2 });
      egress.place(1, 1, 0);
      egress.enqueue(0);
      egress.enqueue(1);
      egress.setPaused(1, true);
      expect(order(egress, 2)).toEqual([0, 0]);
      egress.setPaused(0, true);
      expect(egress.next(0)).toBe(NO_QUEUE);
      egress.setPaused(1, false);
      expect(order(egress, 1)).toEqual([1]);
    });
  });

  describe('weighted VPorts', () => {
    it('share in proportion, whatever their frames', () => {
      const egress = new EgressScheduler({ queues: 6, vports: 3 });
      egress.setWeighted(true);
      weigh(egress, [2_000, 6_000, 12_000]);
      const bytes = saturate(egress, [64, 1518, 1518, 300, 64, 64], SECOND / 100, 800);
      const total = bytes.reduce((sum, each) => sum + each);
      expect((bytes[0] + bytes[1]) / total).toBeCloseTo(0.1, 3);
      expect((bytes[2] + bytes[3]) / total).toBeCloseTo(0.3, 3);
      expect((bytes[4] + bytes[5]) / total).toBeCloseTo(0.6, 3);
    });

    it('share in proportion within a millisecond, however small and unequal their quanta are', () => {
      const egress = new EgressScheduler({ queues: 4, vports: 4 });
      egress.setWeighted(true);
      weigh(egress, [0.25, 2, 0.5, 0.001]);
      const bytes = saturate(egress, [1518, 1518, 64, 1518], SECOND / 1000, 800);
      const total = bytes.reduce((sum, each) => sum + each);
      for (const [vport, quantum] of [0.25, 2, 0.5].entries()) {
        expect(Math.abs((bytes[vport] / total / quantum) * 2.751 - 1), `VPort ${vport}`).toBeLessThan(0.02);
      }
      expect(bytes[3]).toBe(1518);
    });

    it('cost few steps a frame, however small quanta are', () => {
      const vports = 1024;
      const egress = new EgressScheduler({ queues: vports, vports });
      egress.setWeighted(true);
      weigh(
        egress,
        Array.from({ length: vports }, (_, vport) => 0.01 + (vport % 7) / 1000),
      );
      let steps = 0;
      const round = (egress as unknown as { classes: { groups: { fill(entry: unknown): void } }[] })
        .classes[0].groups;
      const fill = round.fill.bind(round);
      round.fill = (entry) => {
        steps++;
        fill(entry);
      };
      for (let queue = 0; queue < vports; queue++) egress.enqueue(queue);
      const frames = 20_000;
      for (let i = 0; i < frames; i++) {
        const queue = egress.next(0);
        egress.sent(queue, 64 + ((queue * 37) % 1455), true);
      }
      expect(steps / frames).toBeLessThan(40);
    });

    it('cannot get more by being empty after each frame', () => {
      const egress = new EgressScheduler({ queues: 2, vports: 2 });
      egress.setWeighted(true);
      egress.enqueue(0);
      egress.enqueue(1);
      const bytes = [0, 0];
      for (let i = 0; i < 10_000; i++) {
        const queue = egress.next(0);
        const length = queue === 0 ? 1518 : 100;
        bytes[queue] += length;
        egress.sent(queue, length, queue === 1);
        egress.enqueue(0);
      }
      expect(bytes[0] / bytes[1]).toBeCloseTo(1, 1);
    });

    it('get what others do not use, in proportion', () => {
      const egress = new EgressScheduler({ queues: 3, vports: 3 });
      egress.setWeighted(true);
      weigh(egress, [2_000, 4_000, 14_000]);
      egress.setVPortRate(2, byteTimeOf(1_000_000), WINDOW, 0);
      const bytes = saturate(egress, [1518, 1518, 1518], SECOND / 100, 800);
      const total = 1.25e9 / 100;
      expect(bytes[2] / total).toBeCloseTo(0.1, 3);
      expect(bytes[0] / total).toBeCloseTo(0.3, 3);
      expect(bytes[1] / total).toBeCloseTo(0.6, 3);
    });

    it('take turns again when weights are switched off', () => {
      const egress = new EgressScheduler({ queues: 2, vports: 2 });
      egress.setWeighted(true);
      egress.setVPortWeight(0, 100);
      egress.setVPortWeight(1, 300);
      egress.enqueue(0);
      egress.enqueue(1);
      expect(order(egress, 8).filter((queue) => queue === 1)).toHaveLength(6);
      egress.setWeighted(false);
      expect(order(egress, 8).filter((queue) => queue === 1)).toHaveLength(4);
    });
  });

  it('holds every limit of 256 VPorts at once, and a queue of its own limit', () => {
    const egress = new EgressScheduler({ queues: 512, vports: 256 });
    const kbps = (vport: number) => 10_000 + vport * 1_000;
    for (let vport = 0; vport < 256; vport++) egress.setVPortRate(vport, byteTimeOf(kbps(vport)), WINDOW, 0);
    egress.setQueueRate(0, byteTimeOf(2_500), WINDOW, 0);
    const lengths = Array.from({ length: 512 }, (_, queue) => 64 + ((queue * 37) % 1455));
    // 35 Gb/s in all over 100 Gb/s.
    const bytes = saturate(egress, lengths, SECOND / 10, 80);
    for (let vport = 0; vport < 256; vport++) {
      const allowed = kbps(vport) * 12.5;
      expect(Math.abs((bytes[2 * vport] + bytes[2 * vport + 1]) / allowed - 1)).toBeLessThan(0.015);
    }
    expect(Math.abs(bytes[0] / 31_250 - 1)).toBeLessThan(0.01);
  });

  it('frees who waited when a limit is taken away', () => {
    const egress = new EgressScheduler({ queues: 1, classes: 1 });
    const limit = byteTimeOf(1_000);
    egress.setQueueRate(0, limit, 0, 0);
    egress.setVPortRate(0, limit, 0, 0);
    egress.setClassRate(0, limit, 0, 0);
    egress.enqueue(0);
    expect(order(egress, 2)).toEqual([0, NO_QUEUE]);
    egress.setQueueRate(0, null, 0, 0);
    egress.setVPortRate(0, null, 0, 0);
    expect(egress.next(0)).toBe(NO_QUEUE);
    egress.setClassRate(0, null, 0, 0);
    expect(egress.next(0)).toBe(0);
  });

  it('refuses what is out of range and says what', () => {
    expect(() => new EgressScheduler({ queues: 0 })).toThrow(
      'queues must be an integer from 1 to 65536, got 0',
    );
    expect(() => new EgressScheduler({ queues: 1, classes: 9 })).toThrow('classes must be');
    const egress = new EgressScheduler({ queues: 2 });
    expect(() => egress.place(2, 0, 0)).toThrow('queue must be an integer from 0 to 1, got 2');
    expect(() => egress.setVPortWeight(0, 0)).toThrow('quantumBytes must be');
    expect(() => egress.setStrict(1)).toThrow('trafficClass must be');
  });

  describe('random configurations', () => {
    const QUEUES = 12;
    const VPORTS = 4;
    const CLASSES = 3;
    const limit = fc.option(
      fc.record({
        kbps: fc.integer({ min: 100_000, max: 20_000_000 }),
        windowBytes: fc.integer({ min: 0, max: 5_000 }),
      }),
    );
    const configuration = fc.record({
      places: fc.array(fc.tuple(fc.nat(CLASSES - 1), fc.nat(VPORTS - 1)), {
        minLength: QUEUES,
        maxLength: QUEUES,
      }),
      queueLimits: fc.array(limit, { minLength: QUEUES, maxLength: QUEUES }),
      vportLimits: fc.array(limit, { minLength: VPORTS, maxLength: VPORTS }),
      classLimits: fc.array(limit, { minLength: CLASSES, maxLength: CLASSES }),
      weights: fc.option(
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: VPORTS, maxLength: VPORTS }),
      ),
      classWeights: fc.array(fc.option(fc.integer({ min: 1, max: 20_000 })), {
        minLength: CLASSES,
        maxLength: CLASSES,
      }),
    });
    // A frame arrives, a class is paused or goes on, or time passes.
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ arrive: fc.nat(QUEUES - 1), bytes: fc.integer({ min: 64, max: 9_000 }) }),
      },
      { weight: 1, arbitrary: fc.record({ pause: fc.nat(CLASSES - 1) }) },
      { weight: 3, arbitrary: fc.record({ passPs: fc.integer({ min: 0, max: 20_000_000 }) }) },
    );

    /** A limit as whole parts of a picosecond, which are counted without end. */
    class ReferenceBucket {
      private ready = 0n;
      private readonly kbps: bigint;
      private readonly window: bigint;

      constructor(kbps: number, windowBytes: number) {
        this.kbps = BigInt(kbps);
        this.window = (BigInt(windowBytes) * 8_000_000_000n) / this.kbps;
      }

      isOpen(now: number): boolean {
        return BigInt(now) * this.kbps >= this.ready;
      }

      charge(now: number, bytes: number): void {
        const oldest = (BigInt(now) - this.window) * this.kbps;
        const late = this.ready <= oldest - this.kbps; // by a picosecond or more
        this.ready = (late ? oldest : this.ready) + BigInt(bytes) * 8_000_000_000n;
      }
    }

    it('loses no frame, keeps every limit and every priority, and never idles while a frame may go', () => {
      fc.assert(
        fc.property(configuration, fc.array(step, { maxLength: 120 }), (config, steps) => {
          const egress = new EgressScheduler({ queues: QUEUES, vports: VPORTS, classes: CLASSES });
          const bucket = (given: { kbps: number; windowBytes: number } | null) =>
            given === null ? null : new ReferenceBucket(given.kbps, given.windowBytes);
          for (const [queue, [trafficClass, vport]] of config.places.entries())
            egress.place(queue, trafficClass, vport);
          const set = (
            given: typeof config.queueLimits,
            how: 'setQueueRate' | 'setVPortRate' | 'setClassRate',
          ) =>
            given.map((each, index) => {
              if (each !== null) egress[how](index, byteTimeOf(each.kbps), each.windowBytes, 0);
              return bucket(each);
            });
          const queueBuckets = set(config.queueLimits, 'setQueueRate');
          const vportBuckets = set(config.vportLimits, 'setVPortRate');
          const classBuckets = set(config.classLimits, 'setClassRate');
          config.classWeights.forEach((quantum, index) => {
            if (quantum !== null) egress.setClassWeight(index, quantum);
          });
          if (config.weights !== null) {
            egress.setWeighted(true);
            weigh(egress, config.weights);
          }
          const frames: number[][] = config.places.map(() => []);
          const paused = [false, false, false];
          let arrived = 0;
          let left = 0;
          let now = 0;
          const bucketsOf = (queue: number) => {
            const [trafficClass, vport] = config.places[queue];
            return [queueBuckets[queue], vportBuckets[vport], classBuckets[trafficClass]];
          };
          const mayGo = (queue: number) =>
            frames[queue].length > 0 &&
            !paused[config.places[queue][0]] &&
            bucketsOf(queue).every((each) => each === null || each.isOpen(now));
          const drain = (untilPs: number) => {
            for (;;) {
              const queue = egress.next(now);
              const able = frames.map((_, each) => each).filter(mayGo);
              if (queue === NO_QUEUE) {
                expect(able).toEqual([]);
                if (egress.readyPs > untilPs) return;
                expect(egress.readyPs).toBeGreaterThan(now);
                now = egress.readyPs;
                continue;
              }
              expect(able).toContain(queue);
              const own = config.places[queue][0];
              const above = able
                .map((each) => config.places[each][0])
                .filter((other) => config.classWeights[other] === null)
                .filter((other) => config.classWeights[own] !== null || other > own);
              expect(above).toEqual([]);
              const bytes = frames[queue].shift() as number;
              for (const each of bucketsOf(queue)) each?.charge(now, bytes);
              egress.sent(queue, bytes, frames[queue].length > 0);
              left++;
              now += bytes * 800;
              if (now > untilPs) return;
            }
          };
          for (const each of steps) {
            if ('arrive' in each) {
              frames[each.arrive].push(each.bytes);
              egress.enqueue(each.arrive);
              arrived++;
            } else if ('pause' in each) {
              paused[each.pause] = !paused[each.pause];
              egress.setPaused(each.pause, paused[each.pause]);
            } else {
              const until = Math.max(now, now + each.passPs);
              drain(until);
              now = Math.max(now, until);
            }
          }
          paused.forEach((_, index) => {
            paused[index] = false;
            egress.setPaused(index, false);
          });
          drain(Number.MAX_SAFE_INTEGER);
          expect(left).toBe(arrived);
          expect(egress.backlogged).toBe(0);
        }),
      );
    });
  });
});

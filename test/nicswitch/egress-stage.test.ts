import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { MILLISECOND, SECOND } from '../../src/kernel/index.ts';
import {
  EgressStage,
  type EgressStageOptions,
  EXACT_RATES,
  entrySlot,
  INTEL_82599_RATES,
  NicSwitch,
} from '../../src/nicswitch/index.ts';
import { frameBytes, mac, putFrame, STRANGER } from './fixtures.ts';

/** A switch whose VPorts all may send, and its egress stage. */
function rig(vports: number, options: Partial<EgressStageOptions> = {}) {
  const frames = new FramePool({ slots: 4096 });
  const nicSwitch = new NicSwitch({ frames, vports, queueEntries: 512 });
  for (let vport = 0; vport < vports; vport++) {
    nicSwitch.setVPortEnabled(vport, true, true);
    nicSwitch.addMac(vport, mac(vport));
  }
  const stage = new EgressStage(nicSwitch, { linkGbps: 10, ...options });
  return { frames, nicSwitch, stage };
}

interface Load {
  vport: number;
  bytes: number;
  /** Priority of the frames' tag; none without. */
  priority?: number;
  /** Receiver; the wire without. */
  to?: number;
}

/** Each load always has two frames waiting, until `untilPs`. Returns what each has sent, in bytes of layer 2. */
function saturate(
  { frames, nicSwitch, stage }: ReturnType<typeof rig>,
  loads: readonly Load[],
  untilPs: number,
) {
  const loadOf = new Map<number, number>();
  for (const [index, { vport, bytes, priority, to }] of loads.entries()) {
    for (let i = 0; i < 2; i++) {
      const fields = { to: to === undefined ? STRANGER : mac(to), from: mac(vport), bytes: bytes - 4 };
      const frame = frameBytes(priority === undefined ? fields : { ...fields, tci: priority << 13 });
      const slot = putFrame(frames, frame);
      loadOf.set(slot, index);
      stage.submit(vport, slot);
    }
  }
  nicSwitch.forward();
  stage.collect();
  const sent = loads.map(() => 0);
  for (let now = 0; now < untilPs; ) {
    const port = stage.next(now);
    if (port < 0) {
      if (!(stage.readyPs > now)) throw new Error(`asked again at ${now} ps for no reason`);
      now = stage.readyPs;
      continue;
    }
    // The same frame again: the slot keeps its reference.
    const slot = entrySlot(stage.entry);
    const load = loadOf.get(slot) as number;
    sent[load] += loads[load].bytes;
    stage.submit(loads[load].vport, slot);
    nicSwitch.forward();
    stage.collect();
  }
  nicSwitch.checkBalance();
  return sent;
}

describe('EgressStage', () => {
  it('sends to the wire at the rate of the port, with preamble and gap', () => {
    const { frames, nicSwitch, stage } = rig(1);
    for (let i = 0; i < 3; i++) {
      stage.submit(0, putFrame(frames, frameBytes({ from: mac(0), bytes: 60 })));
    }
    nicSwitch.forward();
    stage.collect();
    const starts: number[] = [];
    for (let now = 0; stage.waiting > 0 || starts.length === 0; now = stage.readyPs) {
      while (stage.next(now) >= 0) {
        starts.push(now);
        frames.release(entrySlot(stage.entry));
      }
    }
    expect(starts).toEqual([0, 67_200, 134_400]);
    expect(stage.counters()).toMatchObject({ framesIn: 3, framesToWire: 3, bytesToWire: 192, waiting: 0 });
    expect(frames.available).toBe(4096);
  });

  it.each([
    { how: 'exactly', rates: EXACT_RATES },
    { how: 'as an 82599', rates: INTEL_82599_RATES },
  ])(
    'holds 64 VPorts to 64 rates at once over a second within 1 percent, $how',
    ({ rates }) => {
      const all = rig(64, { rates });
      const mbps = (vport: number) => 20 + 4 * vport; // 9.3 Gb/s in all, 9.4 with preambles and gaps
      const loads = Array.from({ length: 64 }, (_, vport) => ({ vport, bytes: 1518 - 8 * vport }));
      for (const { vport } of loads) all.stage.setMaxRate(vport, mbps(vport), 0);
      const sent = saturate(all, loads, SECOND);
      for (const { vport } of loads) {
        const ratio = (sent[vport] * 8) / (mbps(vport) * 1e6);
        expect(Math.abs(ratio - 1), `VPort ${vport}: ${ratio}`).toBeLessThan(0.01);
        expect(all.stage.bytesToWire[vport]).toBe(sent[vport]);
      }
    },
    60_000,
  );

  it('gives each VPort its guaranteed minimum under overload, and shares the rest', () => {
    const all = rig(4);
    for (const [vport, minimum] of [5_000, 2_000, 1_000].entries()) all.stage.setMinRate(vport, minimum);
    const loads = [1518, 64, 700, 1518].map((bytes, vport) => ({ vport, bytes }));
    const sent = saturate(all, loads, 20 * MILLISECOND);
    const total = sent.reduce((sum, each) => sum + each);
    // 2,000 Mb/s are guaranteed to nobody.
    for (const [vport, share] of [0.55, 0.25, 0.15, 0.05].entries()) {
      expect(Math.abs(sent[vport] / total / share - 1), `VPort ${vport}`).toBeLessThan(0.02);
    }
  });

  it.each([
    ['that fill the link', [5_000, 3_000, 2_000, 0], [0, 1, 2, 3], 20],
    ['that fill the link, while who has none is idle', [5_000, 3_000, 2_000, 0], [0, 1, 2], 20],
    ['that nearly fill the link', [5_000, 3_000, 1_990, 0], [0, 1, 2, 3], 20],
    ['over 5 ms', [5_000, 3_000, 1_990, 0], [0, 1, 2, 3], 5],
    ['of 60 to 4,000 Mb/s', [4_000, 2_000, ...Array.from({ length: 61 }, () => 60)], undefined, 20],
    ['of 63 beside one without', [...Array.from({ length: 63 }, (_, i) => 95 + 2 * i), 0], undefined, 20],
  ])('keeps minima %s within 2 percent', (_, minima, busy, ms) => {
    const all = rig(minima.length);
    for (const [vport, minimum] of minima.entries()) all.stage.setMinRate(vport, minimum);
    const loads = (busy ?? [...minima.keys()]).map((vport) => ({ vport, bytes: 1518 }));
    const sent = saturate(all, loads, ms * MILLISECOND);
    for (const [i, { vport }] of loads.entries()) {
      // A frame of 1,518 bytes takes 1,538 on the wire.
      const least = minima[vport] * 0.98 * (1518 / 1538);
      const [mbps, most] = [(sent[i] * 8) / (ms * 1_000), minima[vport] * 1.02 + 6];
      expect(mbps, `VPort ${vport}`).toBeGreaterThan(least);
      expect(mbps, `VPort ${vport}`).toBeLessThan(most);
    }
  });

  it('gives frames that nobody has submitted none of the minima', () => {
    const { frames, nicSwitch, stage } = rig(2);
    stage.setMinRate(0, 6_000);
    stage.setMinRate(1, 4_000);
    for (let i = 0; i < 120; i++) {
      const vport = i & 1;
      const slot = putFrame(frames, frameBytes({ from: mac(vport), bytes: 1514 }));
      if (i < 40) nicSwitch.input.push(vport, slot);
      else stage.submit(vport, slot);
    }
    nicSwitch.forward();
    stage.collect();
    for (let now = 0; now < 50_000_000; now = stage.readyPs) {
      while (stage.next(now) >= 0) frames.release(entrySlot(stage.entry));
    }
    // The one frame with which everybody begins.
    expect(stage.framesToWire[2]).toBe(1);
    expect(stage.framesToWire[0] + stage.framesToWire[1]).toBe(40);
  });

  it('gives what a VPort does not use to the others: the wire never idles', () => {
    const all = rig(3);
    all.stage.setMinRate(0, 8_000);
    all.stage.setMaxRate(1, 500, 0);
    const sent = saturate(
      all,
      [
        { vport: 1, bytes: 1000 },
        { vport: 2, bytes: 1000 },
      ],
      20 * MILLISECOND,
    );
    const onWire = (sent[0] + sent[1]) * (1020 / 1000) * 8;
    expect(onWire / (10e9 * 0.02)).toBeCloseTo(1, 3);
    expect((sent[0] * 8) / (500e6 * 0.02)).toBeCloseTo(1, 2);
  });

  it('shares between weighted classes within 2 %, behind a strict class that goes exactly first', () => {
    const all = rig(4, { classes: 4 });
    for (const [index, weight] of [20, 30, 50].entries()) all.stage.wire.setClassWeight(index, weight * 256);
    all.stage.setMaxRate(3, 1_000, 0);
    const loads = [1518, 300, 64, 500].map((bytes, vport) => ({ vport, bytes, priority: 2 * vport }));
    const sent = saturate(all, loads, 20 * MILLISECOND);
    expect((sent[3] * 8) / (1e9 * 0.02)).toBeCloseTo(1, 2);
    const rest = sent[0] + sent[1] + sent[2];
    for (const [index, share] of [0.2, 0.3, 0.5].entries()) {
      expect(Math.abs(sent[index] / rest / share - 1), `class ${index}`).toBeLessThan(0.02);
    }
  });

  it('goes by the priority of the outermost tag, wherever that is, and by that of the port without one', () => {
    const { frames, nicSwitch, stage } = rig(3, { classes: 8, classOfPriority: [0, 1, 2, 3, 4, 5, 6, 7] });
    nicSwitch.setDoubleVlan({});
    nicSwitch.setPriorities(1, { defaultPriority: 2 });
    nicSwitch.setServiceVlan(2, 0x2064 | (6 << 13)); // 7 in all: bits 15:13 are 111
    const plain = { from: mac(0), bytes: 60 };
    const give = (vport: number, bytes: Uint8Array, tci = -1) => {
      const slot = putFrame(frames, bytes, tci);
      expect(stage.submit(vport, slot)).toBe(true);
      return slot;
    };
    const byPriority = [
      give(0, frameBytes(plain)),
      give(0, frameBytes({ ...plain, tci: (1 << 13) | 5 })),
      give(1, frameBytes({ ...plain, from: mac(1) })),
      give(0, frameBytes(plain), (3 << 13) | 9),
      give(2, frameBytes({ ...plain, from: mac(2), tci: 4 << 13 })),
    ];
    nicSwitch.forward();
    stage.collect();
    const order: number[] = [];
    for (let now = 0; stage.waiting > 0; now = stage.readyPs) {
      while (stage.next(now) >= 0) order.push(entrySlot(stage.entry));
    }
    expect(order).toEqual(byPriority.reverse());
    // Four bytes more for the tag that is put in; of the last one the outer tag, too.
    expect([...stage.bytesToWire]).toEqual([64 + 64 + 68, 64, 68, 0]);
  });

  it('sends nothing of a lower class while a strict one has frames', () => {
    const all = rig(2, { classes: 2 });
    const loads = [
      { vport: 0, bytes: 100, priority: 0 },
      { vport: 1, bytes: 100, priority: 7 },
    ];
    expect(saturate(all, loads, MILLISECOND)[0]).toBe(0);
  });

  it('does not hold frames between VPorts back by the limit to the wire of their sender', () => {
    const { frames, nicSwitch, stage } = rig(2);
    stage.setMaxRate(0, 10, 0);
    for (let i = 0; i < 20; i++) {
      for (const to of [mac(1), STRANGER]) {
        stage.submit(0, putFrame(frames, frameBytes({ to, from: mac(0), bytes: 1514 })));
      }
    }
    nicSwitch.forward();
    stage.collect();
    while (stage.next(0) >= 0) frames.release(entrySlot(stage.entry));
    expect([stage.framesToVPort[1], stage.framesToWire[0]]).toEqual([20, 1]);
    // 1.2 ms a frame.
    for (let now = 0; now <= 10 * MILLISECOND; now = stage.readyPs) {
      while (stage.next(now) >= 0) frames.release(entrySlot(stage.entry));
    }
    expect(stage.framesToWire[0]).toBeGreaterThan(7);
    expect(stage.framesToWire[0]).toBeLessThan(14);
  });

  it('limits what is delivered to a VPort', () => {
    const all = rig(2);
    all.stage.setReceiveRate(1, 300, 0);
    const [sent] = saturate(all, [{ vport: 0, bytes: 1518, to: 1 }], 20 * MILLISECOND);
    expect((sent * 8) / (300e6 * 0.02)).toBeCloseTo(1, 1);
    expect(all.stage.bytesToVPort[1]).toBe(sent);
  });

  it('refuses what the card cannot do, with the reason', () => {
    const { stage } = rig(2, { rates: INTEL_82599_RATES });
    expect(() => stage.setMaxRate(0, 10, 0)).toThrow('mbps: 10 Mb/s is not between 11 and 10000');
    expect(() => stage.setMinRate(0, 100)).toThrow('mbps: the card guarantees no minimum rate');
    const exact = rig(2).stage;
    exact.setMinRate(0, 7_000);
    expect(() => exact.setMinRate(1, 3_001)).toThrow('mbps must be at most 3000');
    expect(() => exact.setMaxRate(0, 6_999, 0)).toThrow(
      'mbps must be at least 7000: that is guaranteed to VPort 0',
    );
    exact.setMaxRate(1, 2_000, 0);
    expect(() => exact.setMinRate(1, 2_001)).toThrow(
      'mbps must be at most 2000: that is the limit of VPort 1',
    );
    exact.setMinRate(1, 2_000);
    exact.setMaxRate(1, null, 0);
    exact.setMinRate(1, 3_000);
    expect(() => exact.setMaxRate(2, 100, 0)).toThrow('vport must be an integer from 0 to 1, got 2');
  });

  it('neither loses nor makes a frame', () => {
    const frame = fc.record({
      from: fc.nat(3),
      to: fc.nat(5),
      priority: fc.option(fc.nat(7)),
      bytes: fc.integer({ min: 60, max: 1514 }),
      passPs: fc.nat(3_000_000),
    });
    const limit = fc.option(fc.integer({ min: 11, max: 10_000 }));
    fc.assert(
      fc.property(
        fc.array(limit, { minLength: 4, maxLength: 4 }),
        fc.array(frame, { maxLength: 150 }),
        fc.integer({ min: 1, max: 8 }),
        (limits, traffic, queueFrames) => {
          const { frames, nicSwitch, stage } = rig(4, { classes: 3, queueFrames });
          for (const [vport, mbps] of limits.entries()) stage.setMaxRate(vport, mbps, 0);
          let now = 0;
          let left = 0;
          const drain = (untilPs: number) => {
            for (;;) {
              if (stage.next(now) >= 0) {
                frames.release(entrySlot(stage.entry));
                left++;
              } else if (stage.readyPs > untilPs) break;
              else if (stage.readyPs > now) now = stage.readyPs;
              else throw new Error(`asked again at ${now} ps for no reason`);
            }
          };
          for (const { from, to, priority, bytes, passPs } of traffic) {
            const fields = {
              from: mac(from),
              to: to < 4 ? mac(to) : to === 4 ? STRANGER : 0xffff_ffff_ffff,
              bytes,
            };
            const tagged = priority === null ? fields : { ...fields, tci: priority << 13 };
            stage.submit(from, putFrame(frames, frameBytes(tagged)));
            nicSwitch.forward();
            stage.collect();
            drain(now + passPs);
            now += passPs;
          }
          drain(Number.MAX_SAFE_INTEGER);
          nicSwitch.checkBalance();
          expect(stage.waiting).toBe(0);
          expect(left + stage.framesDropped).toBe(stage.framesIn);
          expect(stage.framesIn).toBe(nicSwitch.balance().delivered);
          expect(frames.available).toBe(4096);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('classes of an egress stage', () => {
  const loads = [1518, 300, 64, 500].map((bytes, vport) => ({ vport, bytes, priority: 2 * vport }));

  it('share the wire by percentages behind those with strict priority', () => {
    const all = rig(4, { classes: 4 });
    all.stage.setBandwidths([20, 30, 50, null]);
    all.stage.setClassRate(3, 1_000, 0);
    const sent = saturate(all, loads, 20 * MILLISECOND);
    expect((sent[3] * 8) / (1e9 * 0.02)).toBeCloseTo(1, 2);
    const rest = sent[0] + sent[1] + sent[2];
    for (const [index, share] of [0.2, 0.3, 0.5].entries()) {
      expect(Math.abs(sent[index] / rest / share - 1), `class ${index}`).toBeLessThan(0.02);
    }
  });

  it('share by weights, and are strict again', () => {
    const all = rig(4, { classes: 4 });
    for (const [index, weight] of [1, 2, 3, 4].entries()) all.stage.setClassWeight(index, weight * 1000);
    const sent = saturate(all, loads, 10 * MILLISECOND);
    const total = sent.reduce((sum, each) => sum + each);
    for (const [index, bytes] of sent.entries()) {
      expect(Math.abs((bytes / total) * (10 / (index + 1)) - 1), `class ${index}`).toBeLessThan(0.02);
    }
    const strict = rig(4, { classes: 4 });
    strict.stage.setBandwidths([25, 25, 25, 25]);
    for (const each of [0, 1, 2, 3]) strict.stage.setClassStrict(each);
    expect(saturate(strict, loads, MILLISECOND).slice(0, 3)).toEqual([0, 0, 0]);
  });

  it('are refused what cannot be', () => {
    const { stage } = rig(2, { classes: 2 });
    expect(() => stage.setBandwidths([100])).toThrow(/percentages.length/);
    expect(() => stage.setBandwidths([50, 40])).toThrow(/add up to 100, got 90/);
    expect(() => stage.setBandwidths([50, 50.5])).toThrow(/percentages\[1\]/);
    expect(() => stage.setClassWeight(2, 1)).toThrow(RangeError);
    expect(() => stage.setClassStrict(-1)).toThrow(RangeError);
    stage.setBandwidths([null, null]);
  });
});

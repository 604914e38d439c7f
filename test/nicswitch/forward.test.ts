import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { entrySlot, NicSwitch, TAG_INSERT, tagOperation } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, type FrameFields, frameBytes, mac, putFrame, STRANGER } from './fixtures.ts';
import { type Change, change, traffic } from './random-traffic.ts';
import { decide, newConfig } from './reference-switch.ts';

/** Puts frames into the input queue of `ingress`; their slots, in that order. */
function offer(bench: Bench, ingress: number, ...fields: FrameFields[]): number[] {
  return fields.map((one) => {
    const slot = putFrame(bench.frames, frameBytes(one));
    expect(bench.nicSwitch.input.push(ingress, slot)).toBe(true);
    return slot;
  });
}

/** Slots in the output queue of `port`, references given back. */
function drain(bench: Bench, port: number): number[] {
  const slots: number[] = [];
  for (
    let entry = bench.nicSwitch.output.shift(port);
    entry >= 0;
    entry = bench.nicSwitch.output.shift(port)
  ) {
    slots.push(entrySlot(entry));
    bench.frames.release(entrySlot(entry));
  }
  return slots;
}

describe('forward', () => {
  it('takes frames from the input queues to the output queues, in order', () => {
    const bench = new Bench(3);
    const [a, b, c] = offer(bench, 0, { to: mac(1) }, { to: STRANGER }, { to: mac(1) });
    expect(bench.nicSwitch.forward()).toBe(3);
    expect([drain(bench, 1), drain(bench, bench.wire)]).toEqual([[a, c], [b]]);
    expect(bench.nicSwitch.forward()).toBe(0);
  });

  it('tells with the slot what is done to the tag', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setPortVlan(0, 10);
    const [slot] = offer(bench, 0, { to: mac(1) });
    bench.nicSwitch.forward();
    const entry = bench.nicSwitch.output.shift(1);
    expect([entrySlot(entry), tagOperation(entry)]).toEqual([slot, TAG_INSERT]);
    expect(bench.frames.outerTci[slot]).toBe(10);
  });

  it('gives each receiver of a broadcast the same slot and a reference of its own', () => {
    const bench = new Bench(4);
    const [slot] = offer(bench, 0, { to: BROADCAST });
    bench.nicSwitch.forward();
    expect(bench.frames.references[slot]).toBe(4);
    for (const port of [1, 2, 3, bench.wire]) expect(drain(bench, port)).toEqual([slot]);
    expect(bench.frames.available).toBe(bench.frames.slots);
  });

  it('takes at most a burst from each port', () => {
    const bench = new Bench(2);
    const slots = offer(bench, 0, ...new Array(5).fill({ to: mac(1) }));
    expect([bench.nicSwitch.forward(2), bench.nicSwitch.forward(2), bench.nicSwitch.forward(2)]).toEqual([
      2, 2, 1,
    ]);
    expect(drain(bench, 1)).toEqual(slots);
  });

  it('begins with another port each time', () => {
    const bench = new Bench(3);
    const firsts: number[] = [];
    for (let i = 0; i < 5; i++) {
      const slots = [0, 1, 2, 3].map((port) => offer(bench, port, { to: BROADCAST })[0]);
      bench.nicSwitch.forward();
      // VPort 2 sees the frames of all others, VPort 0 those of all but itself.
      firsts.push(slots.indexOf(drain(bench, 2)[0]));
      for (const port of [0, 1, 3]) drain(bench, port);
    }
    // When it is VPort 2's turn to be first, what it sees first is from the wire.
    expect(firsts).toEqual([0, 1, 3, 3, 0]);
  });

  it('drops at the receiver what its output queue has no room for', () => {
    const bench = new Bench(3, { queueEntries: 2 });
    const [a, b] = offer(bench, 0, { to: mac(1) }, { to: mac(1) });
    const [c] = offer(bench, 2, { to: mac(1) });
    bench.nicSwitch.forward();
    expect(drain(bench, 1)).toEqual([a, b]);
    expect(bench.frames.references[c]).toBe(0);
    expect(bench.nicSwitch.portCounters(1)).toMatchObject({ framesOut: 2, dropped: { outputFull: 1 } });
    expect(bench.nicSwitch.portCounters(2).dropped.outputFull).toBe(0);
    bench.nicSwitch.checkBalance();
  });

  it('drops replicas one by one where there is no room', () => {
    const bench = new Bench(3, { queueEntries: 1 });
    offer(bench, 0, { to: mac(1) });
    bench.nicSwitch.forward();
    const [slot] = offer(bench, 0, { to: BROADCAST });
    bench.nicSwitch.forward();
    expect(bench.nicSwitch.balance()).toEqual({ framesIn: 2, replicas: 2, delivered: 3, dropped: 1 });
    expect(drain(bench, 2)).toEqual([slot]);
    expect(drain(bench, bench.wire)).toEqual([slot]);
    expect(drain(bench, 1)).toHaveLength(1);
    expect(bench.frames.available).toBe(bench.frames.slots);
  });

  it('has room again for what a receiver has taken, before it has taken all', () => {
    const bench = new Bench(2, { queueEntries: 2 });
    const [, b] = offer(bench, 0, { to: mac(1) }, { to: mac(1) });
    bench.nicSwitch.forward();
    bench.frames.release(entrySlot(bench.nicSwitch.output.shift(1)));
    const [c] = offer(bench, 0, { to: mac(1) });
    bench.nicSwitch.forward();
    expect(drain(bench, 1)).toEqual([b, c]);
    expect(bench.nicSwitch.dropped('outputFull')).toBe(0);
  });

  it('looks at the tag of each frame of a burst', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setVlanFilter(true);
    bench.nicSwitch.addVlan(1, 10);
    bench.nicSwitch.setAcceptUntagged(1, false);
    const to = mac(1);
    const [a, , b, , c] = offer(
      bench,
      0,
      { to, tci: 10 },
      { to, tci: 20 },
      { to, tci: 10 },
      { to },
      { to, tci: 10 },
    );
    bench.nicSwitch.forward();
    expect(drain(bench, 1)).toEqual([a, b, c]);
    expect(drain(bench, bench.wire)).toHaveLength(2);
  });

  it('looks at the tag beside each frame of a burst', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setVlanFilter(true);
    bench.nicSwitch.addVlan(1, 10);
    const slots = offer(bench, 0, { to: mac(1) }, { to: mac(1) }, { to: mac(1) });
    slots.forEach((slot, i) => {
      bench.frames.outerTci[slot] = [10, 20, 10][i];
    });
    bench.nicSwitch.forward();
    expect(drain(bench, 1)).toEqual([slots[0], slots[2]]);
  });

  it('looks at the source of each frame of a burst', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    bench.nicSwitch.addMac(0, STRANGER);
    const to = mac(1);
    const sources = [mac(0), mac(2), STRANGER, mac(2), STRANGER, mac(0)];
    const slots = offer(bench, 0, ...sources.map((from) => ({ to, from })));
    bench.nicSwitch.forward();
    expect(drain(bench, 1)).toEqual([slots[0], slots[2], slots[4], slots[5]]);
    expect(bench.nicSwitch.dropped('macSpoof')).toBe(2);
  });

  it('works with more ports than one word has bits, and the uplink as the first bit of a word', () => {
    const vports = 64;
    const frames = new FramePool({ slots: 256 });
    const nicSwitch = new NicSwitch({ frames, vports });
    for (let v = 0; v < vports; v++) {
      nicSwitch.setVPortEnabled(v, true, true);
      nicSwitch.addMac(v, mac(v));
    }
    for (let v = 0; v < vports; v++) {
      nicSwitch.input.push(v, putFrame(frames, frameBytes({ to: mac((v + 1) % vports) })));
    }
    nicSwitch.input.push(63, putFrame(frames, frameBytes({ to: BROADCAST })));
    nicSwitch.input.push(0, putFrame(frames, frameBytes({ to: STRANGER })));
    nicSwitch.forward();
    const lengths = Array.from({ length: vports + 1 }, (_, port) => nicSwitch.output.length(port));
    expect(lengths).toEqual([...new Array(63).fill(2), 1, 2]);
    nicSwitch.checkBalance();
  });

  it.each([0, 4097, 0.5])('refuses a burst of %d', (burst) => {
    expect(() => new Bench(2).nicSwitch.forward(burst)).toThrow(/burst must be an integer from 1 to 4096/);
  });
});

describe('reconfiguration under load', () => {
  it('holds from the next frame on, and loses none, whatever changes between bursts', () => {
    const vports = 4;
    const round = fc.record({
      change: change(vports, true),
      frames: fc.array(traffic(vports), { maxLength: 8 }),
      drain: fc.integer({ min: 0, max: vports }),
    });
    fc.assert(
      fc.property(
        fc.array(round, { maxLength: 30 }),
        (rounds: { change: Change; frames: Sent[]; drain: number }[]) => {
          const config = newConfig(vports);
          const bench = new Bench(vports, { queueEntries: 8, clock: config.clock });
          config.vports.forEach((vport, v) => {
            vport.rx = true;
            vport.tx = true;
            vport.macs.add(mac(v));
          });
          let targets = 0;
          for (const { change, frames, drain: port } of rounds) {
            change.apply(bench.nicSwitch, config);
            for (const { frame, ingress } of frames) {
              const { receivers, mirrored = [] } = decide(config, frame, ingress);
              targets += Math.max(1, receivers.length) + mirrored.length;
              bench.nicSwitch.input.push(ingress, putFrame(bench.frames, frame.bytes, frame.tci));
            }
            expect(bench.nicSwitch.forward()).toBe(frames.length);
            // Only one port keeps up; the others' queues fill.
            drain(bench, port);
            const { framesIn, replicas } = bench.nicSwitch.balance();
            expect(framesIn + replicas).toBe(targets);
            bench.nicSwitch.checkBalance();
          }
          for (let port = 0; port <= vports; port++) drain(bench, port);
          expect(bench.frames.available).toBe(bench.frames.slots);
        },
      ),
      { numRuns: 200 },
    );
  });
});

type Sent = { frame: { bytes: Uint8Array; tci: number }; ingress: number };

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import {
  DROP_REASONS,
  type DropReason,
  entrySlot,
  NicSwitch,
  type NicSwitchOptions,
  tagOperation,
  targetPort,
} from '../../src/nicswitch/index.ts';
import { putFrame, written } from './fixtures.ts';
import { extenderChange, extenderStack } from './random-tags.ts';
import { type Change, change, traffic } from './random-traffic.ts';
import { type Decision, decide, newConfig, type ReferenceConfig } from './reference-switch.ts';
import { hex } from './reference-tags.ts';

const VPORTS = 4;
const RUNS = process.env['SRIOVSIM_LONG'] ? 6_000 : 600;

interface Step {
  changes: Change[];
  frames: { frame: { bytes: Uint8Array; tci: number }; ingress: number }[];
}

const steps = fc.array(
  fc.record({
    changes: fc.array(change(VPORTS, true), { maxLength: 12 }),
    frames: fc.array(traffic(VPORTS), { maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 5 },
);
/** What chips differ in. */
type Chip = Required<Pick<NicSwitchOptions, 'localMatch' | 'untaggedCheck'>>;
const PLAIN: Chip = { localMatch: 'vlan', untaggedCheck: 'accepted' };
const chip: fc.Arbitrary<Chip> = fc.record({
  localMatch: fc.constantFrom('vlan', 'mac'),
  untaggedCheck: fc.constantFrom('accepted', 'vlanZero'),
});

/** A switch and the reference, both new. All VPorts may send and receive, which a change takes back now and then. */
function pair(rules: Chip): { nicSwitch: NicSwitch; frames: FramePool; config: ReferenceConfig } {
  const frames = new FramePool({ slots: 64 });
  const config = newConfig(VPORTS);
  const nicSwitch = new NicSwitch({ frames, vports: VPORTS, ...rules, clock: config.clock });
  Object.assign(config, rules);
  for (let v = 0; v < VPORTS; v++) {
    nicSwitch.setVPortEnabled(v, true, true);
    config.vports[v].rx = true;
    config.vports[v].tx = true;
  }
  return { nicSwitch, frames, config };
}

/** The decision as the switch tells it, references given back. */
function routed(nicSwitch: NicSwitch, frames: FramePool, slot: number, ingress: number): Decision {
  const count = nicSwitch.route(slot, ingress);
  if (count === 0) return { receivers: [], reason: DROP_REASONS[nicSwitch.lastDrop] };
  expect(frames.references[slot]).toBe(count);
  return {
    receivers: Array.from(nicSwitch.targets.subarray(0, count), (target) => {
      const bytes = hex(written(frames, slot, tagOperation(target)));
      frames.release(slot);
      return { port: targetPort(target), bytes };
    }),
  };
}

/** The decision of the reference as {@link routed} tells it: copies behind the receivers. */
function told({ receivers, mirrored, reason }: Decision): Decision {
  if (mirrored !== undefined) return { receivers: [...receivers, ...mirrored] };
  return reason === undefined ? { receivers } : { receivers, reason };
}

describe('random configurations and traffic', () => {
  it('are decided as the reference switch decides them, frame by frame', () => {
    fc.assert(
      fc.property(chip, steps, (rules, plan: Step[]) => {
        const { nicSwitch, frames, config } = pair(rules);
        for (const { changes, frames: sent } of plan) {
          for (const { apply } of changes) apply(nicSwitch, config);
          for (const { frame, ingress } of sent) {
            const slot = putFrame(frames, frame.bytes, frame.tci);
            const toWire = nicSwitch.goesToWire(slot, ingress);
            const decision = routed(nicSwitch, frames, slot, ingress);
            expect(decision).toEqual(told(decide(config, frame, ingress)));
            // Said beforehand it is kept. Not all are said: the long way may end at the wire as well.
            if (toWire) expect(decision.receivers.map(({ port }) => port)).toEqual([VPORTS]);
          }
        }
        nicSwitch.checkBalance();
        expect(frames.available).toBe(frames.slots);
      }),
      { numRuns: RUNS },
    );
  });

  it('end alike one by one and in bursts: entries, their order, and all counters', () => {
    fc.assert(
      fc.property(chip, steps, (rules, plan: Step[]) => {
        const one = pair(rules);
        const burst = pair(rules);
        for (const { changes, frames: sent } of plan) {
          for (const { apply } of changes) {
            apply(one.nicSwitch, one.config);
            apply(burst.nicSwitch, burst.config);
          }
          // One after the other in the order in which forward() visits the ports: from 0 on in the first call.
          const byPort = [...sent].sort((a, b) => a.ingress - b.ingress);
          const expected: string[][] = Array.from({ length: VPORTS + 1 }, () => []);
          for (const { frame, ingress } of byPort) {
            const slot = putFrame(one.frames, frame.bytes, frame.tci);
            for (const { port, bytes } of routed(one.nicSwitch, one.frames, slot, ingress).receivers) {
              expected[port].push(bytes);
            }
            burst.nicSwitch.input.push(ingress, putFrame(burst.frames, frame.bytes, frame.tci));
          }
          // Forward from port 0: the first port moves on by one with each call.
          expect(burst.nicSwitch.forward()).toBe(sent.length);
          for (let i = 0; i < VPORTS; i++) burst.nicSwitch.forward();
          expect(drained(burst.nicSwitch, burst.frames)).toEqual(expected);
        }
        for (let port = 0; port <= VPORTS; port++) {
          expect(burst.nicSwitch.portCounters(port)).toEqual(one.nicSwitch.portCounters(port));
        }
        expect(burst.frames.available).toBe(burst.frames.slots);
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it('lose no frame: in + replicas = delivered + dropped, by name, at each port', () => {
    fc.assert(
      fc.property(steps, (plan: Step[]) => {
        const { nicSwitch, frames, config } = pair(PLAIN);
        const ports = Array.from({ length: VPORTS + 1 }, () => ({
          framesIn: 0,
          bytesIn: 0,
          framesOut: 0,
          bytesOut: 0,
          replicas: 0,
          mirrored: 0,
          dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
            DropReason,
            number
          >,
        }));
        for (const { changes, frames: sent } of plan) {
          for (const { apply } of changes) apply(nicSwitch, config);
          for (const { frame, ingress } of sent) {
            const { receivers, mirrored = [], reason } = decide(config, frame, ingress);
            const from = ports[ingress];
            from.framesIn++;
            from.bytesIn += frame.bytes.length;
            from.replicas += Math.max(0, receivers.length - 1) + mirrored.length;
            if (reason !== undefined) from.dropped[reason]++;
            for (const { port } of mirrored) ports[port].mirrored++;
            for (const { port } of [...receivers, ...mirrored]) {
              ports[port].framesOut++;
              ports[port].bytesOut += frame.bytes.length;
            }
            routed(nicSwitch, frames, putFrame(frames, frame.bytes, frame.tci), ingress);
          }
        }
        for (const [port, expected] of ports.entries()) {
          const counters = nicSwitch.portCounters(port);
          expect(counters).toMatchObject(expected);
          expect(counters.unicastOut + counters.multicastOut + counters.broadcastOut).toBe(
            counters.framesOut,
          );
          expect(
            counters.unicastIn + counters.multicastIn + counters.broadcastIn + counters.dropped.runt,
          ).toBe(counters.framesIn);
        }
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it('keep VPorts apart that share no VLAN: nothing of one reaches the other, whatever it sends', () => {
    // VPorts 0 and 1 are tenant 10, VPorts 2 and 3 tenant 20; each checked, in its own port VLAN, without promiscuity.
    fc.assert(
      fc.property(fc.array(traffic(VPORTS), { minLength: 1, maxLength: 30 }), (sent) => {
        const { nicSwitch, frames } = pair(PLAIN);
        nicSwitch.setVlanFilter(true);
        for (let v = 0; v < VPORTS; v++) {
          nicSwitch.setAcceptUntagged(v, false);
          nicSwitch.addVlan(v, v < 2 ? 10 : 20);
          nicSwitch.setPortVlan(v, v < 2 ? 10 : 20);
          nicSwitch.setAntiSpoof(v, { vlan: true });
          nicSwitch.setMulticastPromiscuous(v, true);
          nicSwitch.addMac(v, 0x020000000100 + v);
        }
        for (const { frame, ingress } of sent.filter((one) => one.ingress < VPORTS)) {
          const slot = putFrame(frames, frame.bytes, frame.tci);
          for (const { port } of routed(nicSwitch, frames, slot, ingress).receivers) {
            if (port < VPORTS) expect(port < 2).toBe(ingress < 2);
          }
        }
      }),
      { numRuns: RUNS / 3 },
    );
  });

  it.each(['etag', 'vntag'] as const)(
    'are decided as the reference decides them by a port extender with %s',
    (kind) => {
      const extenderSteps = fc.array(
        fc.record({
          changes: fc.array(
            fc.oneof({ weight: 3, arbitrary: extenderChange(VPORTS, kind) }, change(VPORTS)),
            { maxLength: 16 },
          ),
          frames: fc.array(traffic(VPORTS, extenderStack(kind)), { maxLength: 16 }),
        }),
        { minLength: 1, maxLength: 5 },
      );
      fc.assert(
        fc.property(extenderSteps, (plan: Step[]) => {
          const one = pair(PLAIN);
          const burst = pair(PLAIN);
          for (const { nicSwitch, config } of [one, burst]) {
            nicSwitch.setPortExtender(kind);
            config.extender = kind;
          }
          for (const { changes, frames: sent } of plan) {
            for (const { apply } of changes)
              for (const { nicSwitch, config } of [one, burst]) apply(nicSwitch, config);
            const expected: string[][] = Array.from({ length: VPORTS + 1 }, () => []);
            for (const { frame, ingress } of [...sent].sort((a, b) => a.ingress - b.ingress)) {
              const slot = putFrame(one.frames, frame.bytes, frame.tci);
              const decision = decide(one.config, frame, ingress);
              expect(routed(one.nicSwitch, one.frames, slot, ingress)).toEqual(decision);
              for (const { port, bytes } of decision.receivers) expected[port].push(bytes);
              burst.nicSwitch.input.push(ingress, putFrame(burst.frames, frame.bytes, frame.tci));
            }
            expect(burst.nicSwitch.forward()).toBe(sent.length);
            for (let i = 0; i < VPORTS; i++) burst.nicSwitch.forward();
            expect(drained(burst.nicSwitch, burst.frames)).toEqual(expected);
          }
          one.nicSwitch.checkBalance();
          for (let port = 0; port <= VPORTS; port++) {
            expect(burst.nicSwitch.portCounters(port)).toEqual(one.nicSwitch.portCounters(port));
          }
          expect(burst.frames.available).toBe(burst.frames.slots);
        }),
        { numRuns: RUNS / 2 },
      );
    },
  );

  it('copy no byte: the pool is as it was, but for tags that travel beside frames', () => {
    fc.assert(
      fc.property(steps, (plan: Step[]) => {
        const { nicSwitch, frames, config } = pair(PLAIN);
        for (const { changes, frames: sent } of plan) {
          for (const { apply } of changes) apply(nicSwitch, config);
          for (const { frame, ingress } of sent) {
            const slot = putFrame(frames, frame.bytes, frame.tci);
            const before = frames.u8.slice();
            routed(nicSwitch, frames, slot, ingress);
            expect(Buffer.compare(frames.u8, before)).toBe(0);
          }
        }
      }),
      { numRuns: RUNS / 6 },
    );
  });
});

/** What lies in each output queue: what is done to the tag, and the bytes. */
function drained(nicSwitch: NicSwitch, frames: FramePool): string[][] {
  return Array.from({ length: VPORTS + 1 }, (_, port) => {
    const entries: string[] = [];
    for (let entry = nicSwitch.output.shift(port); entry >= 0; entry = nicSwitch.output.shift(port)) {
      const slot = entrySlot(entry);
      entries.push(hex(written(frames, slot, tagOperation(entry))));
      frames.release(slot);
    }
    return entries;
  });
}

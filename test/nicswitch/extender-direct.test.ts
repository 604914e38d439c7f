import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { DROP_REASONS, entrySlot, NicSwitch, tagOperation, targetPort } from '../../src/nicswitch/index.ts';
import { frameBytes, mac, putFrame, STRANGER, written } from './fixtures.ts';
import { type Change, made } from './random-traffic.ts';
import { type Decision, decide, newConfig, type ReferenceFrame } from './reference-switch.ts';
import { hex } from './reference-tags.ts';

// Everything here is such that the direct way of a port extender decides nearly all frames.
const VPORTS = 4;
const CHANNELS = [1, 2, 3, 0x123];
const RUNS = process.env['SRIOVSIM_LONG'] ? 3_000 : 300;

const vport = fc.nat(VPORTS - 1);
const vlan = fc.constantFrom(0, 10, 20);
const tci = fc.tuple(vlan, fc.constantFrom(0, 0x2000, 0xf000)).map(([id, priority]) => priority | id);
const on = fc.boolean();
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(vport, fc.oneof(tci, fc.constantFrom('descriptor', 'never'))).map(([v, tag]) =>
    made(`setPortVlan(${v}, ${tag})`, (s, c) => {
      s.setPortVlan(v, tag as 'never');
      c.vports[v].portVlan = tag as 'never';
    }),
  ),
  fc.tuple(vport, on).map(([v, strips]) =>
    made(`setTagStrip(${v}, ${strips})`, (s, c) => {
      s.setTagStrip(v, strips);
      c.vports[v].tagStrip = strips;
    }),
  ),
  fc.tuple(vport, fc.option(fc.record({ vlans: fc.uniqueArray(vlan), untagged: on }))).map(([v, list]) =>
    made(`setAllowedVlans(${v}, ${JSON.stringify(list)})`, (s, c) => {
      s.setAllowedVlans(v, list);
      c.vports[v].allowed = list && { vlans: new Set(list.vlans), untagged: list.untagged };
    }),
  ),
  fc.tuple(vport, on, on).map(([v, checkMac, checkVlan]) =>
    made(`setAntiSpoof(${v}, ${checkMac}, ${checkVlan})`, (s, c) => {
      s.setAntiSpoof(v, { mac: checkMac, vlan: checkVlan });
      Object.assign(c.vports[v], { checkMac, checkVlan });
    }),
  ),
  fc.tuple(vport, vlan, on).map(([v, id, member]) =>
    made(`${member ? 'addVlan' : 'removeVlan'}(${v}, ${id})`, (s, c) => {
      if (member) s.addVlan(v, id);
      else s.removeVlan(v, id);
      if (member) c.vports[v].vlans.add(id);
      else c.vports[v].vlans.delete(id);
    }),
  ),
  fc.tuple(vport, fc.constantFrom(60, 64, 1514)).map(([v, bytes]) =>
    made(`setMaxFrameBytes(${v}, ${bytes})`, (s, c) => {
      s.setMaxFrameBytes(v, bytes);
      c.vports[v].maxFrameBytes = bytes;
    }),
  ),
  fc.tuple(vport, fc.constantFrom(null, 0, 5)).map(([v, defaultPriority]) =>
    made(`setPriorities(${v}, ${defaultPriority})`, (s, c) => {
      s.setPriorities(v, { defaultPriority });
      c.priorities[v].defaultPriority = defaultPriority;
    }),
  ),
  fc.tuple(vport, on).map(([v, active]) =>
    made(`setVPortActive(${v}, ${active})`, (s, c) => {
      s.setVPortActive(v, active);
      c.vports[v].active = active;
    }),
  ),
);

interface Sent {
  readonly ingress: number;
  readonly frame: ReferenceFrame;
}

/** A unicast frame from a VPort, or from the wire under a tag that names a VPort, with or without a VLAN tag. */
function anyFrame(kind: 'etag' | 'vntag'): fc.Arbitrary<Sent> {
  return fc
    .record({
      ingress: fc.nat(VPORTS),
      channel: fc.constantFrom(...CHANNELS),
      source: fc.constantFrom(0, 0, 0, 1, 0x123),
      from: vport,
      own: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      inner: fc.option(tci),
      beside: fc.option(tci, { freq: 3 }),
      bytes: fc.constantFrom(60, 61, 64, 65, 1514),
    })
    .map(({ ingress, channel, source, from, own, inner, beside, bytes }) => {
      const frame = frameBytes({
        to: STRANGER,
        from: mac(own ? ingress : from),
        bytes,
        ...(inner === null ? {} : { tci: inner }),
      });
      if (ingress < VPORTS)
        return { ingress, frame: { bytes: frame, tci: inner === null ? (beside ?? -1) : -1 } };
      const tag =
        kind === 'etag'
          ? [0x89, 0x3f, (source >> 8) & 0xf, source & 0xff, channel >> 8, channel & 0xff, 0, 0]
          : [0x89, 0x26, 0x80 | (channel >> 8), channel & 0xff, 0x80 | (source >> 8), source & 0xff];
      return {
        ingress,
        frame: { bytes: Uint8Array.from([...frame.subarray(0, 12), ...tag, ...frame.subarray(12)]), tci: -1 },
      };
    });
}

function extender(kind: 'etag' | 'vntag') {
  const frames = new FramePool({ slots: 64 });
  const config = newConfig(VPORTS);
  const nicSwitch = new NicSwitch({ frames, vports: VPORTS });
  nicSwitch.setPortExtender(kind);
  config.extender = kind;
  for (const [v, channel] of CHANNELS.entries()) {
    nicSwitch.setVPortEnabled(v, true, true);
    nicSwitch.addMac(v, mac(v));
    nicSwitch.setChannel(v, channel);
    config.vports[v].macs.add(mac(v));
    Object.assign(config.vports[v], { rx: true, tx: true, channel });
  }
  return { frames, config, nicSwitch };
}

describe('the direct way through a port extender', () => {
  it.each(['etag', 'vntag'] as const)(
    'decides as the reference does, one by one and in bursts: %s',
    (kind) => {
      let direct = 0;
      let all = 0;
      fc.assert(
        fc.property(
          fc.array(
            fc.tuple(fc.array(anyChange, { maxLength: 4 }), fc.array(anyFrame(kind), { maxLength: 8 })),
            { maxLength: 4 },
          ),
          (plan) => {
            const one = extender(kind);
            const burst = extender(kind);
            for (const [changes, sent] of plan) {
              for (const { nicSwitch, config } of [one, burst])
                for (const { apply } of changes) apply(nicSwitch, config);
              const queues: string[][] = Array.from({ length: VPORTS + 1 }, () => []);
              for (const { ingress, frame } of [...sent].sort((a, b) => a.ingress - b.ingress)) {
                const { nicSwitch, frames } = one;
                const slot = putFrame(frames, frame.bytes, frame.tci);
                const expected = decide(one.config, frame, ingress);
                const target = nicSwitch.routeDirect(slot, ingress);
                all++;
                if (target >= 0) direct++;
                const count = target >= 0 ? 1 : nicSwitch.routeAny(slot, ingress);
                const targets = target >= 0 ? [target] : [...nicSwitch.targets.subarray(0, count)];
                const found: Decision = {
                  receivers: targets.map((each) => ({
                    port: targetPort(each),
                    bytes: hex(written(frames, slot, tagOperation(each))),
                  })),
                };
                if (count === 0) found.reason = DROP_REASONS[nicSwitch.lastDrop];
                else frames.release(slot);
                expect(found).toEqual(expected);
                for (const { port, bytes } of expected.receivers) queues[port].push(bytes);
                burst.nicSwitch.input.push(ingress, putFrame(burst.frames, frame.bytes, frame.tci));
              }
              burst.nicSwitch.forward();
              // The port that forward() begins with moves on: back to the first.
              for (let i = 0; i < VPORTS; i++) burst.nicSwitch.forward();
              for (const [port, expected] of queues.entries()) {
                const found: string[] = [];
                for (
                  let e = burst.nicSwitch.output.shift(port);
                  e >= 0;
                  e = burst.nicSwitch.output.shift(port)
                ) {
                  found.push(hex(written(burst.frames, entrySlot(e), tagOperation(e))));
                  burst.frames.release(entrySlot(e));
                }
                expect(found).toEqual(expected);
              }
            }
            for (let port = 0; port <= VPORTS; port++) {
              expect(burst.nicSwitch.portCounters(port)).toEqual(one.nicSwitch.portCounters(port));
            }
            for (const { frames, nicSwitch } of [one, burst]) {
              nicSwitch.checkBalance();
              expect(frames.available).toBe(frames.slots);
            }
          },
        ),
        { numRuns: RUNS },
      );
      // It is the direct way that this is about.
      expect(direct).toBeGreaterThan(all / 3);
    },
  );
});

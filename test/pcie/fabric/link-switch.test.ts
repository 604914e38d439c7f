import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../../src/base/index.ts';
import { Probe, Scheduler } from '../../../src/kernel/index.ts';
import {
  Endpoint,
  flitModeOf,
  INFINITE_CREDITS,
  LinkErrors,
  LinkSwitch,
  PcieLink,
  SWITCH_CREDITS,
  TlpPool,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/index.ts';
import { PagedTranslator, programs, runProgram } from '../link/dma-program.ts';
import { DmaRig, type DmaRigOptions, ForeseeingTranslator, memoryRequest } from '../link/dma-rig.ts';
import { FLIGHT_PS } from '../link/link-rig.ts';

const CUT_THROUGH = { forwarding: 'cut-through', latencyPs: 110_000 } as const;
const STORED = { forwarding: 'store-and-forward', latencyPs: 110_000 } as const;
/** 250 ps a byte. */
const RATE = { generation: 2, lanes: 8 };
const BYTE_PS = 250;
const credits = (headers: number) => ({
  ...SWITCH_CREDITS,
  postedHeaders: headers,
  postedData: 32 * Math.ceil(headers / 2),
  nonPostedHeaders: headers,
  nonPostedData: headers,
});

const setUps: fc.Arbitrary<DmaRigOptions> = fc
  .record({
    generation: fc.constantFrom(1, 3, 5),
    lanes: fc.constantFrom(1, 8),
    headers: fc.constantFrom(1, 3, 64),
    tags: fc.constantFrom(1, 32),
    maxReadRequestBytes: fc.constantFrom(128, 512, 4096),
    through: fc.constantFrom(CUT_THROUGH, STORED),
  })
  .map(({ generation, lanes, headers, tags, maxReadRequestBytes, through }) => ({
    link: { rate: { generation, lanes }, rootCredits: credits(headers) },
    requester: { tags, maxPayloadBytes: 256, maxReadRequestBytes },
    through,
  }));

/** Time of a read of `bytes`, in ps. */
function readPs(bytes: number, through: DmaRigOptions['through']) {
  const rig = new DmaRig({ link: { rate: RATE }, through });
  rig.requester.read(memoryRequest(0x100, 0x1000, bytes, 0, rig.client, 1));
  rig.scheduler.runUntilIdle();
  return rig.reads[0].timePs;
}

describe('a switch between a device and a root port', () => {
  it('adds its latency, a flight and a header each way, with cut-through', () => {
    const header = (4 + 12) * BYTE_PS;
    for (const bytes of [64, 256, 512, 2048]) {
      const added = readPs(bytes, CUT_THROUGH) - readPs(bytes, undefined);
      expect([bytes, added]).toEqual([bytes, 2 * (CUT_THROUGH.latencyPs + FLIGHT_PS + header)]);
    }
  });

  it('adds the first TLP each way with store-and-forward', () => {
    const added = readPs(256, STORED) - readPs(256, undefined);
    const first = (20 + 20 + 256) * BYTE_PS;
    expect(added).toBe(2 * (STORED.latencyPs + FLIGHT_PS) + first);
  });

  it('lets a device read and write the right bytes in the right order', () => {
    fc.assert(
      fc.property(setUps, programs(60), (options, program) => runProgram(program, options, 0, [])),
      { numRuns: 40 },
    );
  });

  it('does so while lookups miss at random, of a translator that is asked when requests leave', () => {
    fc.assert(
      fc.property(setUps, programs(60), fc.nat(), (options, program, seed) => {
        const random = new RandomStreams(seed).stream('walks');
        const walkPs = () => (random.integer(3) === 0 ? 1 + random.integer(2_000_000) : 0);
        const translator: DmaRigOptions['translator'] = (s) => new ForeseeingTranslator(s, walkPs);
        runProgram(program, { ...options, translator }, PagedTranslator.SHIFT, []);
      }),
      { numRuns: 40 },
    );
  });

  it('takes the end of a train that is sent again, whichever link it is hit on', () => {
    for (const through of [CUT_THROUGH, STORED]) {
      for (const isUpper of [false, true]) {
        for (let hit = 0; hit < 12; hit++) {
          const rig = new DmaRig({
            link: { rate: RATE, rootCredits: SWITCH_CREDITS },
            requester: { maxReadRequestBytes: 128 },
            through,
          });
          const { scheduler, tlps, link, upper, requester, client } = rig;
          const pf = () => new Endpoint({ functions: intel82599Config() }).functions[0];
          let tlp = 0;
          let replayed = 0;
          const errors = {
            hits: (bytes: number, isTlp: boolean) => (isTlp && tlp++ === hit ? bytes >> 1 : -1),
            struck: () => {},
            replayed: () => replayed++,
            recovered: () => {},
          };
          new LinkErrors(scheduler, (isUpper ? upper : link).upstream, tlps, errors, pf(), pf());
          requester.write(memoryRequest(0x100, 0x1000, 1536, 0, client, 1));
          requester.read(memoryRequest(0x100, 0x4000, 1024, 2048, client, 2));
          scheduler.runUntilIdle();
          expect([isUpper, hit, replayed, rig.committed, rig.reads.map(({ cookie }) => cookie)]).toEqual([
            isUpper,
            hit,
            1,
            [0x1000],
            [2],
          ]);
          expect(rig.isIdle).toBe(true);
        }
      }
    }
  });

  it('carries as much as the links', () => {
    const ends = [undefined, CUT_THROUGH, STORED].map((through) => {
      const rig = new DmaRig({ link: { rate: RATE, rootCredits: SWITCH_CREDITS }, through });
      const request = memoryRequest(0x100, 0x1000, 1024, 0, rig.client, 1);
      let left = 500;
      rig.onReady = () => {
        while (left > 0 && rig.requester.canWrite()) {
          left--;
          rig.requester.write(request);
        }
      };
      rig.onReady();
      rig.scheduler.runUntilIdle();
      expect(rig.committed).toHaveLength(500);
      return rig.scheduler.now;
    });
    for (const end of ends) expect(end).toBeLessThan(ends[0] + 2_000_000);
  });

  it('refuses links that do not take the trains of the other one', () => {
    const scheduler = new Scheduler();
    const tlps = new TlpPool(64);
    const link = (name: string, deviceCredits = SWITCH_CREDITS, rootCredits = SWITCH_CREDITS, rate = RATE) =>
      new PcieLink(name, scheduler, new Probe(scheduler), tlps, {
        rate,
        ...flitModeOf(rate.generation),
        flightPs: 0,
        maxPayloadBytes: 256,
        deviceCredits,
        rootCredits,
      });
    const make = (upper: PcieLink, lower: PcieLink, timing: object = {}) =>
      new LinkSwitch('switch', scheduler, tlps, upper, lower, { ...CUT_THROUGH, ...timing });
    const flits = link('lower', SWITCH_CREDITS, SWITCH_CREDITS, { generation: 6, lanes: 8 });
    expect(() => make(link('upper'), flits)).toThrow(new RangeError('lower must not be in Flit Mode'));
    expect(() => make(link('upper'), link('lower'), { latencyPs: -5 })).toThrow(
      'latencyPs must be an integer',
    );
    expect(() => make(link('upper'), link('lower'), { forwarding: 'cut' })).toThrow(
      'forwarding must be one of',
    );
    expect(() => make(link('upper'), link('lower'), { latency: 5 })).toThrow('timing has no "latency"');
    expect(() => make(link('upper'), link('lower', INFINITE_CREDITS, INFINITE_CREDITS))).toThrow(
      'credits of lower must be no more than those of upper',
    );
    const few = { ...SWITCH_CREDITS, completionHeaders: 63 };
    expect(() => make(link('upper', few), link('lower'))).toThrow(
      'completion credits must be at least 64 and 320, got 63 and 512',
    );
  });
});

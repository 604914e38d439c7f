import { describe, expect, it } from 'vitest';
import { Endpoint, type FabricOptions, type FabricRequest, SWITCH_CREDITS } from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/index.ts';
import { dmaLatencyExperiment, runExperiment } from '../../../src/sim/experiments/index.ts';
import { makeFabric, RATE } from './fixture.ts';

describe('a fabric', () => {
  it.each<[string, FabricOptions]>([
    [
      'generation must be an integer from 1 to 5, got 6',
      { link: () => ({ rate: { generation: 6, lanes: 8 } }) },
    ],
    ['lanes must be one of', { link: () => ({ rate: { generation: 3, lanes: 3 } }) }],
    ['maxPayloadBytes must be one of', { link: () => ({ maxPayloadBytes: 100 }) }],
    [
      'data credits for payload must be an integer from 16 to 2047, got 8',
      { link: () => ({ upperCredits: { ...SWITCH_CREDITS, postedData: 8 } }) },
    ],
    ['latencyPs must be an integer from 0', { switchTiming: () => ({ latencyPs: -1 }) }],
    ['forwarding must be one of', { switchTiming: () => ({ forwarding: 'fast' as never }) }],
    ['tags must be an integer from 1 to 768, got 0', { device: () => ({ tags: 0 }) }],
    ['readCompletionBoundary must be one of 64, 128', { rootComplex: { readCompletionBoundary: 32 } }],
    ['tlps must be a power of two', { tlps: 100 }],
    ['options has no "links": allowed are link, ', { links: () => ({}) } as never],
    ['link must be a function, got [object Object]', { link: {} as never }],
    ['link has no "lanes": allowed are rate, ', { link: () => ({ rate: RATE, lanes: 4 }) as never }],
    ['timing has no "latency": allowed are latencyPs, ', { switchTiming: () => ({ latency: 5 }) as never }],
    ['device has no "tag": allowed are readPs, ', { device: () => ({ tag: 5 }) as never }],
    ['rootComplex has no "latency": allowed are latencyPs, ', { rootComplex: { latency: 5 } as never }],
  ])('refuses options: %s', (message, options) => {
    expect(() => makeFabric({}, options)).toThrow(message);
  });

  it.each<[string, Partial<FabricRequest>]>([
    ['bytes must be an integer from 1', { bytes: 0 }],
    ['address must be an integer from 0', { address: -4 }],
    ['kind must be one of read, write', { kind: 'peek' as never }],
    ['bytes of data must be an integer from 4 to 4, got 3', { data: new Uint8Array(3) }],
    ['requester must be an integer from 0 to 65535', { requester: 65_536 }],
    ['data must be a Uint8Array, got object', { data: [1, 2, 3, 4] as never }],
    ['request has no "length": allowed are from, ', { length: 4 } as never],
    ['from must be a function or null, got undefined', { from: undefined as never }],
    ['relaxedOrdering must be true or false, got 1', { relaxedOrdering: 1 as never }],
  ])('refuses requests: %s', (message, request) => {
    const { fabric, pfs, bar } = makeFabric();
    const usual = { from: pfs[0], kind: 'write', address: bar(1), bytes: 4 } as const;
    expect(() => fabric.request({ ...usual, ...request }, () => {})).toThrow(message);
  });

  it('refuses requests of a card that was connected after it was made', () => {
    const { fabric, hierarchy, ports, bar } = makeFabric({ ports: [{}, {}, {}] });
    const late = new Endpoint({ functions: intel82599Config() });
    hierarchy.connect(ports[2], late);
    const request = { from: late.functions[0], kind: 'write', address: bar(1), bytes: 4 } as const;
    expect(() => fabric.request(request, () => {})).toThrow(
      new RangeError(
        `from must have been connected before the fabric was made, ${late.functions[0].name} was not`,
      ),
    );
  });

  it('has no link below a port where nothing is', () => {
    const { fabric, ports } = makeFabric({ ports: [{}, {}, {}] });
    expect(() => fabric.link(ports[2])).toThrow('port must have a link');
  });

  it('resets its counters, and what is under way goes on', () => {
    const { fabric, scheduler, pfs, bar, run } = makeFabric();
    const ends: string[] = [];
    const request = { from: pfs[0], address: bar(1), bytes: 4096 } as const;
    fabric.request({ ...request, kind: 'write' }, ({ status }) => ends.push(`write ${status}`));
    fabric.request({ ...request, kind: 'read' }, ({ status }) => ends.push(`read ${status}`));
    scheduler.runUntil(500_000);
    expect(fabric.counters()['link.0.0.upstream.tlps']).toBeGreaterThan(0);
    fabric.reset();
    expect(fabric.counters()).toMatchObject({ 'link.0.0.upstream.tlps': 0, 'link.0.0.upstream.tlpBytes': 0 });
    scheduler.runUntilIdle();
    expect(ends.sort()).toEqual(['read successful', 'write successful']);
    expect(fabric.counters()['tlpsUnderWay']).toBe(0);
    expect(run({ ...request, kind: 'write' }).status).toBe('successful');
  });

  it('tells at once that a function may not send', () => {
    const { run, pfs, bar } = makeFabric();
    pfs[0].config.write16(4, 2);
    const outcome = run({ from: pfs[0], kind: 'read', address: bar(1), bytes: 64 });
    expect(outcome).toMatchObject({ status: 'not-sent', startPs: 0, endPs: 0, hops: [] });
  });
});

describe('the experiment dma-latency', () => {
  it('has no switch between links of generation 6', () => {
    expect(() => runExperiment(dmaLatencyExperiment, ['generation=6', 'switch=cut-through'])).toThrow(
      'switch: "cut-through" does not fit generation 6; allowed none',
    );
  });
});

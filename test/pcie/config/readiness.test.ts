import { describe, expect, it } from 'vitest';
import {
  CONFIG_RETRY,
  Endpoint,
  type PcieFunction,
  Readiness,
  type ReadinessTimes,
  readiness,
} from '../../../src/pcie/index.ts';
import { genericConfig, intel82599 } from '../../../src/profiles/index.ts';
import { createMachine } from '../../../src/sim/index.ts';

const MS = 1e9;

function device(times: ReadinessTimes) {
  const clock = { now: 0 };
  const endpoint = new Endpoint({
    functions: genericConfig({ pfs: 2, totalVfs: 4, noSoftReset: false }),
    bus: 1,
  });
  new Readiness(endpoint, clock, times);
  const enableVfs = (pf: PcieFunction) => {
    const at = pf.findExtendedCapability(0x10);
    pf.config.write16(at + 0x10, 2);
    pf.config.write16(at + 0x08, 0x19);
    return pf.sriov!.routingIdOf(0);
  };
  return { clock, endpoint, enableVfs };
}

const flr = (fn: PcieFunction) => fn.config.write16(fn.findCapability(0x10) + 8, 0x8000);

describe('Configuration Request Retry Status', () => {
  it('is what VFs answer from VF Enable until they are ready, and nobody else', () => {
    const { clock, endpoint, enableVfs } = device({ vfEnablePs: 150 * MS });
    const vf = enableVfs(endpoint.functions[0]);
    clock.now = 150 * MS - 1;
    expect(endpoint.configRead(vf, 0, 4)).toBe(CONFIG_RETRY);
    expect(endpoint.configRetry(vf)).toBe(true);
    expect([0x0100, 0x0101].map((id) => endpoint.configRetry(id))).toEqual([false, false]);
    expect(endpoint.configRetry(0x01f0)).toBe(false);
    clock.now = 150 * MS;
    expect(endpoint.configRead(vf, 0, 4)).toBe(0xffffffff);
    expect(endpoint.configRetry(vf)).toBe(false);
  });

  it('comes for a write too, which changes nothing', () => {
    const { clock, endpoint, enableVfs } = device({ vfEnablePs: 150 * MS });
    const vf = enableVfs(endpoint.functions[0]);
    expect(endpoint.configWrite(vf, 4, 2, 4)).toBe(false);
    clock.now = 200 * MS;
    expect(endpoint.configRead(vf, 4, 2)).toBe(0);
    expect(endpoint.configWrite(vf, 4, 2, 4)).toBe(true);
    expect(endpoint.configRead(vf, 4, 2)).toBe(4);
  });

  it('is what a function answers after its own Function Level Reset, and the other functions not', () => {
    const { clock, endpoint, enableVfs } = device({ flrPs: 20 * MS });
    const vf = enableVfs(endpoint.functions[0]);
    flr(endpoint.functionAt(vf)!);
    expect([vf, vf + 1, 0x0100].map((id) => endpoint.configRetry(id))).toEqual([true, false, false]);
    clock.now = 20 * MS;
    expect(endpoint.configRetry(vf)).toBe(false);
    flr(endpoint.functions[1]);
    expect([0x0100, 0x0101].map((id) => endpoint.configRetry(id))).toEqual([false, true]);
  });

  it('is what functions answer after a conventional reset, and after D3hot where that resets', () => {
    const { clock, endpoint } = device({ resetPs: 300 * MS, d3hotPs: 10 * MS });
    endpoint.hotReset();
    expect(endpoint.configRead(0x0100, 0, 2)).toBe(CONFIG_RETRY);
    clock.now = 300 * MS;
    expect(endpoint.configRead(0x0100, 0, 2)).toBe(0x1234);
    const [pf] = endpoint.functions;
    pf.config.write16(0x44, 3);
    pf.config.write16(0x44, 0);
    expect(endpoint.configRead(0x0100, 0, 2)).toBe(CONFIG_RETRY);
    clock.now = 310 * MS;
    expect(endpoint.configRead(0x0100, 0, 2)).toBe(0x1234);
  });

  it('never comes where no time is given', () => {
    const { endpoint, enableVfs } = device({});
    const vf = enableVfs(endpoint.functions[0]);
    flr(endpoint.functionAt(vf)!);
    expect(endpoint.configRetry(vf)).toBe(false);
  });
});

describe('the times of functions that are not ready', () => {
  it.each([
    [{ flrPs: -1 }, 'flrPs must be an integer from 0 to 9007199254740991, got -1'],
    [{ resetPs: 0.5 }, 'resetPs must be an integer from 0 to 9007199254740991, got 0.5'],
    [{ d3hotPs: Number.NaN }, 'd3hotPs must be an integer from 0 to 9007199254740991, got NaN'],
    [{ vfEnablePs: '1' }, 'vfEnablePs must be a number, got "1"'],
    [{ flrMs: 1 }, 'times has no "flrMs": allowed are vfEnablePs, flrPs, d3hotPs, resetPs'],
    [null, 'times must be an object with vfEnablePs, flrPs, d3hotPs, resetPs, got null'],
  ])('are not %j', (times, message) => {
    expect(() => device(times as ReadinessTimes)).toThrow(message);
    expect(() => readiness(times as ReadinessTimes)).toThrow(message);
  });

  it('may be left out, or none', () => {
    const { endpoint } = device({ flrPs: undefined, resetPs: 0 });
    flr(endpoint.functions[0]);
    endpoint.hotReset();
    expect(endpoint.configRetry(0x0100)).toBe(false);
  });
});

describe('a machine whose VFs need time', () => {
  it('comes up when they are ready: the root complex repeats requests until then', () => {
    const upAt = (vfEnablePs: number) => {
      const machine = createMachine({
        nic: { ...intel82599, readiness: readiness({ vfEnablePs }) },
        guests: [{ name: 'a' }],
      });
      const before = machine.scheduler.now;
      machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
      machine.guests[0].traffic.send({ to: 'port', frameBytes: 64, ratePps: 1e6 });
      const sent = machine.run({ simulatedMs: 0.1 }).endpoints.find(({ name }) => name === 'a');
      expect(sent?.txPps).toBeGreaterThan(0);
      return machine.scheduler.now - before;
    };
    // Software waits 100 ms by itself, and some more for the reset of the VF.
    const [none, within, beyond] = [0, 90, 500].map((ms) => upAt(ms * MS));
    expect(within).toBe(none);
    expect(beyond).toBeGreaterThan(500 * MS);
    expect(beyond).toBeLessThan(505 * MS);
  });
});

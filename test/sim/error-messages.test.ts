import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { Simulation } from '../../src/sim/index.ts';
import { boot, settle } from './rig.ts';

const PAIRS: Scenario = {
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6 },
    { from: 'port', to: 'a', ratePps: 1e6 },
  ],
  warmUpMs: 0,
  durationMs: 0.2,
};
const ROOT_PORT = 0x0008;
/** AER of the card and of the root port; Device Control of both. */
const AER = 0x100;
const CARD_CONTROL = 0xa8;
const ROOT_CONTROL = 0x98;

const started = () => {
  const simulation = boot(PAIRS);
  simulation.advance(simulation.startPs + 50 * MICROSECOND);
  const { machine } = simulation;
  return { simulation, machine, complex: machine.rootComplex, pf: machine.nic.pf };
};
/** An address behind the root port's window that no BAR claims. */
const unclaimed = ({ machine }: Simulation) => {
  const { memoryBase, memoryLimit, prefetchBase, prefetchLimit } = machine.bridge;
  const last = Math.max(memoryLimit, prefetchLimit);
  for (let address = last - 3; address >= Math.min(memoryBase, prefetchBase); address -= 0x1000)
    if (machine.bridge.claimsMemory(address) && !machine.nic.endpoint.claim(address))
      return address - (address % 4);
  throw new Error('the card claims all that the root port lets through');
};

describe('a driver that reads an address that nobody claims', () => {
  it('gets all ones, the card an Unsupported Request in AER, and everything else goes on', () => {
    const { simulation, complex, pf } = started();
    const address = unclaimed(simulation);
    complex.configWrite(pf.routingId, AER + 0x14, 4, 0);
    expect(complex.read(address, 4)).toBe(0xffffffff);
    const read = (offset: number) => complex.configRead(pf.routingId, offset, 4);
    expect(read(AER + 0x04)).toBe(1 << 20);
    expect(read(AER + 0x10)).toBe(1 << 13);
    expect(read(AER + 0x18) & 0x1f).toBe(20);
    // Header Log: the Memory Read itself.
    const isLong = address >= 2 ** 32;
    expect(read(AER + 0x1c)).toBe(isLong ? 0x20000001 : 1);
    expect(read(AER + 0x20)).toBe(0x0000000f);
    expect(read(AER + (isLong ? 0x28 : 0x24))).toBe(address % 2 ** 32);
    // Device Status: correctable, and Unsupported Request Detected.
    expect(complex.configRead(pf.routingId, CARD_CONTROL + 2, 2) & 0xf).toBe(0b1001);
    simulation.advance(simulation.endPs);
    const { flows, conservation } = simulation.report();
    for (const flow of flows) expect(flow).toMatchObject({ offered: 200, lost: 0 });
    expect(conservation.balanced).toBe(true);
  });

  it('costs no other a frame', () => {
    const quiet = boot(PAIRS);
    quiet.advance(quiet.endPs);
    const { simulation, complex } = started();
    complex.read(unclaimed(simulation), 4);
    simulation.advance(simulation.endPs);
    expect(simulation.report().flows.map(({ delivered }) => delivered)).toEqual(
      quiet.report().flows.map(({ delivered }) => delivered),
    );
  });
});

describe('a store to an address that nobody claims', () => {
  it('is an error that is not advisory: ERR_NONFATAL goes to the root port, which interrupts', () => {
    const { simulation, machine, complex, pf } = started();
    const address = unclaimed(simulation);
    let calls = 0;
    const data = machine.interrupts.allocate(ROOT_PORT, 0, () => {
      calls++;
    });
    complex.configWrite(
      pf.routingId,
      CARD_CONTROL,
      2,
      complex.configRead(pf.routingId, CARD_CONTROL, 2) | 0xf,
    );
    for (const [offset, bytes, value] of [
      [ROOT_CONTROL, 2, 7],
      [0x3e, 2, 2],
      [0x54, 4, 0xfee0_0000],
      [0x58, 2, data],
      [0x52, 2, 1],
      [AER + 0x2c, 4, 7],
    ])
      complex.configWrite(ROOT_PORT, offset, bytes, value);
    complex.write32(address, 0x1234);
    settle(simulation, 0.01);
    expect(complex.configRead(ROOT_PORT, AER + 0x30, 4)).toBe(0b010_0100);
    expect(complex.configRead(ROOT_PORT, AER + 0x34, 4)).toBe(pf.routingId << 16);
    expect(calls).toBe(1);
    expect(complex.configRead(pf.routingId, AER + 0x1c, 4)).toBe(
      address >= 2 ** 32 ? 0x60000001 : 0x40000001,
    );
  });

  it('is reported once for each, at any rate, and nothing waits or is left over', () => {
    const { simulation, machine, complex, pf } = started();
    const address = unclaimed(simulation);
    complex.configWrite(
      pf.routingId,
      CARD_CONTROL,
      2,
      complex.configRead(pf.routingId, CARD_CONTROL, 2) | 0xf,
    );
    complex.configWrite(ROOT_PORT, ROOT_CONTROL, 2, 7);
    complex.configWrite(ROOT_PORT, 0x3e, 2, 2);
    const before = machine.tlps.available;
    for (let i = 0; i < 2000; i++) complex.write32(address, i);
    simulation.advance(simulation.endPs);
    settle(simulation, 0.2);
    expect(simulation.report().conservation.balanced).toBe(true);
    expect(machine.tlps.available).toBeGreaterThanOrEqual(before);
    // More than one, of the kind.
    expect(complex.configRead(ROOT_PORT, AER + 0x30, 4)).toBe(0b010_1100);
    expect(machine.nic.port.unsupportedRequests).toBe(2000);
  });
});

describe('a configuration request for a function that is not there', () => {
  it('is an Unsupported Request, too', () => {
    const { complex, pf } = started();
    complex.configWrite(pf.routingId, AER + 0x14, 4, 0);
    expect(complex.configRead(0x0107, 0, 4)).toBe(0xffffffff);
    expect(complex.configRead(pf.routingId, AER + 0x04, 4)).toBe(1 << 20);
    expect([0, 4, 8].map((i) => complex.configRead(pf.routingId, AER + 0x1c + i, 4))).toEqual([
      0x04000001, 0x0000000f, 0x01070000,
    ]);
  });
});

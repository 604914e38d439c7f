import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { ResolvedFlow, ResolvedScenario } from '../../src/sim/index.ts';
import { FIRST_VF_ENDPOINT_INDEX, PF_ENDPOINT_INDEX, PORT_ENDPOINT_INDEX } from '../../src/sim/simulation.ts';
import { EventLog } from '../../src/trace/index.ts';
import { anyReflected, anyScenario } from './random-scenario.ts';
import { type Arrival, boot, endpointIndex, jsonOf, noteArrivals, notReturned, run, settle } from './rig.ts';

const anyBridge = fc.oneof({ weight: 2, arbitrary: anyScenario }, { weight: 1, arbitrary: anyReflected });
const numRuns = process.env['SRIOVSIM_LONG'] === '1' ? 300 : 12;

describe('any machine with any traffic', () => {
  it('accounts for every frame at any instant', () => {
    fc.assert(
      fc.property(
        anyBridge,
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
        (scenario, stops) => {
          const simulation = boot(scenario);
          for (const us of stops) {
            simulation.advance(Math.min(simulation.endPs, simulation.nowPs + us * MICROSECOND));
            expect(simulation.report().conservation).toMatchObject({ balanced: true });
          }
          simulation.advance(simulation.endPs);
          expect(simulation.report().conservation).toMatchObject({ balanced: true });
          simulation.machine.nic.data.switch.checkBalance();
        },
      ),
      { numRuns },
    );
  });

  it('has everything back where it was when the traffic is over', () => {
    fc.assert(
      fc.property(anyBridge, (scenario) => {
        const simulation = run(scenario);
        settle(simulation);
        expect(notReturned(simulation)).toEqual([]);
        expect(simulation.report().conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
      }),
      { numRuns },
    );
  });

  it('keeps the frames of a flow in order, and gives nobody a frame twice', () => {
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        const simulation = boot(scenario);
        const arrivals = noteArrivals(simulation);
        simulation.advance(simulation.endPs);
        const last = new Map<string, number>();
        for (const { endpoint, flow, sequence } of arrivals) {
          const key = `flow ${flow} at endpoint ${endpoint}`;
          expect(sequence, key).toBeGreaterThan(last.get(key) ?? -1);
          last.set(key, sequence);
        }
        for (const { reordered, duplicated } of simulation
          .report()
          .flows.slice(0, scenario.traffic?.length)) {
          expect({ reordered, duplicated }).toEqual({ reordered: 0, duplicated: 0 });
        }
      }),
      { numRuns },
    );
  });

  it('delivers a unicast frame once at most, to whoever has its address, else to the port or from there to the host', () => {
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        const simulation = boot(scenario);
        const arrivals = noteArrivals(simulation);
        simulation.advance(simulation.endPs);
        const { flows } = simulation.scenario;
        const seen = new Set<string>();
        for (const { endpoint, flow, sequence } of arrivals) {
          const { from, to } = flows[flow];
          expect(endpoint).not.toBe(endpointIndex(from));
          if (to.kind === 'broadcast' || to.kind === 'multicast') continue;
          expect(seen.has(`${flow}/${sequence}`)).toBe(false);
          seen.add(`${flow}/${sequence}`);
          const otherwise = from.kind === 'port' ? PF_ENDPOINT_INDEX : PORT_ENDPOINT_INDEX;
          const addressee = to.kind === 'mac' ? otherwise : endpointIndex(to);
          expect([addressee, otherwise]).toContain(endpoint);
        }
      }),
      { numRuns },
    );
  });

  it('shows no guest a frame of a VLAN that is not its own, and no guest with a port VLAN the tag', () => {
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        const simulation = boot(scenario);
        const arrivals = noteArrivals(simulation);
        simulation.advance(simulation.endPs);
        for (const arrival of arrivals) {
          expect(arrival.vlan).toBe(vlanToSee(arrival, simulation.scenario));
        }
      }),
      { numRuns },
    );
  });

  it('takes the same course twice, in slices, and with somebody watching', () => {
    fc.assert(
      fc.property(
        anyScenario,
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
        (scenario, stops) => {
          const expected = jsonOf(run(scenario));
          const sliced = boot(scenario);
          for (const us of stops) {
            sliced.advance(Math.min(sliced.endPs, sliced.nowPs + us * MICROSECOND));
            sliced.report();
            // Somebody begins to watch, and stops.
            sliced.probe.sink = sliced.probe.sink === null ? new EventLog(64) : null;
          }
          sliced.advance(sliced.endPs);
          expect(jsonOf(sliced)).toBe(expected);
        },
      ),
      { numRuns },
    );
  });
});

/** VLAN of a frame inside the card, or null; and the tag that its sender put on beneath the port's. */
function vlansOf({ from, vlan }: ResolvedFlow, { vfs, hostInterface }: ResolvedScenario) {
  const port = from.kind === 'vf' ? vfs[from.vf].vlan : from.kind === 'pf' ? hostInterface.vlan : null;
  return { outer: port ?? vlan, inner: port === null ? null : vlan };
}

/** The tag that the receiver of a frame has to see: throws where it should not have got it at all. */
function vlanToSee({ endpoint, flow }: Arrival, scenario: ResolvedScenario): number | null {
  const sent = scenario.flows[flow];
  const { outer, inner } = vlansOf(sent, scenario);
  if (endpoint === PORT_ENDPOINT_INDEX) return outer;
  const isHost = endpoint === PF_ENDPOINT_INDEX;
  const { from } = sent;
  if (!isHost && from.kind === 'vf') {
    const ends = [scenario.vfs[from.vf], scenario.vfs[endpoint - FIRST_VF_ENDPOINT_INDEX]];
    if (ends.some((vf) => vf.private)) throw new Error(`endpoint ${endpoint} got a frame of VF ${from.vf}`);
  }
  const { vlan, trustedVlans } = isHost
    ? { vlan: scenario.hostInterface.vlan, trustedVlans: [] as number[] }
    : scenario.vfs[endpoint - FIRST_VF_ENDPOINT_INDEX];
  // The default pool takes what nobody else does from the wire, of whatever VLAN (7.10.3.3).
  const byDefault = isHost && sent.from.kind === 'port';
  const own = vlan === null ? outer === null || trustedVlans.includes(outer) : outer === vlan;
  if (!own && !byDefault) throw new Error(`endpoint ${endpoint} got a frame of VLAN ${outer}`);
  return vlan === null ? outer : inner;
}

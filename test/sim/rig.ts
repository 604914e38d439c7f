import { readFileSync } from 'node:fs';
import { formatReportJson, type Report, type Scenario } from '../../src/index.ts';
import { MILLISECOND } from '../../src/kernel/index.ts';
import { FlowClass } from '../../src/pcie/tlp.ts';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import { parseScenario } from '../../src/sim/scenario-parse.ts';
import { resolveScenario } from '../../src/sim/scenario-resolve.ts';
import {
  endpointIndex,
  FIRST_VF_ENDPOINT_INDEX,
  machineParts,
  Simulation,
} from '../../src/sim/simulation.ts';
import { findStamp, readStampFlow, readStampSequence } from '../../src/wire/index.ts';

/** The capture that every scenario here may name. */
export const CAPTURE = 'namespaces.pcap';
const captureFile = readFileSync(new URL(`../../scenarios/captures/${CAPTURE}`, import.meta.url));

/** A scenario as it comes out of a file, ready to boot. */
export function makeSimulation(scenario: Scenario): Simulation {
  const loaded = resolveScenario(parseScenario(scenario), {
    readCapture: () => captureFile,
    pcieParts,
  });
  return new Simulation(loaded.scenario, loaded.captures, machineParts(loaded.scenario, { pcieParts }));
}

/** As {@link makeSimulation}, with everything up. */
export function boot(scenario: Scenario): Simulation {
  const simulation = makeSimulation(scenario);
  simulation.boot();
  return simulation;
}

/** Boots a scenario and runs it to its end. */
export function run(scenario: Scenario): Simulation {
  const simulation = boot(scenario);
  simulation.advance(simulation.endPs);
  return simulation;
}

/** The report of a scenario that is run to its end. */
export function reportOf(scenario: Scenario): Report {
  return run(scenario).report();
}

/** A run as the bytes of its report. */
export function jsonOf(simulation: Simulation): string {
  return formatReportJson(simulation.report());
}

/** A frame that software has received. */
export interface Arrival {
  /** 0 the port, 1 the PF, 2 + i VF i. */
  readonly endpoint: number;
  readonly flow: number;
  readonly sequence: number;
  /** VLAN of the tag that the software sees, or null. */
  readonly vlan: number | null;
  /** Bytes in memory. */
  readonly bytes: number;
  readonly timePs: number;
}

/** Notes every stamped frame that comes to anybody's software from now on. */
export function noteArrivals({ tracker }: Simulation): Arrival[] {
  const arrivals: Arrival[] = [];
  const receive = tracker.receive.bind(tracker);
  tracker.receive = (endpoint, words, at, bytes, timePs) => {
    const stamp = findStamp(words, at, bytes);
    if (stamp >= 0) {
      arrivals.push({
        endpoint,
        flow: readStampFlow(words, stamp),
        sequence: readStampSequence(words, stamp),
        vlan: vlanOf(words, at),
        bytes,
        timePs,
      });
    }
    receive(endpoint, words, at, bytes, timePs);
  };
  return arrivals;
}

/** VLAN ID of the 802.1Q tag of the frame at word `at`, or null. */
export function vlanOf(words: Int32Array, at: number): number | null {
  if ((words[at + 3] & 0xffff) !== 0x0081) return null;
  const tci = words[at + 3] >>> 16;
  return (((tci & 0xff) << 8) | (tci >> 8)) & 0xfff;
}

/** Number of a VF's endpoint. */
export function vfEndpoint(vf: number): number {
  return FIRST_VF_ENDPOINT_INDEX + vf;
}

/** What is not where it was when the machine was idle; empty if everything is back. */
export function notReturned(simulation: Simulation): string[] {
  const { machine } = simulation;
  const { frames } = machine.nic.data;
  const wrong: string[] = [];
  const expectEqual = (what: string, found: number, wanted: number) => {
    if (found !== wanted) wrong.push(`${what}: ${found}, not ${wanted}`);
  };
  expectEqual('frame slots', frames.available, frames.slots);
  expectEqual(
    'references',
    frames.references.reduce((sum, count) => sum + count, 0),
    0,
  );
  const { transmit } = machine.nic.data;
  expectEqual('transmit buffer', transmit['bufferFree'], machine.nic.profile.transmitBufferBytes);
  for (const [c, bytes] of transmit.shares?.bytes.entries() ?? []) {
    expectEqual(`bytes of class ${c} in the transmit buffer`, bytes, 0);
    expectEqual(`frames of class ${c} in it`, transmit.shares?.frames[c] ?? 0, 0);
  }
  expectEqual('TLP rows', machine.tlps.available, machine.tlps.capacity);
  expectEqual('tags', machine.nic.requester.counters()['tagsInUse'], 0);
  const { rootLink } = machine.parts.between ?? { rootLink: machine.link };
  for (const direction of [machine.link, rootLink].flatMap(({ upstream, downstream }) => [
    upstream,
    downstream,
  ])) {
    for (const flowClass of [FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION]) {
      const { headers } = direction.trainLimits(flowClass);
      expectEqual(
        `${direction.name} header credits ${flowClass}`,
        direction.headerCredits(flowClass),
        headers,
      );
    }
  }
  for (const [place, count] of Object.entries(simulation.report().conservation.inFlight)) {
    expectEqual(place, count, 0);
  }
  return wrong;
}

/**
 * Lets time pass after the last frame was offered, long enough for every queue to run empty: at the lowest rate limit of
 * random machines, 100 Mb/s, a full ring of the largest frames takes 63 ms.
 */
export function settle(simulation: Simulation, ms = 70): void {
  simulation.advance(simulation.nowPs + ms * MILLISECOND);
}

export { endpointIndex };

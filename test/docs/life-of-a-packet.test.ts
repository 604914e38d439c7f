import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NANOSECOND, ProbeKind } from '../../src/kernel/index.ts';
import { xeonE5v4 } from '../../src/profiles/index.ts';
import { createMachine } from '../../src/sim/index.ts';
import { ROOT } from '../tidy/project.ts';

const text = readFileSync(join(ROOT, 'docs/life-of-a-packet.md'), 'utf8');
/** Of the table at the top: instants in ns. */
const told = [...text.matchAll(/^\| (\d+) \| [\d, ]+ \|/gm)].map(([, ns]) => Number(ns));

/** The course of one frame on an idle machine: instants of everything seen, in ns from the sending on, and its latencies. */
function course(driver: 'interrupt' | 'poll', from: 'a' | 'port', to: 'b' | 'port' | 'broadcast') {
  const machine = createMachine({
    guests: [
      { name: 'a', driver },
      { name: 'b', driver },
    ],
  });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
  const [a, b] = machine.guests;
  const before = machine.run({ simulatedMs: 0.1 });
  const start = machine.scheduler.now;
  const seen = new Set<number>();
  const note = (timePs: number) => seen.add((timePs - start) / NANOSECOND);
  let linkFreePs = 0;
  machine.simulation.probe.sink = {
    record: (timePs, kind, _, bytes) => {
      note(timePs);
      // A walk is recorded when it begins, a TLP when it leaves.
      if (kind === ProbeKind.PAGE_WALK) note(timePs + 4 * xeonE5v4.iommu.memoryAccessPs);
      if (kind !== ProbeKind.TLP_SENT) return;
      linkFreePs = Math.max(timePs, linkFreePs) + bytes * machine.simulation.machine.link.upstream.psPerByte;
      note(linkFreePs + xeonE5v4.linkFlightPs);
      note(linkFreePs + xeonE5v4.linkFlightPs + xeonE5v4.outboundPs);
    },
  };
  const sender = from === 'a' ? a.traffic : machine.port.traffic;
  sender.send({ to: to === 'b' ? b.vf(0).mac : to, ratePps: 1e5, count: 1 });
  const report = machine.run({ simulatedMs: 0.03 });
  const grown = (name: string) => report.counters[name] - before.counters[name];
  return {
    seen,
    latencies: report.endpoints.flatMap(({ latencyNs }) => (latencyNs === null ? [] : [latencyNs.max])),
    events: report.simulated.events - before.simulated.events,
    grown,
  };
}

describe('the frame of docs/life-of-a-packet.md', () => {
  const { seen, latencies, events, grown } = course('interrupt', 'a', 'b');

  it('takes the steps of the table at its times', () => {
    const arrival = told[told.length - 1];
    const handler = told[told.length - 2];
    const walksEnded = told[told.length - 3];
    const { interrupt } = xeonE5v4.software;
    expect(told.slice(0, -2).filter((ns) => !seen.has(ns))).toEqual([]);
    expect(handler).toBe(walksEnded + xeonE5v4.guestInterruptPs / NANOSECOND);
    expect(arrival).toBe(handler + (interrupt.pollPs + interrupt.receivePs) / NANOSECOND);
    expect(latencies).toEqual([arrival]);
  });

  it('costs what the text says', () => {
    const up = grown('pcie.upstream.tlps');
    const down = grown('pcie.downstream.tlps');
    const bytes = grown('pcie.upstream.tlpBytes') + grown('pcie.downstream.tlpBytes');
    const accesses = grown('iommu.walkAccesses');
    expect(text.replaceAll('\n', ' ')).toContain(
      `${up + down} TLPs (${up} up, ${down} down, one of which unmasks the interrupt), ${bytes} bytes of link, ` +
        `${accesses} accesses of page walks and ${events} events of the scheduler`,
    );
  });

  it.each([
    ['of a guest that polls', course('poll', 'a', 'b')],
    ['to the wire', course('interrupt', 'a', 'port')],
    ['from the wire', course('interrupt', 'port', 'b')],
    ['broadcast', course('interrupt', 'a', 'broadcast')],
  ])('takes as long as the text says: %s', (_, other) => {
    for (const ns of other.latencies) expect(text).toMatch(new RegExp(`\\b${Math.floor(ns)}(\\.\\d)? ns\\b`));
  });
});

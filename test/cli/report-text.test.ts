import { describe, expect, it } from 'vitest';
import { fixed, grouped, percent, plural, scaled } from '../../src/cli/numbers.ts';
import { formatReportText } from '../../src/cli/report-text.ts';
import { formatTable } from '../../src/cli/text-table.ts';
import { resolveScenario } from '../../src/sim/scenario-resolve.ts';
import { exampleReport } from './fake-simulation.ts';

const { scenario } = resolveScenario({
  name: 'Two guests',
  guests: [{ name: 'a' }, { name: 'b', vfs: [{ vlan: 100 }] }],
});

describe('the report for people', () => {
  it('reads like this', () => {
    const text = formatReportText(exampleReport(scenario, 5_200_000_000));
    expect(text).toMatchSnapshot();
  });

  it('is at most 120 columns wide', () => {
    const text = formatReportText(exampleReport(scenario, 9e15));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('leaves out what did not happen', () => {
    const report = exampleReport(scenario, 3_000_000_000, true);
    report.iommu = null;
    for (const endpoint of report.endpoints) endpoint.drops = {};
    report.conservation = { ...report.conservation, dropped: {}, droppedTotal: 0, replicas: 0, offered: 9 };
    const text = formatReportText(report);
    expect(text).toContain('PARTIAL');
    expect(text).toContain('no endpoint sent or received a frame');
    expect(text).toContain('Balance     9 offered = 0 delivered + 9 in flight\n');
    expect(text).not.toMatch(/dropped|IOMMU {2}/);
  });

  it('names faults with their consequences, forty at most, in lines of that width', () => {
    const report = exampleReport(scenario, 5_200_000_000);
    expect(formatReportText(report)).not.toContain('Faults');
    report.faults = [];
    expect(formatReportText(report)).toContain('\nFaults      none has struck\n');
    const consequence = 'a fault record and what follows; '.repeat(20);
    report.faults = Array.from({ length: 45 }, (_, i) => ({
      atNs: 121_000_000 + i,
      kind: 'iommu-fault',
      ...(i === 0 ? { target: 'a' } : {}),
      consequence,
    }));
    const text = formatReportText(report);
    expect(text).toContain('\n  121.000000 ms  iommu-fault (a)\n    a fault record');
    expect(text).toContain('\n  121.000039 ms  iommu-fault\n');
    expect(text).toContain('\n  5 more\n');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('has no rate of hits where nothing was looked up', () => {
    const report = exampleReport(scenario, 0);
    if (report.iommu === null) throw new Error('the example has an IOMMU');
    report.iommu = {
      ...report.iommu,
      lookups: 0,
      hits: 0,
      misses: 0,
      hitRate: 1,
      walks: 0,
      walkAccesses: 0,
      faults: 0,
    };
    expect(formatReportText(report)).toMatch(/^IOMMU {7}0 lookups, 0 walks, 0 faults/m);
  });

  it.each([
    ['PAUSE', { pause: 'both' as const }, { linkXoffSent: 3, linkXonSent: 2, linkXoffReceived: 1 }],
    ['PFC  ', { pfc: [3, 4] }, { 'class1.xoffSent': 1, 'class2.xoffSent': 2, 'priority4.xoffReceived': 1 }],
  ])('says how often %s stopped somebody', (name, port, counters) => {
    const resolved = resolveScenario({ nic: { port } }).scenario;
    const report = exampleReport(resolved, 5_200_000_000);
    for (const [key, value] of Object.entries(counters)) report.counters[`nic.flowControl.${key}`] = value;
    const text = formatReportText(report);
    expect(text).toContain(
      `${name}       the card told its sender to stop 3 times in the whole run, and was told 1 time\n`,
    );
    expect(formatReportText(exampleReport(scenario, 5_200_000_000))).not.toContain('told');
  });

  it('says so when frames went missing', () => {
    const report = exampleReport(scenario, 5_200_000_000);
    report.conservation = {
      ...report.conservation,
      inFlightTotal: 2,
      inFlight: { wire: 2 },
      balanced: false,
    };
    expect(formatReportText(report)).toContain('+ 2 in flight   NOT BALANCED: 7 missing');
  });
});

describe('numbers for people', () => {
  it('have their thousands apart', () => {
    expect([0, 999, 1000, 1_234_567.4].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect(fixed(1234.5678, 2)).toBe('1,234.57');
    expect(fixed(-1234.5678, 2)).toBe('-1,234.57');
    expect(percent(0.12345)).toBe('12.3 %');
    expect([12, 1234, 2_200_000, 3e9].map(scaled)).toEqual(['12 ', '1.2 k', '2.20 M', '3.00 G']);
    expect([plural(1, 'frame'), plural(2, 'frame')]).toEqual(['1 frame', '2 frames']);
  });
});

describe('a text table', () => {
  it('aligns its columns, groups them, and leaves out the empty ones', () => {
    const columns = [
      { title: 'name', align: 'left' },
      { title: 'empty', align: 'left' },
      { title: 'p50', group: 'latency', align: 'right' },
      { title: 'max', group: 'latency', align: 'right' },
    ] as const;
    expect(
      formatTable(columns, [
        ['a', '', '1', '12,345'],
        ['long name', '', '', '7'],
      ]),
    ).toEqual([
      '           --- latency',
      'name       p50     max',
      'a            1  12,345',
      'long name            7',
    ]);
  });
});

import type { TlpSummaryData, TlpSums } from '../trace/index.ts';
import { fixed, grouped, percent, plural } from './numbers.ts';
import { type Column, formatTable } from './text-table.ts';

const NANOSECOND_PS = 1000;

/** What the TLPs of a log come to, for people. */
export function formatTlpSummary(data: TlpSummaryData): string {
  const { firstPs, lastPs, busy, types } = data;
  const count = types.reduce((sum, { upstream, downstream }) => sum + upstream.tlps + downstream.tlps, 0);
  if (count === 0) return 'no TLPs\n';
  const lines = [
    `${plural(count, 'TLP')} from ${ns(firstPs)} to ${ns(lastPs)} ns; on the link ${percent(busy.upstream, 2)} of the time upstream, ${percent(busy.downstream, 2)} downstream`,
    '',
    ...sums('type', types),
    '',
    ...sums('purpose', data.purposes),
    '',
    ...sums('function', data.functions),
  ];
  if (data.latencies.length > 0) lines.push('', ...latencies(data));
  const troubles = [
    ...(data.failed > 0 ? [`${plural(data.failed, 'completion')} without success`] : []),
    ...(data.poisoned > 0 ? [`${plural(data.poisoned, 'TLP')} poisoned`] : []),
    ...(data.discarded > 0 ? [`${plural(data.discarded, 'TLP')} discarded behind bit errors`] : []),
    ...(data.replayed > 0 ? [`${grouped(data.replayed)} sent again`] : []),
    ...(data.lost > 0 ? [`${plural(data.lost, 'TLP')} lost with the link`] : []),
    ...(data.unanswered > 0 ? [`${plural(data.unanswered, 'request')} without all completions`] : []),
  ];
  if (troubles.length > 0) lines.push('', troubles.join(', '));
  return `${lines.join('\n')}\n`;
}

function sums(title: string, rows: readonly TlpSums[]): string[] {
  const direction = (group: string): Column[] =>
    ['TLPs', 'link bytes', 'payload'].map((name) => ({ title: name, group, align: 'right' }));
  return formatTable(
    [{ title, align: 'left' }, ...direction('upstream'), ...direction('downstream')],
    rows.map(({ name, upstream, downstream }) => [
      name,
      ...[upstream, downstream].flatMap(({ tlps, linkBytes, payloadBytes }) =>
        [tlps, linkBytes, payloadBytes].map((value) => (value === 0 ? '-' : grouped(value))),
      ),
    ]),
  );
}

function latencies({ latencies }: TlpSummaryData): string[] {
  return formatTable(
    [
      { title: 'first symbol to last completion', align: 'left' },
      { title: 'requests', align: 'right' },
      ...['min', 'mean', 'max'].map((title): Column => ({ title, group: 'ns', align: 'right' })),
    ],
    latencies.map(({ name, requests, minPs, meanPs, maxPs }) => [
      name,
      grouped(requests),
      ...[minPs, meanPs, maxPs].map(ns),
    ]),
  );
}

function ns(ps: number): string {
  return fixed(ps / NANOSECOND_PS, 1);
}

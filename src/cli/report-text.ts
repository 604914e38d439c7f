import type {
  EndpointReport,
  FlowReport,
  FrameCount,
  LatencyReport,
  LinkDirectionReport,
  Report,
} from '../sim/report.ts';
import { fixed, grouped, percent, plural, scaled } from './numbers.ts';
import { type Column, formatTable } from './text-table.ts';

const PS_PER_MS = 1e9;
/** Lists of flows and of endpoints stop here; the JSON report has them all. */
const ROWS_SHOWN = 40;

/** The report for people: tables of at most about 110 columns, without what is zero. */
export function formatReportText(report: Report): string {
  const sections = [
    heading(report),
    endpointSection(report),
    flowSection(report),
    dropSection(report),
    linkSection(report),
    machineSection(report),
    faultSection(report),
    balanceSection(report),
    wallSection(report),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function heading({ scenario, simulated, partial, seed, digest, version }: Report): string[] {
  const { nic, host } = scenario;
  const title = scenario.name === '' ? 'Report' : scenario.name;
  const measured = `${fixed(simulated.measuredPs / PS_PER_MS, 3)} ms measured`;
  const warmUp =
    simulated.warmUpPs === 0 ? '' : ` after ${fixed(simulated.warmUpPs / PS_PER_MS, 3)} ms of warm-up`;
  const boot = `${fixed(simulated.bootPs / PS_PER_MS, 3)} ms of boot`;
  const lines = [
    title,
    `${nic.profile} with ${plural(nic.vfs, 'VF')} at ${nic.linkGbps} Gb/s in ${host.profile}, IOMMU ${host.iommu ? 'on' : 'off'}`,
    `${measured}${warmUp}, ${boot}; ${plural(simulated.events, 'event')}`,
    `seed ${seed}, digest ${digest}, sriovsim ${version}`,
  ];
  if (partial) lines.push('PARTIAL: the run was interrupted before its end');
  return lines;
}

function endpointSection({ endpoints }: Report): string[] {
  const busy = endpoints.filter(isBusy);
  const shown = busy.slice(0, ROWS_SHOWN);
  const left = (title: string): Column => ({ title, align: 'left' });
  const right = (title: string, group?: string): Column => ({ title, group, align: 'right' });
  const columns = [
    left('endpoint'),
    left('function'),
    left('MAC'),
    right('VLAN'),
    right('Mpps', 'sent'),
    right('Gb/s', 'sent'),
    right('Mpps', 'received'),
    right('Gb/s', 'received'),
    right('p50', 'latency, ns'),
    right('p99', 'latency, ns'),
    right('max', 'latency, ns'),
    right('drops'),
  ];
  const rows = shown.map((endpoint) => [
    endpoint.name,
    endpoint.routingId ?? '',
    endpoint.mac ?? '',
    endpoint.vlan == null ? '' : String(endpoint.vlan),
    ...rate(endpoint.transmitted, endpoint.txPps, endpoint.txGbps),
    ...rate(endpoint.received, endpoint.rxPps, endpoint.rxGbps),
    ...latencyCells(endpoint.latencyNs, ['p50', 'p99', 'max']),
    count(sum(endpoint.drops)),
  ]);
  const lines = shown.length === 0 ? ['no endpoint sent or received a frame'] : formatTable(columns, rows);
  const idle = endpoints.length - busy.length;
  if (busy.length > shown.length) lines.push(`${busy.length - shown.length} more with traffic`);
  if (idle > 0 && shown.length > 0) lines.push(`${plural(idle, 'endpoint')} without a frame`);
  return lines;
}

function flowSection({ flows }: Report): string[] {
  if (flows.length === 0) return [];
  const isMirrored = flows.some(({ mirrored }) => mirrored !== undefined);
  const isMarked = flows.some(({ marked }) => marked !== undefined);
  const right = (title: string, group?: string): Column => ({ title, group, align: 'right' });
  const columns: Column[] = [
    { title: 'flow', align: 'left' },
    right('offered', 'frames'),
    right('delivered', 'frames'),
    ...(isMirrored ? [right('mirrored', 'frames')] : []),
    ...(isMarked ? [right('marked', 'frames')] : []),
    right('lost', 'frames'),
    right('reordered', 'frames'),
    right('duplicated', 'frames'),
    right('p50', 'latency, ns'),
    right('p99', 'latency, ns'),
    right('p99.9', 'latency, ns'),
    right('max', 'latency, ns'),
  ];
  const rows = flows
    .slice(0, ROWS_SHOWN)
    .map((flow: FlowReport) => [
      shorten(flow.name, 40),
      grouped(flow.offered),
      grouped(flow.delivered),
      ...(isMirrored ? [count(flow.mirrored ?? 0)] : []),
      ...(isMarked ? [count(flow.marked ?? 0)] : []),
      count(flow.lost),
      count(flow.reordered),
      count(flow.duplicated),
      ...latencyCells(flow.latencyNs, ['p50', 'p99', 'p999', 'max']),
    ]);
  const lines = formatTable(columns, rows);
  if (flows.length > rows.length) lines.push(`${flows.length - rows.length} more flows`);
  return lines;
}

function dropSection({ endpoints }: Report): string[] {
  const rows = endpoints.flatMap(({ name, drops }) =>
    Object.entries(drops)
      .filter(([, frames]) => frames > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([reason, frames]) => [name, reason, grouped(frames)]),
  );
  if (rows.length === 0) return [];
  const columns: Column[] = [
    { title: 'dropped at', align: 'left' },
    { title: 'because', align: 'left' },
    { title: 'frames', align: 'right' },
  ];
  const lines = formatTable(columns, rows.slice(0, ROWS_SHOWN));
  if (rows.length > ROWS_SHOWN) lines.push(`${rows.length - ROWS_SHOWN} more reasons`);
  return lines;
}

function linkSection({ pcie }: Report): string[] {
  const columns: Column[] = [
    { title: 'PCIe', align: 'left' },
    ...['TLPs', 'TLP bytes', 'payload bytes', 'DLLP bytes', 'SKIP bytes', 'idle bytes', 'busy'].map(
      (title): Column => ({ title, align: 'right' }),
    ),
  ];
  const row = (name: string, direction: LinkDirectionReport) => [
    name,
    grouped(direction.tlps),
    grouped(direction.tlpBytes),
    grouped(direction.payloadBytes),
    grouped(direction.dllpBytes),
    grouped(direction.skipBytes),
    grouped(direction.idleBytes),
    percent(direction.utilisation),
  ];
  const { readRequests, writeRequests, completions, rootLink } = pcie;
  const root =
    rootLink === undefined
      ? []
      : [row('root port, upstream', rootLink.upstream), row('root port, downstream', rootLink.downstream)];
  const lines = formatTable(columns, [
    row('upstream', pcie.upstream),
    row('downstream', pcie.downstream),
    ...root,
  ]);
  lines.push(
    `The card made ${plural(writeRequests, 'write')} and ${plural(readRequests, 'read')}, which ${plural(completions, 'completion')} answered`,
  );
  return lines;
}

function machineSection({ iommu, interrupts, scenario, counters }: Report): string[] {
  const lines: string[] = [];
  if (iommu !== null) {
    const perWalk =
      iommu.walks === 0 ? '' : ` with ${fixed(iommu.walkAccesses / iommu.walks, 1)} accesses each`;
    const bypassed = iommu.bypassed === 0 ? '' : `; ${grouped(iommu.bypassed)} bypassed`;
    const hits = iommu.lookups === 0 ? '' : `, ${percent(iommu.hitRate, 2)} hits`;
    lines.push(
      `IOMMU       ${plural(iommu.lookups, 'lookup')}${hits}, ${plural(iommu.walks, 'walk')}${perWalk}, ${plural(iommu.faults, 'fault')}${bypassed}`,
    );
  }
  lines.push(
    `Interrupts  ${grouped(interrupts.raised)} raised, ${grouped(interrupts.delivered)} delivered, ${grouped(interrupts.moderated)} moderated`,
  );
  const { pause, pfc } = scenario.nic.port;
  if (pause !== 'none' || pfc.length > 0) {
    const sent = totalOf(counters, /^nic\.flowControl\..*xoffSent$/i);
    const received = totalOf(counters, /^nic\.flowControl\..*xoffReceived$/i);
    lines.push(
      `${(pause === 'none' ? 'PFC' : 'PAUSE').padEnd(12)}the card told its sender to stop ${plural(sent, 'time')} in the whole run, and was told ${plural(received, 'time')}`,
    );
  }
  return lines;
}

function faultSection({ faults }: Report): string[] {
  if (faults === undefined) return [];
  if (faults.length === 0) return ['Faults      none has struck'];
  const shown = faults
    .slice(0, ROWS_SHOWN)
    .flatMap(({ atNs, kind, target, consequence }) => [
      `  ${fixed(atNs / 1e6, 6)} ms  ${target === undefined ? kind : `${kind} (${target})`}`,
      ...wrap(consequence, 110).map((line) => `    ${line}`),
    ]);
  const lines = ['Faults, by the time from power-on', ...shown];
  if (faults.length > ROWS_SHOWN) lines.push(`  ${faults.length - ROWS_SHOWN} more`);
  return lines;
}

function totalOf(counters: Readonly<Record<string, number>>, names: RegExp): number {
  return Object.entries(counters).reduce((total, [name, value]) => total + (names.test(name) ? value : 0), 0);
}

function balanceSection({ conservation }: Report): string[] {
  const { offered, replicas, delivered, droppedTotal, inFlightTotal, balanced } = conservation;
  const left = [`${grouped(offered)} offered`, ...term(replicas, replicas === 1 ? 'replica' : 'replicas')];
  const right = [
    `${grouped(delivered)} delivered`,
    ...term(droppedTotal, 'dropped'),
    ...term(inFlightTotal, 'in flight'),
  ];
  const difference = offered + replicas - delivered - droppedTotal - inFlightTotal;
  const verdict = balanced
    ? ''
    : `   NOT BALANCED: ${grouped(Math.abs(difference))} ${difference > 0 ? 'missing' : 'too many'}`;
  const lines = [`Balance     ${left.join(' + ')} = ${right.join(' + ')}${verdict}`];
  if (droppedTotal > 0) lines.push(`  dropped   ${partsOf(conservation.dropped)}`);
  if (inFlightTotal > 0) lines.push(`  in flight ${partsOf(conservation.inFlight)}`);
  return lines;
}

function wallSection({ wall }: Report): string[] {
  if (wall === undefined) return [];
  return [
    `Wall clock  ${fixed(wall.seconds, 2)} s, ${scaled(wall.simulatedFramesPerSecond)}frames/s, ${scaled(wall.eventsPerSecond)}events/s`,
  ];
}

function isBusy({ offered, transmitted, received, drops }: EndpointReport): boolean {
  return offered.frames + transmitted.frames + received.frames + sum(drops) > 0;
}

function rate({ frames }: FrameCount, pps: number, gbps: number): string[] {
  return frames === 0 ? ['', ''] : [fixed(pps / 1e6, 3), fixed(gbps, 3)];
}

function latencyCells(latency: LatencyReport | null, keys: readonly (keyof LatencyReport)[]): string[] {
  return keys.map((key) => (latency === null ? '' : grouped(latency[key])));
}

function count(value: number): string {
  return value === 0 ? '' : grouped(value);
}

function term(value: number, name: string): string[] {
  return value === 0 ? [] : [`${grouped(value)} ${name}`];
}

function partsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, frames]) => frames > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, frames]) => `${grouped(frames)} ${name}`)
    .join(', ');
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, frames) => total + frames, 0);
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

/** A text in lines of at most so many columns, as far as its words let it. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

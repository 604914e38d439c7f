import { DROP_REASONS } from '../nicswitch/index.ts';
import { formatRoutingId } from '../pcie/index.ts';
import { snapshotCounters } from './counters.ts';
import type { FlowRecord } from './flow-tracker.ts';
import { inFlight } from './in-flight.ts';
import { linkReport } from './link-snapshot.ts';
import { type MeasuredSpan, type Snapshot, takeSnapshot } from './measured-span.ts';
import type { EndpointReport, FlowReport, FrameCount, Report } from './report.ts';
import { REPORT_SCHEMA } from './report.ts';
import {
  conservation,
  framesPerSecond,
  gigabitsPerSecond,
  latencyReport,
  withoutZeros,
} from './report-parts.ts';
import type { RunView } from './run-view.ts';
import type { EndpointRef, TargetRef } from './scenario-resolved.ts';
import { VERSION } from './version.ts';

/** Puts together what a run has found out. */
export function buildReport(
  simulation: RunView,
  flows: readonly FlowRecord[],
  measured: MeasuredSpan,
  partial: boolean,
): Report {
  const { scenario, machine } = simulation;
  const { scheduler } = machine;
  const { before } = measured;
  const after = takeSnapshot(simulation);
  const spanPs = Math.max(0, scheduler.now - measured.startPs);
  return {
    schema: REPORT_SCHEMA,
    version: VERSION,
    partial,
    scenario,
    seed: scenario.seed,
    digest: scheduler.digest,
    simulated: {
      bootPs: simulation.bootPs,
      startPs: simulation.startPs,
      endPs: scheduler.now,
      warmUpPs: scenario.warmUpPs,
      measuredPs: spanPs,
      events: scheduler.events,
    },
    endpoints: endpointReports(simulation, before, after, spanPs),
    flows: flowReports(simulation, flows),
    pcie: pcieReport(simulation, before, after, spanPs),
    iommu: iommuReport(before, after),
    interrupts: {
      raised: after.interrupts.raised - before.interrupts.raised,
      delivered: after.interrupts.delivered - before.interrupts.delivered,
      moderated: after.interrupts.moderated - before.interrupts.moderated,
    },
    conservation: conservationReport(simulation),
    ...(simulation.faults.isUsed ? { faults: simulation.faults.report() } : {}),
    counters: allCounters(simulation),
  };
}

function endpointReports(
  simulation: RunView,
  before: Snapshot,
  after: Snapshot,
  spanPs: number,
): EndpointReport[] {
  const { scenario, tracker, machine } = simulation;
  const identity = (index: number) => {
    if (index === 0) return { name: 'port', kind: 'port' as const };
    if (index === 1) {
      const { mac, vlan } = scenario.hostInterface;
      return {
        name: 'host',
        kind: 'pf' as const,
        routingId: formatRoutingId(machine.nic.pf.routingId),
        mac,
        vlan,
      };
    }
    const vf = scenario.vfs[index - 2];
    const sriov = machine.nic.pf.sriov;
    return {
      name: vf.name,
      kind: 'vf' as const,
      vf: vf.vf,
      ...(vf.guest === null ? {} : { guest: scenario.guests[vf.guest].name }),
      ...(sriov === null || sriov.count <= vf.vf
        ? {}
        : { routingId: formatRoutingId(sriov.routingIdOf(vf.vf)) }),
      mac: vf.mac,
      vlan: vf.vlan,
      ...(vf.maxTxMbps > 0 ? { maxTxMbps: vf.maxTxMbps } : {}),
      ...(vf.minTxMbps > 0 ? { minTxMbps: vf.minTxMbps } : {}),
      ...(vf.trafficClass > 0 ? { class: vf.trafficClass } : {}),
    };
  };
  return tracker.endpoints.map((record, index) => {
    const transmitted = subtract(after.endpoints[index].transmitted, before.endpoints[index].transmitted);
    const { received, offered } = record;
    const drops = Object.entries(after.endpoints[index].drops).map(
      ([reason, count]) => [reason, count - (before.endpoints[index].drops[reason] ?? 0)] as const,
    );
    return {
      ...identity(index),
      offered: { ...offered },
      transmitted,
      received: { ...received },
      txGbps: gigabitsPerSecond(transmitted, spanPs),
      rxGbps: gigabitsPerSecond(received, spanPs),
      txPps: framesPerSecond(transmitted, spanPs),
      rxPps: framesPerSecond(received, spanPs),
      ...(record.copies === null ? {} : { mirrored: record.mirrored }),
      ...(tracker.countsMarks ? { marked: record.marked } : {}),
      latencyNs: latencyReport(record.latency),
      drops: withoutZeros(Object.fromEntries(drops)),
      interrupts: after.endpoints[index].interrupts - before.endpoints[index].interrupts,
    };
  });
}

function flowReports({ scenario, tracker }: RunView, records: readonly FlowRecord[]): FlowReport[] {
  const entries = [
    ...scenario.flows.map(({ name, from, to }) => ({
      name,
      from: endpointName(scenario, from),
      to: endpointName(scenario, to),
    })),
    ...scenario.captures.map(({ file, from }) => ({
      name: file,
      from: endpointName(scenario, from),
      to: 'as captured',
    })),
  ];
  const isMirrored =
    scenario.nic.mirrors !== undefined || tracker.endpoints.some(({ copies }) => copies !== null);
  return records.map((record, i) => ({
    ...entries[i],
    offered: record.measuredOffered,
    delivered: record.measuredDelivered,
    ...(isMirrored ? { mirrored: record.measuredMirrored } : {}),
    ...(record.ecn ? { marked: record.measuredMarked } : {}),
    lost: Math.max(0, record.lost),
    reordered: record.reordered,
    duplicated: record.measuredDuplicated,
    latencyNs: latencyReport(record.latency),
  }));
}

function endpointName(scenario: RunView['scenario'], endpoint: EndpointRef | TargetRef): string {
  if (endpoint.kind === 'vf') return scenario.vfs[endpoint.vf].name;
  return endpoint.kind === 'pf' ? 'host' : endpoint.kind === 'mac' ? 'an unknown address' : endpoint.kind;
}

function pcieReport(simulation: RunView, before: Snapshot, after: Snapshot, spanPs: number): Report['pcie'] {
  const { link, parts } = simulation.machine;
  return {
    upstream: linkReport(link.upstream, before.upstream, after.upstream, spanPs),
    downstream: linkReport(link.downstream, before.downstream, after.downstream, spanPs),
    ...parts.between?.report(before, after, spanPs),
    readRequests: after.requester.readsIssued - before.requester.readsIssued,
    writeRequests: after.requester.writesIssued - before.requester.writesIssued,
    completions: after.rootPort.completionsSent - before.rootPort.completionsSent,
  };
}

function iommuReport(before: Snapshot, after: Snapshot): Report['iommu'] {
  if (before.iommu === null || after.iommu === null) return null;
  const [from, to] = [before.iommu, after.iommu];
  const difference = (name: string) => to[name] - from[name];
  const hits = difference('hits');
  const misses = difference('misses');
  return {
    lookups: hits + misses,
    bypassed: difference('bypassed'),
    hits,
    misses,
    hitRate: hits + misses === 0 ? 1 : hits / (hits + misses),
    walks: difference('walks'),
    walkAccesses: difference('walkAccesses'),
    faults: difference('faults'),
  };
}

function conservationReport(simulation: RunView): Report['conservation'] {
  const { tracker, machine, station } = simulation;
  const { data } = machine.nic;
  const dropped: Record<string, number> = { txRingFull: 0, portQueueFull: 0 };
  tracker.endpoints.forEach((record, index) => {
    dropped[index === 0 ? 'portQueueFull' : 'txRingFull'] += record.notSent;
  });
  for (const reason of DROP_REASONS) dropped[reason] = data.switch.dropped(reason);
  Object.assign(dropped, data.drops.totals());
  const bridge = station.extender ?? station.bridge?.bridge;
  if (bridge !== undefined) {
    dropped['bridgeFiltered'] = bridge.filtered;
    dropped['bridgeFull'] = (station.extender ?? station.bridge)?.full ?? 0;
  }
  return conservation({
    offered: tracker.flows.reduce((sum, flow) => sum + flow.offered, 0),
    replicas: data.switch.balance().replicas + (bridge?.replicas ?? 0),
    delivered: tracker.endpoints.reduce((sum, endpoint) => sum + endpoint.totalReceived, 0),
    dropped,
    inFlight: inFlight(simulation),
  });
}

function allCounters({ machine, station, faults }: RunView): Record<string, number> {
  const bridge = station.extender ?? station.bridge?.bridge;
  const bridges = bridge === undefined ? [] : [bridge];
  // Elsewhere no frame of the card's ever breaks off.
  const breaksOff = machine.nic.data.transmitCutThrough !== null;
  const broken = { name: 'station', counters: () => ({ badFcs: station.badFcs }) };
  return {
    ...snapshotCounters([
      ...machine.components,
      ...bridges,
      ...(breaksOff ? [broken] : []),
      ...(faults.isUsed ? faults.components : []),
    ]),
  };
}

function subtract(from: FrameCount, what: FrameCount): FrameCount {
  return { frames: from.frames - what.frames, bytes: from.bytes - what.bytes };
}

import type { NicDropReason, NicProfile } from '../../nic/index.ts';
import type { DropReason } from '../../nicswitch/index.ts';
import type { HostProfile } from '../../profiles/index.ts';
import { type BinaryLog, LogError, type LogRecord } from '../../trace/index.ts';
import { formatMac } from '../../wire/index.ts';
import { pcieParts } from '../pcie-of-scenario.ts';
import { cableDelayPs } from '../scenario-port.ts';
import type { ResolvedScenario } from '../scenario-resolved.ts';
import { machineParts } from '../simulation.ts';
import { collectFrame } from './collect-frame.ts';
import type { CollectedFrame, Receipt } from './collected-frame.ts';
import { findFrame } from './find-frame.ts';
import { headersOf } from './frame-headers.ts';
import { LifeClocks } from './life-clocks.ts';
import type { FrameLife, LifeBranch, LifeStep } from './life-steps.ts';
import { receiveSteps } from './receive-steps.ts';
import { StepMaker } from './step-maker.ts';
import { SwitchSteps } from './switch-steps.ts';
import type { Train } from './trains.ts';
import { transmitSteps, wireInSteps } from './transmit-steps.ts';
import { wireOutSteps } from './wire-steps.ts';

/**
 * What became of one frame: every step from the doorbell of its sender, or from the wire, to all of its receivers, as a
 * binary log has it. What the log does not say is left out. Which registers decided is known where the log began with the
 * machine: they are brought to where they were by making its register writes again.
 *
 * @param number which FRAME_IN record of the log, counted from 1.
 * @param own profiles of a machine that had others than its scenario names.
 * @throws LogError for a log that has no such frame, or says nothing of a card; RangeError for what is no number.
 *
 * @example
 * const life = lifeOfFrame(new BinaryLog(bytes), 3);
 * for (const { timePs, unit, what } of life.steps) console.log(timePs, unit, what);
 */
export function lifeOfFrame(log: BinaryLog, number: number, own: OwnProfiles = {}): FrameLife {
  const scenario = log.header.scenario as ResolvedScenario;
  if (log.header.store === null) throw new LogError('says nothing of a card: there are no frames in it');
  const parts = machineParts(scenario, { ...own, pcieParts });
  const frame = findFrame(log, number, parts);
  const collected = collectFrame(log, frame, parts.hostProfile.iommu.walkers);
  const { card } = frame;
  const { nic } = card;
  const pf = card.isComplete ? (nic.pf.sriov?.count ?? 0) : scenario.nic.vfs;
  const names = namesOf(scenario, pf, nic.data.switch.uplink);
  const make = new StepMaker(new LifeClocks(nic, scenario.nic.linkGbps), collected);
  const inSwitch = new SwitchSteps(log, frame, collected, scenario, names);
  const steps: LifeStep[] = [
    ...(frame.descriptor === null
      ? wireInSteps(make, frame, collected)
      : transmitSteps(make, frame, collected)),
    ...inSwitch.common(make),
  ];
  for (const [branch, receipt] of collected.receipts.entries()) {
    steps.push(...inSwitch.of(make, receipt, branch));
    if (receipt.port === nic.data.switch.uplink)
      steps.push(...wireOutSteps(make, receipt, branch, nic.profile.macPs + cableDelayPs(scenario.nic)));
    else steps.push(...receiveSteps(make, receipt, branch));
  }
  const headers = headersOf(frame);
  return {
    number,
    slot: frame.slot,
    bytes: frame.bytes,
    port: frame.port,
    from: names(frame.port),
    destination: headers === null ? null : formatMac(headers.destination),
    source: headers === null ? null : formatMac(headers.source),
    vlan: headers?.ownVlan ?? null,
    branches: collected.receipts.map((receipt) =>
      branchOf(log, receipt, collected, names, nic.data.switch.uplink),
    ),
    dropped: reasonOf(log, collected.dropped),
    registersKnown: card.isComplete,
    steps: steps.sort((x, y) => x.timePs - y.timePs),
  };
}

/** Profiles that take the place of those that the scenario of a log names. */
export interface OwnProfiles {
  readonly nicProfile?: NicProfile;
  readonly hostProfile?: HostProfile;
}

/** Name of a port of the switch, as reports have it. */
export type PortName = (port: number) => string;

function namesOf(scenario: ResolvedScenario, pf: number, uplink: number): PortName {
  return (port) => {
    if (port === uplink) return 'port';
    if (port === pf) return 'host';
    return scenario.vfs[port]?.name ?? `vf${port}`;
  };
}

function branchOf(
  log: BinaryLog,
  receipt: Receipt,
  { fates }: CollectedFrame,
  names: PortName,
  uplink: number,
): LifeBranch {
  const { port, dropped, wire, returned, writes, writeBack, lost } = receipt;
  const base = { port, name: names(port), reason: reasonOf(log, dropped) };
  if (dropped !== null) return { ...base, outcome: 'dropped' };
  if (port === uplink) return { ...base, outcome: wire === null ? 'underWay' : 'sent' };
  if (lost !== null) return { ...base, outcome: 'lost', lost: lost.why };
  if (returned !== null) return { ...base, outcome: 'received' };
  const all = writeBack === null ? writes : [...writes, writeBack];
  const isDone = (train: Train) => train.arrivalPs <= log.trailer.endPs && !fates.isWaiting(train);
  const isWritten = all.length > 0 && all.every(isDone);
  return { ...base, outcome: isWritten ? 'written' : 'underWay' };
}

function reasonOf(log: BinaryLog, record: LogRecord | null): DropReason | NicDropReason | null {
  return record === null ? null : (log.header.dropReasons[record.c] as DropReason | NicDropReason);
}

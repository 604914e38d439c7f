import { ProbeKind } from '../../kernel/index.ts';
import { type BinaryLog, LogTrains, Waveform } from '../../trace/index.ts';
import { CardSignals } from './card-signals.ts';
import { LinkSignals } from './link-signals.ts';
import { LogNames } from './log-names.ts';
import { LoggedRings } from './logged-rings.ts';
import { RingSignals } from './ring-signals.ts';

/**
 * The signals of a run: both directions of the link with their credits, descriptor rings, levels of buffers, page walks, the
 * port and interrupts.
 *
 * @throws LogError for a log that is not one of a machine.
 * @example
 * const waveform = waveformFromLog(new BinaryLog(bytes));
 * const signals = waveform.signals.filter(({ path }) => path.startsWith('queues.'));
 * waveform.write((piece) => file.push(piece), { version: 'mine', fromPs: 0, toPs: 1e9, signals });
 */
export function waveformFromLog(log: BinaryLog): Waveform {
  const names = new LogNames(log);
  const waveform = new Waveform();
  const link = new LinkSignals(waveform, log, names.isFromPowerOn);
  const card = new CardSignals(waveform, names);
  const rings = new LoggedRings(names);
  const queues = new RingSignals(waveform, names, rings);
  const trains = new LogTrains();
  for (const record of log.records()) {
    names.add(record);
    queues.add(record, rings.add(record));
    card.add(record);
    if (record.kind === ProbeKind.LINK_STATE) link.restart(record.timePs);
    const train = trains.add(record);
    if (train === null) continue;
    link.addTrain(train);
    queues.addTrain(train);
  }
  waveform.signals.sort((a, b) => (a.path < b.path ? -1 : 1));
  return waveform;
}

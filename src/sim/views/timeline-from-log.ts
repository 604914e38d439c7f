import { type BinaryLog, LogTrains, Timeline } from '../../trace/index.ts';
import { FrameTracks } from './frame-tracks.ts';
import { FunctionTracks } from './function-tracks.ts';
import { addLinkTracks } from './link-tracks.ts';
import { LogNames } from './log-names.ts';
import { LoggedRings } from './logged-rings.ts';
import { WalkTracks } from './walk-tracks.ts';

/** Which part of a log is looked at: instants in ps from power-on, both included. Default all of it. */
export interface LogWindow {
  readonly fromPs?: number;
  readonly toPs?: number;
}

/**
 * The course of a run as tracks: both directions of the link, walks, queues, switch, port, interrupts and software, with
 * an arrow for each frame from its descriptor or the wire over the switch to each of its receivers.
 *
 * @throws LogError for a log that is not one of a machine.
 * @example
 * const timeline = timelineFromLog(new BinaryLog(bytes), { fromPs: 1e9, toPs: 2e9 });
 * timeline.write(new PerfettoWriter((piece) => file.push(piece))); // for ui.perfetto.dev
 */
export function timelineFromLog(log: BinaryLog, window: LogWindow = {}): Timeline {
  const { fromPs = 0, toPs = Number.POSITIVE_INFINITY } = window;
  const timeline = new Timeline(fromPs, toPs);
  const names = new LogNames(log);
  const root = timeline.track('sriovsim', {
    description: `${log.header.application}, ${names.scenario.nic.profile} in ${names.scenario.host.profile}, seed ${log.header.seed}`,
  });
  addLinkTracks(timeline, root, log);
  const walks = new WalkTracks(timeline, root);
  const rings = new LoggedRings(names);
  const frames = new FrameTracks(timeline, root, names, rings);
  const functions = new FunctionTracks(timeline, root, names);
  const trains = new LogTrains();
  for (const record of log.records()) {
    names.add(record);
    rings.add(record);
    walks.add(record);
    frames.add(record);
    functions.add(record);
    const train = trains.add(record);
    if (train !== null) frames.addTrain(train);
  }
  walks.end(log.trailer.endPs);
  frames.end();
  functions.end(log.trailer.endPs);
  return timeline;
}

import type { PerfettoArguments, PerfettoDetails, PerfettoTrackOptions } from './perfetto-writer.ts';

/** A track of a {@link Timeline}. */
export interface TimelineTrack {
  readonly name: string;
  readonly parent: TimelineTrack | null;
  readonly description: string | undefined;
  /** Of a counter. */
  readonly unit: string | undefined;
  readonly events: TimelineEvent[];
}

/** A slice, an instant or a value. */
export interface TimelineEvent {
  /** How many were added before. */
  readonly order: number;
  readonly startPs: number;
  /** When a slice ends; null for an instant and a value. */
  readonly endPs: number | null;
  readonly name: string;
  readonly value: number | null;
  readonly args: PerfettoArguments;
  readonly flows: number[];
  readonly endingFlows: number[];
}

/** What a {@link Timeline} has written. */
export interface TimelineCounts {
  /** Those that only lie above others included; those that overlap count once. */
  readonly tracks: number;
  readonly events: number;
  readonly flows: number;
}

/** Writes a {@link Timeline} in the order of time: `PerfettoWriter` of sriovsim/perfetto is one. */
export interface TimelineWriter {
  /** Returns the track's number. */
  track(name: string, options: PerfettoTrackOptions): number;
  begin(timePs: number, track: number, name: string, details: PerfettoDetails): void;
  end(timePs: number, track: number): void;
  instant(timePs: number, track: number, name: string, details: PerfettoDetails): void;
  counter(timePs: number, track: number, value: number): void;
  finish(): void;
}

/** How a track is made. */
export interface TimelineTrackOptions {
  readonly parent?: TimelineTrack;
  readonly description?: string;
  /** Its values have this unit: it is a counter. */
  readonly unit?: string;
}

/**
 * What happened between two instants, on tracks, in any order; then written for Perfetto. Slices of a track that overlap are
 * put on several tracks of the same name, which Perfetto shows as one.
 *
 * @example
 * const timeline = new Timeline(0, 1e9);
 * const queue = timeline.track('queue 0');
 * const ring = timeline.slice(queue, 0, 500_000, 'descriptor 0');
 * const wire = timeline.instant(timeline.track('wire'), 800_000, 'frame 1');
 * timeline.connect([ring, wire]);
 * timeline.write(new PerfettoWriter((piece) => file.push(piece)));
 */
export class Timeline {
  readonly fromPs: number;
  readonly toPs: number;
  private readonly tracks: TimelineTrack[] = [];
  private flows = 0;
  private added = 0;

  /** What does not touch the time from `fromPs` to `toPs` is left out; a slice that does is whole. */
  constructor(fromPs = 0, toPs = Number.POSITIVE_INFINITY) {
    this.fromPs = fromPs;
    this.toPs = toPs;
  }

  /** Adds a track. It is shown if it or one below has events, in the order of being added. */
  track(name: string, { parent, description, unit }: TimelineTrackOptions = {}): TimelineTrack {
    const track = { name, parent: parent ?? null, description, unit, events: [] };
    this.tracks.push(track);
    return track;
  }

  /** Adds a slice; null if it lies outside. */
  slice(
    track: TimelineTrack,
    startPs: number,
    endPs: number,
    name: string,
    args: PerfettoArguments = {},
  ): TimelineEvent | null {
    return this.add(track, { ...this.next(), startPs, endPs, name, args });
  }

  /** Adds an instant; null if it lies outside. */
  instant(
    track: TimelineTrack,
    timePs: number,
    name: string,
    args: PerfettoArguments = {},
  ): TimelineEvent | null {
    return this.add(track, { ...this.next(), startPs: timePs, name, args });
  }

  /** A counter has another value from now on. */
  counter(track: TimelineTrack, timePs: number, value: number): void {
    const { events } = track;
    const last = events.at(-1);
    if (last?.value === value) return;
    // Of those before the beginning the last one holds there.
    if (last !== undefined && timePs <= this.fromPs) events.pop();
    const startPs = Math.max(timePs, this.fromPs);
    if (startPs <= this.toPs) events.push({ ...this.next(), startPs, value });
  }

  /** Draws arrows from each to the next, if they are all there. They must have been added in this order. */
  connect(events: readonly (TimelineEvent | null)[]): void {
    if (events.some((event) => event === null)) return;
    const flow = ++this.flows;
    const last = events.length - 1;
    events.forEach((event, i) => {
      (i === last ? event?.endingFlows : event?.flows)?.push(flow);
    });
  }

  /** Writes all of it, and finishes the file. */
  write(writer: TimelineWriter): TimelineCounts {
    const shown = this.shown();
    const numbers = new Map<TimelineTrack, number>();
    const steps: Step[] = [];
    for (const track of this.tracks.filter((each) => shown.has(each))) {
      const { name, description, unit } = track;
      const parent = track.parent === null ? undefined : numbers.get(track.parent);
      lanesOf(track).forEach((events, lane) => {
        const number = writer.track(name, { parent, description, unit });
        if (lane === 0) numbers.set(track, number);
        for (const event of events) addSteps(steps, event, number);
      });
    }
    // What ends comes first, so that what begins then does not lie within it; then in the order of being added, because
    // Perfetto draws arrows from what it has read to what it reads.
    steps.sort((a, b) => a.timePs - b.timePs || a.phase - b.phase || a.order - b.order);
    for (const { timePs, phase, event, number } of steps) {
      if (event === null) writer.end(timePs, number);
      else if (event.value !== null) writer.counter(timePs, number, event.value);
      else if (event.endPs === null) writer.instant(timePs, number, event.name, event);
      else writer.begin(timePs, number, event.name, event);
      if (event?.endPs === timePs && phase === BEGINS) writer.end(timePs, number);
    }
    writer.finish();
    const events = this.tracks.reduce((sum, track) => sum + track.events.length, 0);
    return { tracks: shown.size, events, flows: this.flows };
  }

  private next() {
    const order = this.added++;
    return { order, endPs: null, name: '', value: null, args: {}, flows: [], endingFlows: [] };
  }

  private add(track: TimelineTrack, event: TimelineEvent): TimelineEvent | null {
    if (event.startPs > this.toPs || (event.endPs ?? event.startPs) < this.fromPs) return null;
    track.events.push(event);
    return event;
  }

  /** The tracks that have events, and those that these lie under. */
  private shown(): Set<TimelineTrack> {
    const shown = new Set<TimelineTrack>();
    for (const track of this.tracks) {
      if (track.events.length === 0) continue;
      for (let at: TimelineTrack | null = track; at !== null; at = at.parent) shown.add(at);
    }
    return shown;
  }
}

/** At one instant slices end first. */
const ENDS = 0;
const BEGINS = 1;

/** An event of the file; one without an event is the end of a slice. */
interface Step {
  readonly timePs: number;
  readonly phase: typeof ENDS | typeof BEGINS;
  readonly order: number;
  readonly event: TimelineEvent | null;
  readonly number: number;
}

/** A slice that takes no time ends where it begins, and not before. */
function addSteps(steps: Step[], event: TimelineEvent, number: number): void {
  const { startPs, endPs, order } = event;
  steps.push({ timePs: startPs, phase: BEGINS, order, event, number });
  if (endPs !== null && endPs > startPs)
    steps.push({ timePs: endPs, phase: ENDS, order, event: null, number });
}

/** The events of a track in order of time, such that none of a lane overlap; at least one lane. */
function lanesOf({ events }: TimelineTrack): TimelineEvent[][] {
  const lanes: TimelineEvent[][] = [[]];
  const freePs = [Number.NEGATIVE_INFINITY];
  for (const event of [...events].sort((a, b) => a.startPs - b.startPs)) {
    const { startPs, endPs } = event;
    let lane = endPs === null ? 0 : freePs.findIndex((time) => time <= startPs);
    if (lane < 0) lane = lanes.push([]) - 1;
    lanes[lane].push(event);
    if (endPs !== null) freePs[lane] = endPs;
  }
  return lanes;
}

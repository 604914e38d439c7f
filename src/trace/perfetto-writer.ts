import { PbfWriter } from 'pbf';

/** A detail of an event: what it is called, and its value; integers from -2^53 to 2^53. */
export type PerfettoArguments = Readonly<Record<string, number | string>>;

/** What an event says beside its name. */
export interface PerfettoDetails {
  readonly args?: PerfettoArguments;
  /** Flows that begin here or pass on: integers above 0. */
  readonly flows?: readonly number[];
  /** Flows that end here. */
  readonly endingFlows?: readonly number[];
}

/** How a track is shown. */
export interface PerfettoTrackOptions {
  /** Track that it lies under, from {@link PerfettoWriter.track}; none for a top one. */
  readonly parent?: number;
  /** What a user is told of it. */
  readonly description?: string;
  /** Unit of its values: it then is a counter. */
  readonly unit?: string;
}

/** Field numbers of Perfetto's public schema, message by message (protos/perfetto/trace). */
const TRACE_PACKET = 1;
const PACKET = {
  timestamp: 8,
  sequence: 10,
  event: 11,
  interned: 12,
  sequenceFlags: 13,
  descriptor: 60,
} as const;
const TRACK = {
  uuid: 1,
  name: 2,
  parent: 5,
  counter: 8,
  childOrdering: 11,
  orderRank: 12,
  description: 14,
} as const;
const COUNTER_UNIT_NAME = 6;
const EVENT = {
  args: 4,
  type: 9,
  name: 10,
  track: 11,
  counterValue: 30,
  flows: 47,
  endingFlows: 48,
} as const;
const INTERNED = { eventNames: 2, argumentNames: 3 } as const;
const ENTRY = { id: 1, name: 2 } as const;
const ARGUMENT = { name: 1, integer: 4, text: 6 } as const;

/** TrackEvent.Type. */
const SLICE_BEGIN = 1;
const SLICE_END = 2;
const INSTANT = 3;
const COUNTER = 4;

/** TrackDescriptor.ChildTracksOrdering: by rank. */
const ORDERING_EXPLICIT = 3;

/** TracePacket.SequenceFlags. */
const STATE_CLEARED = 1;
const NEEDS_STATE = 2;

/** All packets are of one sequence: names are interned once for all, and times rise. */
const SEQUENCE = 1;
const PIECE_BYTES = 1 << 20;

/** A packet that is an event, before it is written. */
interface Packet {
  readonly timePs: number;
  readonly type: number;
  readonly track: number;
  /** Undefined for the end of a slice and a value. */
  readonly name?: string;
  readonly value?: number;
  readonly details?: PerfettoDetails;
}

/**
 * Writes a trace for Perfetto (ui.perfetto.dev): tracks with slices, instants and counters, and flows that are drawn as arrows
 * between them. Perfetto counts whole nanoseconds: each time is rounded down, which keeps the order, and the exact one
 * is the argument `ps` of a slice or instant.
 *
 * @example
 * const pieces: Uint8Array[] = [];
 * const trace = new PerfettoWriter((piece) => pieces.push(piece));
 * const link = trace.track('upstream');
 * trace.begin(1500, link, 'MWr', { args: { bytes: 64 }, flows: [1] });
 * trace.end(22_500, link);
 * trace.finish();
 */
export class PerfettoWriter {
  private readonly output: (piece: Uint8Array) => void;
  private writer = new PbfWriter(new Uint8Array(PIECE_BYTES));
  private readonly eventNames = new Map<string, number>();
  private readonly argumentNames = new Map<string, number>();
  private newEventNames: string[] = [];
  private newArgumentNames: string[] = [];
  private tracks = 0;
  private lastPs = 0;
  private isFirst = true;

  /** @param output takes the file in pieces, one behind the other. */
  constructor(output: (piece: Uint8Array) => void) {
    this.output = output;
  }

  /** Adds a track and returns its number. Tracks of one parent stand in the order in which they are added. */
  track(name: string, options: PerfettoTrackOptions = {}): number {
    const uuid = ++this.tracks;
    this.packet(() => {
      this.writer.writeMessage(PACKET.descriptor, writeTrack, { uuid, name, ...options });
    });
    return uuid;
  }

  /** A slice begins. Those of one track lie beside or within each other. */
  begin(timePs: number, track: number, name: string, details?: PerfettoDetails): void {
    this.event({ timePs, type: SLICE_BEGIN, track, name, details });
  }

  /** The slice of a track that has begun last ends. */
  end(timePs: number, track: number): void {
    this.event({ timePs, type: SLICE_END, track });
  }

  /** Something that takes no time. */
  instant(timePs: number, track: number, name: string, details?: PerfettoDetails): void {
    this.event({ timePs, type: INSTANT, track, name, details });
  }

  /** A counter has another value from now on: an integer. */
  counter(timePs: number, track: number, value: number): void {
    this.event({ timePs, type: COUNTER, track, value });
  }

  /** Hands on what is left. Nothing may follow. */
  finish(): void {
    this.flush();
  }

  /** @throws RangeError for a time before that of the last event. */
  private event(packet: Packet): void {
    const { timePs, name, details } = packet;
    if (!(timePs >= this.lastPs)) throw new RangeError(`timePs: ${timePs} lies before ${this.lastPs}`);
    this.lastPs = timePs;
    if (name !== undefined) this.intern(this.eventNames, this.newEventNames, name);
    for (const key of argumentNames(name, details))
      this.intern(this.argumentNames, this.newArgumentNames, key);
    this.packet(() => {
      this.writer.writeVarintField(PACKET.timestamp, Math.floor(timePs / 1000));
      this.writeInterned();
      this.writer.writeMessage(PACKET.event, this.writeEvent, packet);
    });
  }

  private packet(fill: () => void): void {
    this.writer.writeMessage(TRACE_PACKET, this.writePacket, fill);
    if (this.writer.pos > PIECE_BYTES / 2) this.flush();
  }

  private readonly writePacket = (fill: () => void, pbf: PbfWriter): void => {
    pbf.writeVarintField(PACKET.sequence, SEQUENCE);
    pbf.writeVarintField(PACKET.sequenceFlags, this.isFirst ? STATE_CLEARED : NEEDS_STATE);
    this.isFirst = false;
    fill();
  };

  private readonly writeEvent = (packet: Packet, pbf: PbfWriter): void => {
    const { timePs, type, track, name, value, details } = packet;
    pbf.writeVarintField(EVENT.type, type);
    pbf.writeVarintField(EVENT.track, track);
    if (value !== undefined) pbf.writeVarintField(EVENT.counterValue, value);
    if (name === undefined) return;
    pbf.writeVarintField(EVENT.name, this.eventNames.get(name) as number);
    this.writeArgument('ps', timePs);
    for (const [key, argument] of Object.entries(details?.args ?? {})) this.writeArgument(key, argument);
    for (const flow of details?.flows ?? []) pbf.writeFixed64Field(EVENT.flows, flow);
    for (const flow of details?.endingFlows ?? []) pbf.writeFixed64Field(EVENT.endingFlows, flow);
  };

  private writeArgument(key: string, value: number | string): void {
    this.writer.writeMessage(EVENT.args, writeArgument, { id: this.argumentNames.get(key) as number, value });
  }

  private intern(known: Map<string, number>, added: string[], name: string): void {
    if (known.has(name)) return;
    known.set(name, known.size + 1);
    added.push(name);
  }

  private writeInterned(): void {
    if (this.newEventNames.length + this.newArgumentNames.length === 0) return;
    this.writer.writeMessage(PACKET.interned, this.writeNames, null);
    this.newEventNames = [];
    this.newArgumentNames = [];
  }

  private readonly writeNames = (_: null, pbf: PbfWriter): void => {
    const { eventNames, argumentNames } = this;
    for (const name of this.newEventNames)
      pbf.writeMessage(INTERNED.eventNames, writeEntry, { id: eventNames.get(name) as number, name });
    for (const name of this.newArgumentNames)
      pbf.writeMessage(INTERNED.argumentNames, writeEntry, { id: argumentNames.get(name) as number, name });
  };

  private flush(): void {
    if (this.writer.pos > 0) this.output(this.writer.finish());
    this.writer = new PbfWriter(new Uint8Array(PIECE_BYTES));
  }
}

function argumentNames(name: string | undefined, details: PerfettoDetails | undefined): string[] {
  return name === undefined ? [] : ['ps', ...Object.keys(details?.args ?? {})];
}

function writeTrack(
  track: PerfettoTrackOptions & { readonly uuid: number; readonly name: string },
  pbf: PbfWriter,
): void {
  const { uuid, name, parent, description, unit } = track;
  pbf.writeVarintField(TRACK.uuid, uuid);
  pbf.writeStringField(TRACK.name, name);
  if (parent !== undefined) pbf.writeVarintField(TRACK.parent, parent);
  if (unit !== undefined)
    pbf.writeMessage(TRACK.counter, (text, inner) => inner.writeStringField(COUNTER_UNIT_NAME, text), unit);
  pbf.writeVarintField(TRACK.childOrdering, ORDERING_EXPLICIT);
  pbf.writeVarintField(TRACK.orderRank, uuid);
  if (description !== undefined) pbf.writeStringField(TRACK.description, description);
}

function writeEntry({ id, name }: { readonly id: number; readonly name: string }, pbf: PbfWriter): void {
  pbf.writeVarintField(ENTRY.id, id);
  pbf.writeStringField(ENTRY.name, name);
}

function writeArgument(
  { id, value }: { readonly id: number; readonly value: number | string },
  pbf: PbfWriter,
): void {
  pbf.writeVarintField(ARGUMENT.name, id);
  if (typeof value === 'number') pbf.writeVarintField(ARGUMENT.integer, value);
  else pbf.writeStringField(ARGUMENT.text, value);
}

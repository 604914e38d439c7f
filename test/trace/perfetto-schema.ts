import protobuf from 'protobufjs';

/** The messages of Perfetto's public schema that are used, by their field numbers there (proto2). */
const SCHEMA = `
syntax = "proto2";
message Trace { repeated TracePacket packet = 1; }
message TracePacket {
  optional uint64 timestamp = 8;
  optional uint32 trusted_packet_sequence_id = 10;
  optional TrackEvent track_event = 11;
  optional InternedData interned_data = 12;
  optional uint32 sequence_flags = 13;
  optional TrackDescriptor track_descriptor = 60;
}
message TrackDescriptor {
  optional uint64 uuid = 1;
  optional string name = 2;
  optional uint64 parent_uuid = 5;
  optional CounterDescriptor counter = 8;
  optional int32 child_ordering = 11;
  optional int32 sibling_order_rank = 12;
  optional string description = 14;
}
message CounterDescriptor { optional string unit_name = 6; }
message TrackEvent {
  repeated DebugAnnotation debug_annotations = 4;
  optional int32 type = 9;
  optional uint64 name_iid = 10;
  optional uint64 track_uuid = 11;
  optional int64 counter_value = 30;
  repeated fixed64 flow_ids = 47;
  repeated fixed64 terminating_flow_ids = 48;
}
message DebugAnnotation {
  optional uint64 name_iid = 1;
  optional int64 int_value = 4;
  optional string string_value = 6;
}
message InternedData {
  repeated EventName event_names = 2;
  repeated DebugAnnotationName debug_annotation_names = 3;
}
message EventName { optional uint64 iid = 1; optional string name = 2; }
message DebugAnnotationName { optional uint64 iid = 1; optional string name = 2; }
`;

interface Name {
  readonly iid: number;
  readonly name: string;
}

interface Packet {
  readonly timestamp?: number;
  readonly trusted_packet_sequence_id: number;
  readonly sequence_flags: number;
  readonly track_descriptor?: {
    readonly uuid: number;
    readonly name: string;
    readonly parent_uuid?: number;
    readonly counter?: { readonly unit_name: string };
    readonly child_ordering: number;
    readonly sibling_order_rank: number;
    readonly description?: string;
  };
  readonly interned_data?: {
    readonly event_names?: readonly Name[];
    readonly debug_annotation_names?: readonly Name[];
  };
  readonly track_event?: {
    readonly type: number;
    readonly track_uuid: number;
    readonly name_iid?: number;
    readonly counter_value?: number;
    readonly flow_ids?: readonly number[];
    readonly terminating_flow_ids?: readonly number[];
    readonly debug_annotations?: readonly {
      readonly name_iid: number;
      readonly int_value?: number;
      readonly string_value?: string;
    }[];
  };
}

/** A track as it was read; its path begins at the top. */
export interface ReadTrack {
  readonly uuid: number;
  readonly path: string;
  readonly rank: number;
  readonly unit: string | undefined;
  readonly description: string | undefined;
}

/** An event as it was read. */
export interface ReadEvent {
  readonly type: 'begin' | 'end' | 'instant' | 'counter';
  readonly ns: number;
  readonly path: string;
  readonly uuid: number;
  readonly name: string | undefined;
  readonly value: number | undefined;
  readonly args: Readonly<Record<string, number | string>>;
  readonly flows: readonly number[];
  readonly endingFlows: readonly number[];
}

/** A trace as a reader that knows only the schema has it: names before they are used, one sequence, times that never go back. */
export interface ReadTrace {
  readonly tracks: readonly ReadTrack[];
  readonly events: readonly ReadEvent[];
}

const TYPES = [undefined, 'begin', 'end', 'instant', 'counter'] as const;
const STATE_CLEARED = 1;
const NEEDS_STATE = 2;
const EXPLICIT = 3;

/** Reads a file for Perfetto; throws for what Perfetto would pass over or read otherwise. */
export function readTrace(file: Uint8Array): ReadTrace {
  const type = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('Trace');
  const decoded = type.decode(file);
  // Written once more it has the same length: there was no field that the schema does not have.
  if (type.encode(decoded).finish().length !== file.length)
    throw new Error('the file has fields that are not in the schema');
  const { packet } = type.toObject(decoded, { longs: Number, arrays: true }) as { packet: Packet[] };
  const events: ReadEvent[] = [];
  const tracks = new Map<number, ReadTrack>();
  const names = { events: new Map<number, string>(), args: new Map<number, string>() };
  let last = 0;
  packet.forEach((each, i) => {
    if (each.trusted_packet_sequence_id !== 1) throw new Error(`packet ${i} is of another sequence`);
    if (each.sequence_flags !== (i === 0 ? STATE_CLEARED : NEEDS_STATE))
      throw new Error(`packet ${i} has flags ${each.sequence_flags}`);
    intern(names.events, each.interned_data?.event_names);
    intern(names.args, each.interned_data?.debug_annotation_names);
    const { track_descriptor: track, track_event: event, timestamp } = each;
    if (track !== undefined) {
      const parent = track.parent_uuid === undefined ? undefined : tracks.get(track.parent_uuid);
      if (track.parent_uuid !== undefined && parent === undefined)
        throw new Error(`track ${track.name} lies under one that is not there`);
      if (tracks.has(track.uuid) || track.uuid === 0)
        throw new Error(`track ${track.name} has the number of another`);
      if (track.child_ordering !== EXPLICIT) throw new Error(`track ${track.name} does not order by rank`);
      const path = parent === undefined ? track.name : `${parent.path}/${track.name}`;
      const { uuid, sibling_order_rank: rank, counter, description } = track;
      tracks.set(uuid, { uuid, path, rank, unit: counter?.unit_name, description });
    }
    if (event === undefined) return;
    if (timestamp === undefined || timestamp < last)
      throw new Error(`time goes from ${last} to ${timestamp} ns`);
    last = timestamp;
    events.push(eventOf(event, timestamp, tracks, names));
  });
  return { tracks: [...tracks.values()], events };
}

function intern(known: Map<number, string>, added: readonly Name[] | undefined): void {
  for (const { iid, name } of added ?? []) {
    if (known.has(iid) || iid === 0) throw new Error(`name ${iid} is there twice`);
    known.set(iid, name);
  }
}

function eventOf(
  event: NonNullable<Packet['track_event']>,
  ns: number,
  tracks: ReadonlyMap<number, ReadTrack>,
  names: { readonly events: ReadonlyMap<number, string>; readonly args: ReadonlyMap<number, string> },
): ReadEvent {
  const track = tracks.get(event.track_uuid);
  const type = TYPES[event.type];
  if (track === undefined || type === undefined) throw new Error(`an event at ${ns} ns has no track or type`);
  const name = event.name_iid === undefined ? undefined : names.events.get(event.name_iid);
  if ((name !== undefined) !== (type === 'begin' || type === 'instant'))
    throw new Error(`a ${type} at ${ns} ns has the name ${name}`);
  if (
    (event.counter_value !== undefined) !== (type === 'counter') ||
    (type === 'counter') !== (track.unit !== undefined)
  )
    throw new Error(`a ${type} at ${ns} ns on ${track.path} has the value ${event.counter_value}`);
  const args = (event.debug_annotations ?? []).map(({ name_iid, int_value, string_value }) => {
    const key = names.args.get(name_iid);
    if (key === undefined) throw new Error(`an argument at ${ns} ns has no name`);
    return [key, int_value ?? string_value];
  });
  return {
    type,
    ns,
    path: track.path,
    uuid: track.uuid,
    name,
    value: event.counter_value,
    args: Object.fromEntries(args),
    flows: event.flow_ids ?? [],
    endingFlows: event.terminating_flow_ids ?? [],
  };
}

/** A slice: its beginning, and when it ended. */
export interface ReadSlice extends ReadEvent {
  readonly endNs: number;
}

/** The slices of a trace; throws for one that does not end, and an end without one. Those of a track never overlap. */
export function slicesOf({ events }: ReadTrace): ReadSlice[] {
  const open = new Map<number, ReadEvent>();
  const slices: ReadSlice[] = [];
  for (const event of events) {
    const begun = open.get(event.uuid);
    if (event.type === 'begin') {
      if (begun !== undefined) throw new Error(`two slices on ${event.path} overlap at ${event.ns} ns`);
      open.set(event.uuid, event);
    } else if (event.type === 'end') {
      if (begun === undefined) throw new Error(`nothing ends on ${event.path} at ${event.ns} ns`);
      open.delete(event.uuid);
      slices.push({ ...begun, endNs: event.ns });
    }
  }
  if (open.size > 0) throw new Error(`${open.size} slices do not end`);
  return slices;
}

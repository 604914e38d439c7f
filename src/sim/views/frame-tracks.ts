import { fetchQueueOf, writeBackOf } from '../../dma/index.ts';
import { ProbeKind } from '../../kernel/index.ts';
import { DROP_REASONS, targetPort } from '../../nicswitch/index.ts';
import { TlpKind } from '../../pcie/index.ts';
import {
  LinkStates,
  LogKind,
  type LogRecord,
  type LogTrain,
  type RingRecord,
  receiveClientOf,
  type Timeline,
  type TimelineEvent,
  type TimelineTrack,
  TrainArrivals,
  transmitClientOf,
  unpackRing,
} from '../../trace/index.ts';
import type { LogNames } from './log-names.ts';
import type { LoggedRings } from './logged-rings.ts';
import { wireSpan } from './wire-span.ts';

/** What is said of what never comes. */
const LOST = 'lost';

/** A frame in the card, from its descriptor or the wire on. */
interface Journey {
  /** As captures number it. */
  readonly id: number;
  readonly inPs: number;
  readonly bytes: number;
  readonly from: TimelineEvent | null;
  /** Its time in the switch; undefined until that has decided. */
  inSwitch: TimelineEvent | null | undefined;
}

/** A frame on its way from the switch to a receiver. */
interface Delivery {
  readonly journey: Journey;
  readonly outPs: number;
}

/** A frame whose receive descriptor is not written back yet. */
interface Written extends Delivery {
  readonly index: number;
  readonly timePs: number;
  /** Whether its ring has been stopped since then. */
  isStopped: boolean;
}

/** The tracks of a queue. */
interface QueueTracks {
  readonly tx: TimelineTrack;
  readonly txFetches: TimelineTrack;
  readonly rx: TimelineTrack;
  readonly rxFetches: TimelineTrack;
}

/** Tracks of queues, switch and port: each frame from descriptor to descriptor. */
export class FrameTracks {
  private readonly timeline: Timeline;
  private readonly names: LogNames;
  private readonly rings: LoggedRings;
  /** Numbers that the card's engines sign as. */
  private readonly transmitClient: number;
  private readonly receiveClient: number;
  private readonly link: LinkStates;
  private readonly arrivals: TrainArrivals;
  /** Trains that have been taken. */
  private trains = 0;
  private readonly queues: TimelineTrack;
  /** By VPort and queue in it, as they are called. */
  private readonly queueTracks = new Map<string, QueueTracks>();
  private readonly inSwitch: TimelineTrack;
  private readonly drops: TimelineTrack;
  private readonly fromWire: TimelineTrack;
  private readonly toWire: TimelineTrack;
  private readonly journeys = new Map<number, Journey>();
  private readonly deliveries = new Map<number, Delivery[]>();
  private readonly written = new Map<number, Written[]>();
  /** The write-back that left last: one that leaves at once stands in front of its last RX_DESCRIPTOR. */
  private latest: LogTrain | null = null;
  /** When the first byte of the frame in a slot was asked for. */
  private readonly asked = new Map<number, number>();
  private readonly fetches = new Map<string, LogTrain[]>();
  /** The transmit descriptor that was noted last: its frame comes in next. */
  private sent: { readonly slot: number; readonly event: TimelineEvent | null } | null = null;
  /** Since when a frame from the wire, in a slot, was on it. */
  private readonly taken = new Map<number, number>();
  /** Whether the log says when frames leave for the wire. */
  private hasWire = false;
  /** Number of the last frame. */
  private frames: number;

  constructor(timeline: Timeline, root: TimelineTrack, names: LogNames, rings: LoggedRings) {
    this.timeline = timeline;
    this.names = names;
    this.frames = names.log.framesLost;
    this.rings = rings;
    this.link = new LinkStates(names.log);
    this.arrivals = new TrainArrivals(names.log);
    this.transmitClient = transmitClientOf(names.store);
    this.receiveClient = receiveClientOf(names.store);
    this.queues = timeline.track('queues', { parent: root });
    for (let queue = 0; queue < names.queues; queue++) this.tracksOf(queue);
    const parent = timeline.track('switch', { parent: root });
    this.inSwitch = timeline.track('frames in the switch', { parent });
    this.drops = timeline.track('drops', { parent });
    const port = timeline.track('port', { parent: root });
    const description = 'From the first bit at the other end of the cable until the card has the frame.';
    this.fromWire = timeline.track('from the wire', { parent: port, description });
    this.toWire = timeline.track('to the wire', { parent: port });
  }

  /** Takes the next record of a log. */
  add(record: LogRecord): void {
    const { timePs, kind, a, b, c } = record;
    if (kind === ProbeKind.TX_DESCRIPTOR) this.transmitted(timePs, a, b, c);
    else if (kind === ProbeKind.FRAME_IN) this.cameIn(timePs, a, b, c);
    else if (kind === ProbeKind.FRAME_COPIED) this.copied(a, b);
    else if (kind === ProbeKind.FRAME_OUT) this.goesOut(timePs, a, targetPort(b));
    else if (kind === ProbeKind.FRAME_DROPPED) this.dropped(timePs, a, b, c);
    else if (kind === ProbeKind.RX_DESCRIPTOR) this.received(timePs, a, b, c);
    else if (kind === ProbeKind.WIRE_SENT) this.sentToWire(record);
    else if (kind === ProbeKind.LINK_STATE) this.linkRestarted(timePs);
    else if (kind === LogKind.RING_STOPPED) this.stopped(unpackRing(a, b, c));
    else if (kind === ProbeKind.WIRE_TAKEN) this.taken.set(a, timePs - c);
  }

  /** Takes the next train of a log. */
  addTrain(train: LogTrain): void {
    const { client, cookie, kind, downstream, place } = train;
    // Of one that is sent again after a bit error, the time counts that brings it.
    const departures = this.arrivals.of(this.trains++);
    const brings = departures.find(({ arrivalPs }) => arrivalPs < Number.POSITIVE_INFINITY);
    const last = brings ?? departures.at(-1) ?? train;
    if (client !== this.transmitClient && client !== this.receiveClient) return;
    const isLost = this.link.lostAt(last) < Number.POSITIVE_INFINITY;
    const arrives = !isLost && last.arrivalPs < Number.POSITIVE_INFINITY;
    // What has not come when the link goes down is told of there.
    if (!arrives && kind !== TlpKind.MEMORY_READ) return;
    if (cookie < 0) this.fetch(train, last.arrivalPs);
    else if (downstream) return;
    else if (client === this.transmitClient && kind === TlpKind.MEMORY_READ) {
      // The cookie is the slot; its first byte is asked for first.
      if (place === cookie * this.names.store.slotBytes) this.asked.set(cookie, train.timePs);
    } else if (client === this.receiveClient && kind === TlpKind.MEMORY_WRITE) {
      const back = writeBackOf(cookie);
      if (back !== null) this.writtenBack({ ...train, arrivalPs: last.arrivalPs }, back.queue, back.count);
    }
  }

  /** The log has ended. */
  end(): void {
    if (!this.hasWire) this.sendAtOnce();
    for (const [queue, frames] of this.written)
      for (const frame of frames) this.finish(queue, frame, frame.timePs, ...(frame.isStopped ? [LOST] : []));
  }

  /** The link goes down, or is up again: fetches are lost, and descriptors are not written back. */
  private linkRestarted(timePs: number): void {
    for (const asked of [...this.fetches.values()].flat()) this.fetched(asked, timePs, asked.address, LOST);
    for (const queue of this.written.keys()) this.lost(queue);
    for (const under of [this.fetches, this.written, this.asked]) under.clear();
  }

  /** A write-back that waits for the link still leaves. */
  private stopped({ queue, client }: RingRecord): void {
    if (client !== this.receiveClient) return;
    for (const frame of this.written.get(queue) ?? []) frame.isStopped = true;
  }

  private fetch(train: LogTrain, arrivalPs: number): void {
    const { client, cookie, kind } = train;
    const key = `${client} ${cookie}`;
    const under = this.fetches.get(key) ?? [];
    if (kind === TlpKind.MEMORY_READ) {
      this.fetches.set(key, [...under, train]);
      return;
    }
    const asked = under.shift();
    if (asked !== undefined) this.fetched(asked, arrivalPs, train.address);
  }

  private fetched(asked: LogTrain, endPs: number, address: number, ...outcome: readonly string[]): void {
    const queue = fetchQueueOf(asked.cookie);
    const transmit = asked.client === this.transmitClient;
    const first = this.rings.indexOf(queue, transmit, asked.address);
    this.timeline.slice(
      this.tracksOf(queue)[transmit ? 'txFetches' : 'rxFetches'],
      asked.timePs,
      endPs,
      [`fetch of ${asked.bytes / 16}`, ...outcome].join(', '),
      { ...(first < 0 ? {} : { 'first descriptor': first }), address: `0x${address.toString(16)}` },
    );
  }

  private transmitted(timePs: number, queue: number, index: number, slot: number): void {
    const startPs = this.asked.get(slot) ?? timePs;
    this.asked.delete(slot);
    const args = { frame: this.frames + 1, descriptor: index, slot };
    const event = this.timeline.slice(this.tracksOf(queue).tx, startPs, timePs, `descriptor ${index}`, args);
    this.sent = { slot, event };
  }

  private cameIn(timePs: number, slot: number, port: number, bytes: number): void {
    const id = ++this.frames;
    const args = { frame: id, bytes, slot };
    let from: TimelineEvent | null = null;
    if (port === this.names.uplink) from = this.timeline.instant(this.fromWire, timePs, `frame ${id}`, args);
    else if (this.sent?.slot === slot) from = this.sent.event;
    this.sent = null;
    this.taken.delete(slot);
    this.journeys.set(slot, { id, inPs: timePs, bytes, from, inSwitch: undefined });
  }

  private copied(copy: number, slot: number): void {
    const journey = this.journeys.get(slot);
    if (journey !== undefined) this.journeys.set(copy, journey);
  }

  /** The switch has decided on a frame, if it has not before. */
  private decided(timePs: number, slot: number): Journey | null {
    const journey = this.journeys.get(slot);
    if (journey === undefined) return null;
    if (journey.inSwitch === undefined) {
      const { id, inPs, bytes } = journey;
      const args = { frame: id, bytes, slot };
      journey.inSwitch = this.timeline.slice(this.inSwitch, inPs, timePs, `frame ${id}`, args);
    }
    return journey;
  }

  private goesOut(timePs: number, slot: number, port: number): void {
    const journey = this.decided(timePs, slot);
    if (journey === null) return;
    const delivery = { journey, outPs: timePs };
    const place = this.placeOf(slot, port);
    this.deliveries.set(place, [...(this.deliveries.get(place) ?? []), delivery]);
  }

  private sentToWire(record: LogRecord): void {
    const { a: slot, b: bytes } = record;
    const { startPs, endPs } = wireSpan(record, this.names.scenario.nic.linkGbps);
    this.hasWire = true;
    const delivery = slot < 0 ? null : this.takeDelivery(slot, this.names.uplink);
    const name = delivery === null ? 'MAC Control' : `frame ${delivery.journey.id}`;
    const args = { bytes, ...(delivery === null ? {} : { frame: delivery.journey.id, slot }) };
    const event = this.timeline.slice(this.toWire, startPs, endPs, name, args);
    if (delivery !== null) this.connect(delivery.journey, event);
  }

  /** In logs of earlier versions a frame is at the wire when the switch lets it go. */
  private sendAtOnce(): void {
    const { slots } = this.names.store;
    const first = this.placeOf(0, this.names.uplink);
    for (const [place, deliveries] of this.deliveries) {
      if (place < first || place >= first + slots) continue;
      for (const { journey, outPs } of deliveries) {
        const args = { frame: journey.id, bytes: journey.bytes, slot: place - first };
        this.connect(journey, this.timeline.instant(this.toWire, outPs, `frame ${journey.id}`, args));
      }
    }
  }

  private received(timePs: number, queue: number, index: number, slot: number): void {
    const delivery = this.takeDelivery(slot, this.names.poolOf(queue));
    if (delivery === null) return;
    const frames = this.written.get(queue) ?? [];
    // A descriptor that was never written back: its ring was stopped.
    const stale = frames.findIndex((frame) => frame.index === index);
    if (stale >= 0)
      for (const frame of frames.splice(0, stale + 1)) this.finish(queue, frame, frame.timePs, LOST);
    frames.push({ ...delivery, index, timePs, isStopped: false });
    this.written.set(queue, frames);
    const { latest } = this;
    const back = latest?.timePs === timePs ? writeBackOf(latest.cookie) : null;
    if (latest !== null && back?.queue === queue) this.writtenBack(latest, queue, back.count);
  }

  private writtenBack(train: LogTrain, queue: number, count: number): void {
    const { address, arrivalPs } = train;
    this.latest = train;
    const frames = this.written.get(queue);
    const first = this.rings.indexOf(queue, false, address);
    if (frames === undefined || first < 0) return;
    const { size } = this.rings.ring(queue, false);
    const isIn = ({ index }: Written) => (index - first + (size as number)) % (size as number) < count;
    for (const frame of frames.filter(isIn)) this.finish(queue, frame, arrivalPs);
    this.written.set(
      queue,
      frames.filter((frame) => !isIn(frame)),
    );
  }

  /** What of a queue is not on its way back by now never is. */
  private lost(queue: number): void {
    for (const frame of this.written.get(queue) ?? []) this.finish(queue, frame, frame.timePs, LOST);
    this.written.delete(queue);
  }

  private finish(
    queue: number,
    { journey, outPs, index }: Written,
    endPs: number,
    ...outcome: readonly string[]
  ): void {
    const { id, bytes } = journey;
    const args = { frame: id, descriptor: index, bytes };
    const name = [`descriptor ${index}`, ...outcome].join(', ');
    this.connect(journey, this.timeline.slice(this.tracksOf(queue).rx, outPs, endPs, name, args));
  }

  private dropped(timePs: number, slot: number, port: number, reason: number): void {
    const bySwitch = reason < DROP_REASONS.length;
    const journey = bySwitch ? this.decided(timePs, slot) : (this.journeys.get(slot) ?? null);
    if (!bySwitch) this.takeDelivery(slot, port);
    const name = this.names.dropReason(reason);
    const args = {
      port: this.names.portName(port),
      slot,
      ...(journey === null ? {} : { frame: journey.id }),
    };
    const event = this.timeline.instant(this.drops, timePs, name, args);
    if (journey !== null) this.connect(journey, event);
  }

  private connect({ from, inSwitch }: Journey, to: TimelineEvent | null): void {
    // A frame that was refused at the wire has never been in the switch.
    this.timeline.connect(inSwitch === undefined ? [from, to] : [from, inSwitch, to]);
  }

  private tracksOf(queue: number): QueueTracks {
    const { timeline, names } = this;
    const [vport, own] = [names.portName(names.poolOf(queue)), names.queueInPool(queue)];
    const key = `${vport} ${own}`;
    let tracks = this.queueTracks.get(key);
    if (tracks === undefined) {
      tracks = queueTracks(timeline, this.queues, vport, own);
      this.queueTracks.set(key, tracks);
    }
    return tracks;
  }

  private placeOf(slot: number, port: number): number {
    return port * this.names.store.slots + slot;
  }

  private takeDelivery(slot: number, port: number): Delivery | null {
    return this.deliveries.get(this.placeOf(slot, port))?.shift() ?? null;
  }
}

function queueTracks(timeline: Timeline, parent: TimelineTrack, vport: string, queue: number): QueueTracks {
  const name = (half: string) => `${vport} ${half}[${queue}]`;
  const sent = 'A frame from when its first byte is asked for until the switch has it.';
  const received = 'A frame from the switch until its descriptor, written back, is at the root port.';
  return {
    tx: timeline.track(name('tx'), { parent, description: sent }),
    txFetches: timeline.track(`${name('tx')} fetches`, { parent }),
    rx: timeline.track(name('rx'), { parent, description: received }),
    rxFetches: timeline.track(`${name('rx')} fetches`, { parent }),
  };
}

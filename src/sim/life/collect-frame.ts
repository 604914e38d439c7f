import { fetchQueueOf, writeBackOf } from '../../dma/index.ts';
import { ProbeKind } from '../../kernel/index.ts';
import { targetPort } from '../../nicswitch/index.ts';
import { TlpKind } from '../../pcie/index.ts';
import {
  type BinaryLog,
  LogKind,
  type LogRecord,
  type LogStore,
  receiveClientOf,
  unpackRing,
} from '../../trace/index.ts';
import { LogNames } from '../views/log-names.ts';
import { LoggedRings } from '../views/logged-rings.ts';
import type { CollectedFrame, ReadPair, Receipt } from './collected-frame.ts';
import type { FoundFrame } from './find-frame.ts';
import { lossOf } from './lost-frame.ts';
import { PayloadWrites } from './payload-writes.ts';
import { RingTails } from './ring-tails.ts';
import { TrainFates } from './train-fates.ts';
import { isCompletion, type Train, TrainReader } from './trains.ts';
import { Translations } from './translations.ts';

/** Numbers under which a card's engines sign their requests. */
const TRANSMIT = 0;
const RECEIVE = 1;
const DESCRIPTOR_BYTES = 16;

/** Collects all that a log has of a frame. */
export function collectFrame(log: BinaryLog, frame: FoundFrame, walkers: number): CollectedFrame {
  const collector = new FrameCollector(log, frame, walkers);
  let at = 0;
  for (const record of log.records()) collector.take(record, at++);
  return collector.end();
}

class FrameCollector {
  private readonly frame: FoundFrame;
  private readonly store: LogStore;
  private readonly reader: TrainReader;
  private readonly tails: RingTails;
  private readonly found: CollectedFrame;
  /** Slots that the frame and its copies lie in now. */
  private readonly live = new Set<number>();
  /** Reads that wait for their completion, by the number of their TLP. */
  private readonly asked = new Map<number, ReadPair>();
  private fetches: ReadPair | null = null;
  private taken: LogRecord | null = null;
  private readonly writes: PayloadWrites;
  private readonly interrupts: LogRecord[] = [];
  private readonly messages: Train[] = [];
  /** Causes of the interrupts that a function has raised; where the registers are not known, one alone says whose it is. */
  private readonly causes = new Map<number, Set<number>>();
  /** Write-backs of the last instant that has some: one that leaves at once stands in front of its last RX_DESCRIPTOR. */
  private latest: Train[] = [];
  private readonly names: LogNames;
  private readonly rings: LoggedRings;

  constructor(log: BinaryLog, frame: FoundFrame, walkers: number) {
    this.frame = frame;
    this.store = log.header.store as LogStore;
    this.reader = new TrainReader(log);
    this.names = new LogNames(log);
    this.rings = new LoggedRings(this.names);
    this.tails = new RingTails(this.names, this.rings);
    this.found = {
      doorbell: null,
      fetch: null,
      reads: [],
      status: null,
      taken: null,
      copies: [],
      dropped: null,
      receipts: [],
      translations: new Translations(log.header, walkers),
      fates: new TrainFates(log),
      downsPs: [],
    };
    this.writes = new PayloadWrites(this.store, frame.card, (train) => this.found.translations.follow(train));
  }

  take(record: LogRecord, at: number): void {
    const train = this.reader.take(record);
    const { found } = this;
    this.names.add(record);
    this.tails.record(record, at);
    this.rings.add(record);
    found.translations.record(record);
    found.fates.record(record);
    this.stopped(record);
    if (train !== null) {
      found.fates.sent(train);
      this.train(train, at);
    } else if (record.kind === ProbeKind.WIRE_TAKEN) this.taken = record;
    else {
      const receipt = at >= this.frame.at ? this.switchRecord(record, at) : null;
      this.writes.record(record, receipt);
    }
  }

  end(): CollectedFrame {
    const { found, tails, frame } = this;
    const { descriptor } = frame;
    if (descriptor !== null) {
      found.doorbell = tails.handedOver(true, descriptor.queue, descriptor.index, frame.at);
      found.fetch = this.fetches;
    }
    this.writes.end(found.receipts);
    for (const receipt of found.receipts) this.complete(receipt);
    return found;
  }

  /** Whatever ends rings. */
  private stopped({ kind, a, b, c, timePs }: LogRecord): void {
    const { found, store } = this;
    if (kind === ProbeKind.LINK_STATE && a === 0) found.downsPs.push(timePs);
    if (kind !== LogKind.RING_STOPPED) return;
    const { queue, client } = unpackRing(a, b, c);
    if (client !== receiveClientOf(store)) return;
    for (const receipt of found.receipts) if (receipt.descriptor?.a === queue) receipt.stoppedPs ??= timePs;
  }

  private train(train: Train, at: number): void {
    const { asked } = this;
    if (train.downstream) {
      if (train.kind === TlpKind.MEMORY_WRITE) this.tails.train(train);
      if (!isCompletion(train)) return;
      const pair = asked.get(train.index);
      asked.delete(train.index);
      if (pair !== undefined) pair.completion = train;
      return;
    }
    asked.delete(train.index);
    if (train.kind === TlpKind.MEMORY_READ) this.read(train, at);
    else if (train.kind === TlpKind.MEMORY_WRITE) this.write(train, at);
  }

  /** A read before the frame has come in, or, of one that is handed over early, at the same time. */
  private read(request: Train, at: number): void {
    const { frame, found, store } = this;
    const { descriptor } = frame;
    if (descriptor === null || request.client !== TRANSMIT || at > frame.at) return;
    const pair = { request, completion: null };
    if (fetchQueueOf(request.cookie) === descriptor.queue) {
      if (!this.isDescriptor(request, descriptor.queue, true, descriptor.index)) return;
      this.fetches = pair;
    } else if (request.cookie === frame.slot && at > frame.before) {
      // The first piece of a frame: what was there before was another one's, which failed.
      if (request.place === frame.slot * store.slotBytes) found.reads = [];
      found.reads.push(pair);
    } else return;
    this.asked.set(request.index, pair);
    found.translations.follow(request);
  }

  private write(train: Train, at: number): void {
    const { frame, found } = this;
    const isPayload = train.client === RECEIVE && writeBackOf(train.cookie) === null;
    if (isPayload) this.writes.train(train, (slot) => found.receipts.length > 0 && this.live.has(slot));
    if (isPayload || (at < frame.at && train.timePs < frame.timePs)) return;
    if (train.client < 0) {
      this.messages.push(train);
    } else if (train.client === TRANSMIT) {
      const { descriptor } = frame;
      const isItsOwn =
        descriptor !== null && this.isDescriptor(train, descriptor.queue, true, descriptor.index);
      if (found.status === null && isItsOwn) {
        found.status = train;
        found.translations.follow(train);
      }
    } else if (train.client === RECEIVE) {
      this.latest = [...this.latest.filter(({ timePs }) => timePs === train.timePs), train];
      this.writeBack(train, writeBackOf(train.cookie)?.queue as number);
    }
  }

  private writeBack(train: Train, queue: number): void {
    for (const receipt of this.found.receipts) {
      const { descriptor } = receipt;
      if (descriptor === null || receipt.writeBack !== null || descriptor.a !== queue) continue;
      if (!this.isDescriptor(train, queue, false, descriptor.b)) continue;
      receipt.writeBack = train;
      this.found.translations.follow(train);
    }
  }

  /** Whether a request of a queue has to do with one of its descriptors. */
  private isDescriptor(train: Train, queue: number, transmit: boolean, index: number): boolean {
    const { baseLow, baseHigh, size } = this.rings.ring(queue, transmit);
    if (baseLow === null || size === null || index >= size) return false;
    const address = baseLow + (baseHigh ?? 0) * 2 ** 32 + DESCRIPTOR_BYTES * index;
    return address >= train.address && address < train.address + train.bytes;
  }

  /** Returns the receiver that has just got its descriptor, or null. */
  private switchRecord(record: LogRecord, at: number): Receipt | null {
    const { live, found, frame } = this;
    const { kind, a, b } = record;
    if (kind === ProbeKind.FRAME_IN) {
      if (at === frame.at) {
        live.add(a);
        if (this.taken?.a === a && this.taken.timePs === record.timePs) found.taken = this.taken;
      } else live.delete(a);
    } else if (kind === ProbeKind.FRAME_COPIED) {
      live.delete(a);
      if (!live.has(b)) return null;
      live.add(a);
      found.copies.push(record);
    } else if (kind === ProbeKind.INTERRUPT) {
      this.causes.set(a, (this.causes.get(a) ?? new Set()).add(b));
      if (found.receipts.length > 0) this.interrupts.push(record);
    } else if (kind === ProbeKind.FRAME_OUT && live.has(a)) {
      found.receipts.push({
        out: record,
        port: targetPort(b),
        slot: a,
        dropped: null,
        descriptor: null,
        writes: [],
        writeBack: null,
        interrupt: null,
        returned: null,
        stoppedPs: null,
        lost: null,
        wire: null,
      });
    } else if (kind === ProbeKind.FRAME_DROPPED && live.has(a)) {
      const receipt = found.receipts.find(
        (each) => each.slot === a && each.port === b && each.dropped === null,
      );
      if (receipt !== undefined) receipt.dropped = record;
      else found.dropped ??= record;
    } else if (kind === ProbeKind.RX_DESCRIPTOR && live.has(record.c)) {
      return this.received(record);
    } else if (kind === ProbeKind.WIRE_SENT && live.has(a)) {
      const { uplink } = frame.card.nic.data.switch;
      const receipt = found.receipts.find((each) => each.slot === a && each.port === uplink);
      if (receipt !== undefined) receipt.wire ??= record;
    }
    return null;
  }

  private received(record: LogRecord): Receipt | null {
    const { data } = this.frame.card.nic;
    const pool = data.pools[record.a];
    const receipt = this.found.receipts.find(
      ({ slot, port, descriptor }) => slot === record.c && port === pool && descriptor === null,
    );
    if (receipt === undefined) return null;
    receipt.descriptor = record;
    for (const train of this.latest) {
      const queue = writeBackOf(train.cookie)?.queue;
      if (train.timePs === record.timePs && queue === record.a) this.writeBack(train, queue);
    }
    return receipt;
  }

  /** When the software has learned of it, and given the buffer back. */
  private complete(receipt: Receipt): void {
    const { descriptor, writeBack } = receipt;
    if (descriptor === null) return;
    const { card } = this.frame;
    const queue = descriptor.a;
    const returned = this.tails.handedOver(false, queue, descriptor.b, -1, descriptor.timePs);
    const isHis = receipt.stoppedPs === null || (returned?.record.timePs ?? 0) < receipt.stoppedPs;
    receipt.returned = isHis ? returned : null;
    receipt.lost = lossOf(receipt, this.found);
    if (writeBack === null || this.found.fates.of(writeBack) !== null) return;
    const fn = card.isComplete ? card.nic.vfOfQueue(queue) + 1 : this.names.functionOfQueue(queue);
    const causes = [...(this.causes.get(fn) ?? [])];
    const vector = card.isComplete ? card.vectorOf(queue) : causes.length === 1 ? causes[0] : -1;
    const untilPs = receipt.returned?.record.timePs ?? Number.POSITIVE_INFINITY;
    for (const record of this.interrupts) {
      if (record.a !== fn || record.b !== vector || record.timePs < descriptor.timePs) continue;
      const message = this.messages.find(
        (each) =>
          each.requester === writeBack.requester &&
          each.word === record.c >>> 0 &&
          each.timePs >= record.timePs &&
          each.startPs >= writeBack.leftPs &&
          each.arrivalPs < untilPs,
      );
      if (message === undefined) continue;
      receipt.interrupt = { record, message };
      return;
    }
  }
}

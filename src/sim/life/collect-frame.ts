import { fetchQueueOf, writeBackOf } from '../../dma/index.ts';
import { ProbeKind } from '../../kernel/index.ts';
import { targetPort } from '../../nicswitch/index.ts';
import { TlpKind } from '../../pcie/index.ts';
import type { BinaryLog, LogRecord, LogStore } from '../../trace/index.ts';
import type { FoundFrame } from './find-frame.ts';
import { RingTails, type TailWrite } from './ring-tails.ts';
import { isCompletion, type Train, TrainReader } from './trains.ts';
import { Translations } from './translations.ts';

/** Numbers under which a card's engines sign their requests. */
const TRANSMIT = 0;
const RECEIVE = 1;
const DESCRIPTOR_BYTES = 16;

/** A read of the device, and what answered it. */
export interface ReadPair {
  readonly request: Train;
  completion: Train | null;
}

/** What a log has of one receiver of a frame. */
export interface Receipt {
  /** FRAME_OUT. */
  readonly out: LogRecord;
  readonly port: number;
  /** Slot that it left in: a copy's, if it has one. */
  readonly slot: number;
  dropped: LogRecord | null;
  /** RX_DESCRIPTOR. */
  descriptor: LogRecord | null;
  writes: Train[];
  writeBack: Train | null;
  interrupt: { record: LogRecord; message: Train } | null;
  returned: TailWrite | null;
  /** WIRE_SENT. */
  wire: LogRecord | null;
}

/** What a log has of one frame. */
export interface CollectedFrame {
  doorbell: TailWrite | null;
  fetch: ReadPair | null;
  reads: ReadPair[];
  /** Write-back of its descriptor, if its sender asked for it. */
  status: Train | null;
  /** WIRE_TAKEN. */
  taken: LogRecord | null;
  copies: LogRecord[];
  /** FRAME_DROPPED where the switch gave it to nobody. */
  dropped: LogRecord | null;
  receipts: Receipt[];
  translations: Translations;
}

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
  /** Writes of a slot, by slot and delivery, in order of the last of each. */
  private readonly writes = new Map<string, Train[]>();
  /** Last write of a header with other tags, by delivery: it does not lie in the frame's slot. */
  private readonly headers = new Map<number, Train>();
  private lastWrite: Train | null = null;
  private readonly interrupts: LogRecord[] = [];
  private readonly messages: Train[] = [];
  /** Address of the frame's last descriptor, or -1. */
  private readonly descriptorAddress: number;

  constructor(log: BinaryLog, frame: FoundFrame, walkers: number) {
    this.frame = frame;
    this.store = log.header.store as LogStore;
    this.reader = new TrainReader(log.header);
    this.tails = new RingTails(frame.card);
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
    };
    const { descriptor, card } = frame;
    const { transmit } = card.nic.data;
    const base = descriptor === null ? 0 : transmit.rings.ring(descriptor.queue).base;
    this.descriptorAddress =
      descriptor === null || base === 0 ? -1 : base + DESCRIPTOR_BYTES * descriptor.index;
  }

  take(record: LogRecord, at: number): void {
    const train = this.reader.take(record);
    this.found.translations.record(record);
    if (train !== null) this.train(train, at);
    else if (record.kind === ProbeKind.REGISTER_WRITE) this.tails.record(record, at);
    else if (record.kind === ProbeKind.WIRE_TAKEN) this.taken = record;
    else if (at >= this.frame.at) this.switchRecord(record, at);
  }

  end(): CollectedFrame {
    const { found, tails, frame } = this;
    const { descriptor } = frame;
    if (descriptor !== null) {
      found.doorbell = tails.handedOver(true, descriptor.queue, descriptor.index, frame.at);
      found.fetch = this.fetches;
    }
    this.pairWrites();
    for (const receipt of found.receipts) this.complete(receipt);
    return found;
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
      if (!covers(request, this.descriptorAddress)) return;
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
    if (at < frame.at && train.timePs < frame.timePs) return;
    if (train.client < 0) {
      this.messages.push(train);
    } else if (train.client === TRANSMIT) {
      if (found.status === null && covers(train, this.descriptorAddress)) {
        found.status = train;
        found.translations.follow(train);
      }
    } else if (train.client === RECEIVE) {
      const writeBack = writeBackOf(train.cookie);
      if (writeBack === null) this.payload(train);
      else this.writeBack(train, writeBack.queue);
    }
  }

  private payload(train: Train): void {
    const { slots, slotBytes } = this.store;
    this.lastWrite = train;
    if (train.place >= slots * slotBytes) {
      this.headers.set(train.cookie, train);
      return;
    }
    const slot = Math.floor(train.place / slotBytes);
    if (!this.live.has(slot) || this.found.receipts.length === 0) return;
    const key = `${slot} ${train.cookie}`;
    const header = this.headers.get(train.cookie);
    this.headers.delete(train.cookie);
    const first = header !== undefined && header.timePs >= this.frame.timePs ? [header] : [];
    const group = [...(this.writes.get(key) ?? first), train];
    // Behind those whose last write came before.
    this.writes.delete(key);
    this.writes.set(key, group);
    for (const each of group) if (!this.isFollowed.has(each)) this.follow(each);
  }

  private readonly isFollowed = new Set<Train>();

  private follow(train: Train): void {
    this.isFollowed.add(train);
    this.found.translations.follow(train);
  }

  private writeBack(train: Train, queue: number): void {
    const base = this.frame.card.nic.data.receive.rings.ring(queue).base;
    if (base === 0) return;
    for (const receipt of this.found.receipts) {
      const { descriptor } = receipt;
      if (descriptor === null || receipt.writeBack !== null || descriptor.a !== queue) continue;
      if (!covers(train, base + DESCRIPTOR_BYTES * descriptor.b)) continue;
      receipt.writeBack = train;
      this.found.translations.follow(train);
    }
  }

  private switchRecord(record: LogRecord, at: number): void {
    const { live, found, frame } = this;
    const { kind, a, b } = record;
    if (kind === ProbeKind.FRAME_IN) {
      if (at === frame.at) {
        live.add(a);
        if (this.taken?.a === a && this.taken.timePs === record.timePs) found.taken = this.taken;
      } else live.delete(a);
    } else if (kind === ProbeKind.FRAME_COPIED) {
      live.delete(a);
      if (!live.has(b)) return;
      live.add(a);
      found.copies.push(record);
    } else if (kind === ProbeKind.INTERRUPT) {
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
        wire: null,
      });
    } else if (kind === ProbeKind.FRAME_DROPPED && live.has(a)) {
      const receipt = found.receipts.find(
        (each) => each.slot === a && each.port === b && each.dropped === null,
      );
      if (receipt !== undefined) receipt.dropped = record;
      else found.dropped ??= record;
    } else if (kind === ProbeKind.RX_DESCRIPTOR && live.has(record.c)) this.received(record);
    else if (kind === ProbeKind.WIRE_SENT && live.has(a)) {
      const { uplink } = frame.card.nic.data.switch;
      const receipt = found.receipts.find((each) => each.slot === a && each.port === uplink);
      if (receipt !== undefined) receipt.wire ??= record;
    }
  }

  private received(record: LogRecord): void {
    const { found, frame, lastWrite } = this;
    const { data } = frame.card.nic;
    const receipt = found.receipts.find(
      (each) => each.slot === record.c && each.port === data.poolOf(record.a) && each.descriptor === null,
    );
    if (receipt === undefined) return;
    receipt.descriptor = record;
    // A frame whose tags are changed, in one piece, that has left at once.
    if (lastWrite === null || lastWrite.timePs !== record.timePs) return;
    if (this.headers.get(lastWrite.cookie) !== lastWrite) return;
    if (lastWrite.requester !== frame.card.routingIdOf(record.a)) return;
    receipt.writes = [lastWrite];
    this.follow(lastWrite);
  }

  /** Posted requests leave in the order in which they are made: the last write of a frame as its descriptor is taken. */
  private pairWrites(): void {
    const { found, frame } = this;
    const groups = [...this.writes].map(([key, trains]) => ({ slot: Number(key.split(' ')[0]), trains }));
    const receipts = found.receipts.filter(({ descriptor }) => descriptor !== null);
    receipts.sort((x, y) => (x.descriptor?.timePs ?? 0) - (y.descriptor?.timePs ?? 0));
    for (const receipt of receipts) {
      if (receipt.writes.length > 0) continue;
      const { card } = frame;
      // Without the registers it is not known who that is: then the order has to do.
      const requester = card.isComplete ? card.routingIdOf((receipt.descriptor as LogRecord).a) : null;
      const i = groups.findIndex(
        ({ slot, trains }) =>
          slot === receipt.slot && (requester === null || trains[0].requester === requester),
      );
      if (i >= 0) receipt.writes = groups.splice(i, 1)[0].trains;
    }
  }

  /** When the software has learned of it, and given the buffer back. */
  private complete(receipt: Receipt): void {
    const { descriptor, writeBack } = receipt;
    if (descriptor === null) return;
    const { card } = this.frame;
    const queue = descriptor.a;
    receipt.returned = this.tails.handedOver(false, queue, descriptor.b, -1, descriptor.timePs);
    if (writeBack === null) return;
    const fn = card.nic.vfOfQueue(queue) + 1;
    const vector = card.vectorOf(queue);
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

function covers({ address, bytes }: Train, byte: number): boolean {
  return byte >= address && byte < address + bytes;
}
